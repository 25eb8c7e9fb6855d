//! The SCEP edge over its own router, asked by a client of the tests' own.

mod attributes;
mod bad_messages;
mod cert_rep;
mod der;
mod device;
mod enrolment;
mod envelope;
mod envelopes;
mod fuzzed;
mod http;
mod message;
mod renewal;
mod server;
mod strongswan;
