//! OCSP (RFC 6960, nonces by RFC 9654): requests read, answers written.

use const_oid::ObjectIdentifier;

use crate::clock::Timestamp;
use crate::id::Serial;
use crate::x509::crl::Reason;

mod issuer;
mod request;
mod response;

pub use issuer::{IssuerId, key_hash};
pub use request::Request;
pub use response::{TbsResponse, failure, success};

/// id-pkix-ocsp-nonce (RFC 9654 §2.1).
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
/// id-pkix-ocsp-archive-cutoff (RFC 6960 §4.4.4).
const ARCHIVE_CUTOFF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.6");

/// The digest of a CertID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdDigest {
    /// SHA-1: 20 octets.
    Sha1,
    /// SHA-256: 32 octets.
    Sha256,
}

/// Which certificate is asked about (RFC 6960 §4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertId {
    /// The CertID as received: it is echoed.
    pub der: Vec<u8>,
    /// What its hashes are.
    pub digest: IdDigest,
    /// The digest of the issuer's name.
    pub name_hash: Vec<u8>,
    /// The digest of the issuer's key, without tag, length and unused bits.
    pub key_hash: Vec<u8>,
    /// The serial number without needless zeros.
    pub serial: Serial,
}

/// What is said of one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Issued, and not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// When.
        at: Timestamp,
        /// Why.
        reason: Reason,
    },
    /// Never issued, as far as the responder knows.
    Unknown,
}

/// All that is said of one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whether it was revoked.
    pub status: Status,
    /// Of an expired one: since when expired ones are answered for (RFC 6960 §4.4.4).
    pub archive_cutoff: Option<Timestamp>,
}

impl From<Status> for Said {
    fn from(status: Status) -> Self {
        Self { status, archive_cutoff: None }
    }
}

/// An answer without a signature (RFC 6960 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// 1: the request cannot be read.
    MalformedRequest,
    /// 2: a fault of the responder.
    InternalError,
    /// 3: the responder cannot answer now.
    TryLater,
    /// 6: the responder does not answer for this issuer.
    Unauthorized,
}

impl Failure {
    /// The OCSPResponseStatus.
    pub fn code(self) -> u8 {
        match self {
            Self::MalformedRequest => 1,
            Self::InternalError => 2,
            Self::TryLater => 3,
            Self::Unauthorized => 6,
        }
    }
}

#[cfg(test)]
mod tests;
