//! The SCEP edge over its own router, asked by a client of the tests' own.

mod attributes;
mod bad_messages;
mod ber;
mod catalogue;
mod cert_rep;
mod der;
mod device;
mod elliptic;
mod enrolment;
mod envelope;
mod envelopes;
mod fuzzed;
mod http;
#[cfg(feature = "legacy")]
mod legacy;
mod log;
mod lookups;
mod message;
mod no_envelope;
#[cfg(feature = "legacy")]
mod old_keys;
mod polls;
mod refused;
mod renewal;
mod server;
mod shapes;
mod strongswan;
