//! Cryptographic Message Syntax (RFC 5652), as far as SCEP needs it.
//!
//! Reads DER framing ([`crate::x509::ber::to_der`] makes it out of what clients send) without copying, so
//! that signatures are checked over the bytes received. Structures are our own: the `cms` crate refuses
//! the constructed `[0]` content that Go clients send and sorts what it re-encodes.

pub mod algorithm;
pub mod attributes;
pub mod bundle;
pub mod enveloped;
pub mod oid;
pub mod signed;
pub mod signer;
pub mod write;

pub use algorithm::{ContentCipher, DigestAlgorithm, Transport};
pub use attributes::Attributes;
pub use bundle::certificates;
pub use enveloped::{EnvelopedData, Recipient};
pub use signed::SignedData;
pub use signer::{CertificateId, SignerInfo};

use crate::error::Error;
use crate::x509::tlv::Broken;

/// A structure that cannot be read: `what` names it.
fn unreadable(what: &'static str) -> impl Fn(Broken) -> Error {
    move |_| Error::malformed("bad-cms", format!("{what} cannot be read"))
}

fn not_allowed(detail: impl Into<String>) -> Error {
    Error::invalid("cms-algorithm", detail)
}
