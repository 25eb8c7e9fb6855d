//! What the server keeps of its own: identities and signed heads of the audit log.

use serde::{Deserialize, Serialize};

use crate::id::KeyId;
use crate::store::{IndexKey, Kind, Record};

/// A key with its certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The key in the key store.
    pub key: KeyId,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// The chain above it, issuer first, DER.
    pub chain: Vec<Vec<u8>>,
}

/// One of Signet's own identities: its TLS listener or a SCEP registration authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityRecord {
    /// Its name, as `tls` or `ra-rsa-issuing`.
    pub name: String,
    /// Counts its keys: part of the next one's name.
    pub generation: u32,
    /// What it shows now.
    pub current: Holding,
    /// What it showed before and may still be asked for, newest first.
    pub former: Vec<Holding>,
}

impl Record for IdentityRecord {
    const KIND: Kind = Kind { id: 40, name: "identity" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.name.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

/// A signed head of the audit log: the newest of each day is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadRecord {
    /// The day, as days since 1970-01-01.
    pub day: u32,
    /// The newest entry's place.
    pub seq: u64,
    /// Its link, hexadecimal.
    pub hash: String,
    /// When it was signed (RFC 3339).
    pub at: String,
    /// Which key signed.
    pub key_id: String,
    /// The signature, base64.
    pub signature: String,
}

impl Record for HeadRecord {
    const KIND: Kind = Kind { id: 41, name: "audit-head" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.day.to_be_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
