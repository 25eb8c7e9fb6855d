//! What the room keeps: certificates, revocations, CAs and their CRLs.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{CaId, KeyId};
use crate::store::{IndexKey, Kind, Record};
use crate::x509::key::KeyAlgorithm;
use crate::x509::name::Name;

mod ca_revocation;
mod certificate;
mod crl;
mod revocation;
pub mod serials;

pub use ca_revocation::CaRevocationRecord;
pub use certificate::{CertificateRecord, Status};
pub use crl::{BaseCrlRecord, CrlRecord, CrlSettingsRecord, MOST_SHARDS, Scope};
pub use revocation::{CompromisedKeyRecord, RevocationRecord};

/// What a CA is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Self-signed; signs CAs and its own CRL.
    Root,
    /// Signs leaves.
    Issuing,
}

/// A certificate authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaRecord {
    /// Its name.
    pub id: CaId,
    /// What it is.
    pub role: Role,
    /// Our CA that signed it; none for a root and for one under an external root.
    pub parent: Option<CaId>,
    /// Its subject.
    pub subject: Name,
    /// Its key's type.
    pub algorithm: KeyAlgorithm,
    /// Its key in the key store.
    pub key: KeyId,
    /// Its certificate; none while an external root has yet to sign.
    pub certificate: Option<Vec<u8>>,
    /// The request for an external root, DER.
    pub request: Option<Vec<u8>>,
    /// The external chain above it, issuer first.
    pub external_chain: Vec<Vec<u8>>,
    /// When it was made.
    pub created: Timestamp,
    /// When its key was last exported.
    pub key_exported: Option<Timestamp>,
    /// When its key was removed from this machine: then its CRL and its sub-CAs need the exported key.
    pub key_removed: Option<Timestamp>,
}

impl CaRecord {
    /// The key of a CA's record.
    pub fn key_of(id: &CaId) -> Vec<u8> {
        id.as_str().as_bytes().to_vec()
    }
}

impl Record for CaRecord {
    const KIND: Kind = Kind { id: 12, name: "ca" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.id)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
