//! SCEP (RFC 8894).

pub mod http;
