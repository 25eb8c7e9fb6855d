//! Revoked CAs.

use serde::{Deserialize, Serialize};

use super::RevocationRecord;
use crate::clock::Timestamp;
use crate::id::{CaId, RecordId, Serial};
use crate::store::{IndexKey, Kind, Record};
use crate::x509::crl::Reason;

/// A CA that was revoked: neither it nor a CA below it issues anything more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaRevocationRecord {
    /// Which CA.
    pub ca: CaId,
    /// What stands for its certificate among the revocations of its parent.
    pub certificate: RecordId,
    /// Its certificate's serial number.
    pub serial: Serial,
    /// Our CA on whose CRL it stands; none under an external root, whose owner revokes it.
    pub parent: Option<CaId>,
    /// When it was revoked.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
    /// Since when its key is thought to have been invalid, if that was said.
    pub invalidity: Option<Timestamp>,
    /// When its certificate expires.
    pub not_after: Timestamp,
}

impl CaRevocationRecord {
    /// The key of a CA's revocation.
    pub fn key_of(ca: &CaId) -> Vec<u8> {
        ca.as_str().as_bytes().to_vec()
    }

    /// The row by which it stands on its parent's CRL, if that is one of ours: always in shard 0, which is the
    /// address in the certificates of CAs.
    pub fn row(&self) -> Option<RevocationRecord> {
        Some(RevocationRecord {
            ca: self.parent.clone()?,
            certificate: self.certificate,
            serial: self.serial.clone(),
            at: self.at,
            reason: self.reason,
            not_after: self.not_after,
            shard: 0,
            invalidity: self.invalidity,
        })
    }
}

impl Record for CaRevocationRecord {
    const KIND: Kind = Kind { id: 18, name: "ca-revocation" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.ca)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
