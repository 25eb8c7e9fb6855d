//! SCEP (RFC 8894): reads a PKIMessage, asks [`crate::enrol::enrol`], and writes the CertRep.
//!
//! Order of checks: size, parse, digest and cipher allowed, signature, attributes, message type by
//! allow-list, authorization, decrypt, proof of possession, policy, issue.

pub mod attributes;
mod ca_certificates;
mod caps;
mod exchange;
mod generation;
mod guesses;
pub mod http;
mod kept;
mod lookup;
pub mod message;
mod next_ca;
mod old;
pub mod open;
mod poll;
pub mod query;
pub mod refusal;
pub(super) mod rehearse;
mod reply;
mod reply_password;
mod service;

/// The largest message that is read: 64 KiB (checklist G).
pub(super) const MAX_MESSAGE: usize = 64 * 1024;
