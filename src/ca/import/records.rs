//! What the room keeps of a CA that moved in: the import itself, and revocations of which only the serial is known.

use serde::{Deserialize, Serialize};

use crate::ca::records::Role;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CaId, KeyId, Serial};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record, Scan, unknown_version};
use crate::x509::crl::Reason;
use crate::x509::key::KeyAlgorithm;

/// A revocation that was brought in for a certificate which was not. It stays when its entry has left the CRL, so
/// that its serial number is never given again and a repeated import changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedRevocationRecord {
    /// Whose CRL it stands on.
    pub ca: CaId,
    /// The certificate's serial number.
    pub serial: Serial,
    /// When it was revoked.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
    /// When the certificate expires, where that is known: its entry leaves after one CRL past that.
    pub not_after: Option<Timestamp>,
    /// Whether its entry has left the CRL.
    pub left: bool,
    /// On which of the CA's CRLs it was published, where that was not the first: it stands there, and on the first.
    pub shard: u32,
}

impl ImportedRevocationRecord {
    /// Those that stand on the CRL, by CA.
    pub const BY_LISTED: Index = Index { id: 1, name: "listed", unique: false };

    /// Those that stand on the CRL of another shard than the first, by CA and shard.
    pub const BY_SHARD: Index = Index { id: 2, name: "shard", unique: false };

    /// A scan of those that stand on the CRL of a shard, 0 being the first, which lists all.
    pub fn scan(ca: &CaId, shard: u32) -> Scan {
        match shard {
            0 => Scan::all::<Self>(Self::BY_LISTED).prefix(Self::prefix(ca)),
            shard => {
                let prefix = KeyBuilder::new().text(ca.as_str()).bytes(&shard.to_be_bytes()).build();
                Scan::all::<Self>(Self::BY_SHARD).prefix(prefix)
            }
        }
    }

    /// The key of a serial number's record.
    pub fn key_of(ca: &CaId, serial: &Serial) -> Vec<u8> {
        KeyBuilder::new().text(ca.as_str()).bytes(serial.content()).build()
    }

    /// The beginning of a CA's keys in [`Self::BY_LISTED`].
    pub fn prefix(ca: &CaId) -> Vec<u8> {
        KeyBuilder::new().text(ca.as_str()).build()
    }
}

impl Record for ImportedRevocationRecord {
    const KIND: Kind = Kind { id: 14, name: "imported-revocation" };
    const VERSION: u8 = 2;

    /// Version 1 had no shard, the last field: zero.
    fn upgrade(version: u8, body: &[u8]) -> Result<Self> {
        match version {
            1 => postcard::from_bytes(&[body, &[0]].concat())
                .map_err(|e| Error::storage("an imported revocation record is damaged").because(e)),
            _ => Err(unknown_version(Self::KIND, version)),
        }
    }

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.ca, &self.serial)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        if self.left {
            return Vec::new();
        }
        let mut keys = vec![IndexKey { index: Self::BY_LISTED, key: self.key() }];
        if self.shard > 0 {
            let key = KeyBuilder::new().text(self.ca.as_str()).bytes(&self.shard.to_be_bytes());
            let key = key.bytes(self.serial.content()).build();
            keys.push(IndexKey { index: Self::BY_SHARD, key });
        }
        keys
    }
}

/// A CA that is moving in or has moved in. While it is moving in there is no [`crate::ca::records::CaRecord`] of its
/// name, so it signs nothing and no list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// Its name.
    pub id: CaId,
    /// What it is to be.
    pub role: Role,
    /// Our CA that signed it, if one did.
    pub parent: Option<CaId>,
    /// Its key's type.
    pub algorithm: KeyAlgorithm,
    /// Its key in the key store.
    pub key: KeyId,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// The chain above it, issuer first, as far as it is none of our CAs.
    pub external_chain: Vec<Vec<u8>>,
    /// When the import began.
    pub began: Timestamp,
    /// When the CA became one of ours.
    pub activated: Option<Timestamp>,
}

impl ImportRecord {
    /// The key of a CA's import.
    pub fn key_of(id: &CaId) -> Vec<u8> {
        id.as_str().as_bytes().to_vec()
    }
}

impl Record for ImportRecord {
    const KIND: Kind = Kind { id: 15, name: "import" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.id)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
