//! The SCEP edge over its own router, asked by a client of the tests' own.

mod attributes;
mod bad_messages;
mod ber;
mod catalogue;
pub mod cert_rep;
pub mod der;
pub mod device;
mod elliptic;
mod enrolment;
pub mod envelope;
mod envelopes;
mod fuzzed;
mod http;
#[cfg(feature = "legacy")]
mod legacy;
mod log;
mod lookups;
pub mod message;
mod no_envelope;
#[cfg(feature = "legacy")]
mod old_keys;
mod polls;
mod refused;
mod renewal;
mod server;
mod shapes;
mod strongswan;
