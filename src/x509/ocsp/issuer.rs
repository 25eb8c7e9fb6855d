//! How OCSP names an issuer: by digests of its name and key.

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{CertId, IdDigest};
use crate::x509::key::PublicKey;
use crate::x509::name::Name;

/// An issuer's digests, computed once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuerId {
    sha1: ([u8; 20], [u8; 20]),
    sha256: ([u8; 32], [u8; 32]),
}

impl IssuerId {
    /// Of the CA with this subject and key.
    pub fn of(name: &Name, key: &PublicKey) -> Self {
        Self {
            sha1: (Sha1::digest(name.der()).into(), key_hash(key)),
            sha256: (Sha256::digest(name.der()).into(), Sha256::digest(key.bits()).into()),
        }
    }

    /// Whether a CertID names this issuer.
    pub fn is_of(&self, id: &CertId) -> bool {
        match id.digest {
            IdDigest::Sha1 => id.name_hash == self.sha1.0 && id.key_hash == self.sha1.1,
            IdDigest::Sha256 => id.name_hash == self.sha256.0 && id.key_hash == self.sha256.1,
        }
    }
}

/// SHA-1 of a key without tag, length and unused bits: a ResponderID byKey (RFC 6960 §4.2.1).
pub fn key_hash(key: &PublicKey) -> [u8; 20] {
    Sha1::digest(key.bits()).into()
}
