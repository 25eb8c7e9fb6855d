//! Revoked certificates, shard by shard, and the keys that were compromised.

use serde::{Deserialize, Serialize};

use super::CertificateRecord;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CaId, RecordId, Serial};
use crate::store::{IndexKey, Item, KeyBuilder, Kind, PRIMARY, Record, Scan, unknown_version};
use crate::x509::crl::Reason;

/// A revoked certificate, kept beside its record so that a CRL is one short scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationRecord {
    /// Whose CRL it stands on.
    pub ca: CaId,
    /// The certificate's record.
    pub certificate: RecordId,
    /// Its serial number.
    pub serial: Serial,
    /// When it was revoked.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
    /// When the certificate expires (its entry leaves after one CRL past that).
    pub not_after: Timestamp,
    /// Which of the CA's CRLs that is: the certificate's shard.
    pub shard: u32,
    /// Since when the key is thought to have been invalid, if that was said (RFC 5280 §5.3.2).
    pub invalidity: Option<Timestamp>,
}

/// Stands before the number of every shard but 0, whose keys are as they were before there were shards. No
/// [`RecordId`] begins with it before the year 10,000.
const SHARD: u8 = 0xff;

impl RevocationRecord {
    /// The row of a certificate that was revoked with these words.
    pub fn of(
        record: &CertificateRecord,
        at: Timestamp,
        reason: Reason,
        invalidity: Option<Timestamp>,
    ) -> Self {
        Self {
            ca: record.ca.clone(),
            certificate: record.id,
            serial: record.serial.clone(),
            at,
            reason,
            not_after: record.not_after,
            shard: record.shard,
            invalidity,
        }
    }

    /// The key of a certificate's row.
    pub fn key_of(ca: &CaId, shard: u32, certificate: &RecordId) -> Vec<u8> {
        [Self::counter_key(ca, shard).as_slice(), certificate.as_bytes()].concat()
    }

    /// The key of the counter that rises with every change to what a shard's CRL is to say.
    pub fn counter_key(ca: &CaId, shard: u32) -> Vec<u8> {
        let key = KeyBuilder::new().text(ca.as_str());
        match shard {
            0 => key.build(),
            shard => key.bytes(&[SHARD]).bytes(&shard.to_be_bytes()).build(),
        }
    }

    /// What tells the publisher of `by` changes (a revocation, a release) to a shard: belongs into their unit.
    pub fn count(ca: &CaId, shard: u32, by: i64) -> Item {
        Item::Add { kind: Self::KIND, key: Self::counter_key(ca, shard), delta: by, max: i64::MAX }
    }

    /// A scan of all rows of a shard.
    pub fn scan(ca: &CaId, shard: u32) -> Scan {
        let (scan, from) = (Scan::all::<Self>(PRIMARY), Self::counter_key(ca, shard));
        match shard {
            0 => {
                let end = [from.as_slice(), &[SHARD]].concat();
                scan.range(from, Some(end))
            }
            _ => scan.prefix(from),
        }
    }
}

impl Record for RevocationRecord {
    const KIND: Kind = Kind { id: 11, name: "revocation" };
    const VERSION: u8 = 2;

    /// Version 1 had neither shard nor invalidity date, the last fields: zero and none.
    fn upgrade(version: u8, body: &[u8]) -> Result<Self> {
        match version {
            1 => postcard::from_bytes(&[body, &[0, 0]].concat())
                .map_err(|e| Error::storage("a revocation record is damaged").because(e)),
            _ => Err(unknown_version(Self::KIND, version)),
        }
    }

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.ca, self.shard, &self.certificate)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

/// A key that was reported as compromised: it serves nobody again, and it renews nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompromisedKeyRecord {
    /// SHA-256 of the SubjectPublicKeyInfo: the record's key.
    pub key_fingerprint: [u8; 32],
    /// The certificate that was revoked for it.
    pub serial: Serial,
    /// When.
    pub at: Timestamp,
}

impl Record for CompromisedKeyRecord {
    const KIND: Kind = Kind { id: 23, name: "compromised-key" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.key_fingerprint.to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::store::{Envelope, Stored};

    fn row(shard: u32) -> RevocationRecord {
        let (now, random) = (Timestamp::from_millis(1_790_000_000_000), Random::system());
        RevocationRecord {
            ca: "ec-issuing".parse().unwrap(),
            certificate: RecordId::new(now, &random).unwrap(),
            serial: Serial::new(now, &random).unwrap(),
            at: now,
            reason: Reason::CertificateHold,
            not_after: now,
            shard,
            invalidity: None,
        }
    }

    #[test]
    fn a_row_from_before_shards_is_one_of_shard_0_under_the_same_key() {
        let now = row(0);
        let body = postcard::to_allocvec(&now).unwrap();
        let key = [b"ec-issuing\0".as_slice(), now.certificate.as_bytes()].concat();
        assert_eq!(now.key(), key);
        let old = Envelope { key, revision: 1, version: 1, body: body[..body.len() - 2].to_vec() };
        assert_eq!(Stored::<RevocationRecord>::open(&old).unwrap().value, now);
    }

    #[test]
    fn each_row_stands_in_the_scan_of_its_shard_alone() {
        let latest = RecordId::new(Timestamp::from_millis(253_402_300_799_999), &Random::system()).unwrap();
        for shard in [0, 1, 255, 256, 4_096] {
            let row = RevocationRecord { certificate: latest, ..row(shard) };
            for other in [0, 1, 255, 256, 4_096] {
                let scan = RevocationRecord::scan(&row.ca, other);
                let within = scan.from <= row.key() && scan.to.is_none_or(|end| row.key() < end);
                assert_eq!(within, other == shard, "{shard} in {other}");
            }
        }
    }
}
