//! A certificate that we issued, and whether it was revoked.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{CaId, ProfileId, RecordId, Serial};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};
use crate::x509::crl::Reason;
use crate::x509::name::Name;
use crate::x509::san::San;

use super::serials;

mod old;

/// How many words of a certificate are indexed; the store takes 1,000 index keys of a record.
const MAX_WORDS: usize = 600;

/// Whether a certificate was revoked (expiry is computed from the time).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// When.
        at: Timestamp,
        /// Why.
        reason: Reason,
        /// Since when the key is thought to have been invalid, if that was said (RFC 5280 §5.3.2).
        invalidity: Option<Timestamp>,
    },
}

/// A certificate that we issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRecord {
    /// The record's key, rising with time.
    pub id: RecordId,
    /// Serial number.
    pub serial: Serial,
    /// Who signed it.
    pub ca: CaId,
    /// By which profile.
    pub profile: ProfileId,
    /// Subject.
    pub subject: Name,
    /// Alternative names.
    pub sans: Vec<San>,
    /// The device it belongs to: the profile's device name (as the CN), if it has one.
    pub device: Option<String>,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last moment of validity.
    pub not_after: Timestamp,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key_fingerprint: [u8; 32],
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Whether it was revoked.
    pub status: Status,
    /// Who asked for it, for people.
    pub requester: String,
    /// The certificate that this one renews.
    pub renews: Option<Serial>,
    /// On which of its CA's CRLs it would stand, fixed when it is issued: 0 is `/crl/CA.crl`.
    pub shard: u32,
}

impl CertificateRecord {
    /// By serial number, unique; see [`serials`].
    pub const BY_SERIAL: Index = Index { id: 1, name: "serial", unique: true };
    /// By the first 16 bytes of the SHA-256 fingerprint.
    pub const BY_FINGERPRINT: Index = Index { id: 2, name: "fingerprint", unique: false };
    /// By each word of subject and alternative names.
    pub const BY_WORD: Index = Index { id: 3, name: "word", unique: false };
    /// By device name.
    pub const BY_DEVICE: Index = Index { id: 4, name: "device", unique: false };
    /// By profile, then time of issue.
    pub const BY_PROFILE: Index = Index { id: 5, name: "profile", unique: false };
    /// By expiry.
    pub const BY_EXPIRY: Index = Index { id: 6, name: "expiry", unique: false };
    /// By status (`0` good, `1` revoked), then expiry.
    pub const BY_STATUS: Index = Index { id: 7, name: "status", unique: false };
    /// By the first 16 bytes of the key's fingerprint.
    pub const BY_KEY: Index = Index { id: 8, name: "public-key", unique: false };

    /// The status as an index key's first byte.
    pub fn status_byte(status: &Status) -> u8 {
        match status {
            Status::Good => 0,
            Status::Revoked { .. } => 1,
        }
    }

    /// The words it is found by, lower-case, without repeats: first every value of subject and alternative names
    /// whole, then their parts (split at anything but letters and digits) of two characters or more. What lies
    /// beyond [`MAX_WORDS`] is parts, so that each name itself is found.
    fn words(&self) -> Vec<String> {
        let subject = self.subject.attributes().map(|a| a.value.to_lowercase());
        let values: Vec<String> =
            subject.chain(self.sans.iter().map(|san| san.value().to_lowercase())).collect();
        let parts = values.iter().flat_map(|value| value.split(|c: char| !c.is_alphanumeric()));
        let parts = parts.filter(|part| part.chars().nth(1).is_some());
        let wholes = values.iter().map(String::as_str).filter(|value| !value.is_empty());
        let mut seen = HashSet::with_capacity(16);
        wholes.chain(parts).filter(|word| seen.insert(*word)).take(MAX_WORDS).map(str::to_owned).collect()
    }

    /// Whether it is neither revoked nor outside its validity at `at`.
    pub fn is_live(&self, at: Timestamp) -> bool {
        self.status == Status::Good && self.not_before <= at && at <= self.not_after
    }
}

impl Record for CertificateRecord {
    const KIND: Kind = Kind { id: 10, name: "certificate" };
    const VERSION: u8 = 2;

    fn upgrade(version: u8, body: &[u8]) -> Result<Self> {
        old::upgrade(Self::KIND, version, body)
    }

    fn key(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let plain = |index, key: &[u8]| IndexKey { index, key: key.to_vec() };
        let mut keys = vec![
            plain(Self::BY_SERIAL, &serials::index_key(&self.serial, &self.ca)),
            plain(Self::BY_FINGERPRINT, &self.fingerprint[..16]),
            plain(
                Self::BY_PROFILE,
                &KeyBuilder::new().text(self.profile.as_str()).bytes(self.id.as_bytes()).build(),
            ),
            plain(Self::BY_EXPIRY, &self.not_after.sort_key()),
            plain(
                Self::BY_STATUS,
                &KeyBuilder::new().bytes(&[Self::status_byte(&self.status)]).time(self.not_after).build(),
            ),
            plain(Self::BY_KEY, &self.key_fingerprint[..16]),
        ];
        if let Some(device) = &self.device {
            keys.push(plain(Self::BY_DEVICE, &KeyBuilder::new().text(&device.to_lowercase()).build()));
        }
        keys.extend(self.words().iter().map(|w| plain(Self::BY_WORD, &KeyBuilder::new().text(w).build())));
        keys
    }
}
