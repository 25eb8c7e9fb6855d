//! What the room keeps: certificates, revocations, CAs and their CRLs.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{CaId, KeyId, ProfileId, RecordId, Serial};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};
use crate::x509::crl::Reason;
use crate::x509::key::KeyAlgorithm;
use crate::x509::name::Name;
use crate::x509::san::San;

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
}

impl CertificateRecord {
    /// By serial number (content octets), unique.
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
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let plain = |index, key: &[u8]| IndexKey { index, key: key.to_vec() };
        let mut keys = vec![
            plain(Self::BY_SERIAL, self.serial.content()),
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
}

impl RevocationRecord {
    /// The key of the counter that rises with every revocation of a CA.
    pub fn counter_key(ca: &CaId) -> Vec<u8> {
        KeyBuilder::new().text(ca.as_str()).build()
    }

    /// The beginning of the keys of a CA's revocations.
    pub fn prefix(ca: &CaId) -> Vec<u8> {
        KeyBuilder::new().text(ca.as_str()).build()
    }
}

impl Record for RevocationRecord {
    const KIND: Kind = Kind { id: 11, name: "revocation" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        KeyBuilder::new().text(self.ca.as_str()).bytes(self.certificate.as_bytes()).build()
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

/// The last complete CRL of a CA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrlRecord {
    /// Whose.
    pub ca: CaId,
    /// CRLNumber: never goes back.
    pub number: u64,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next is there at the latest.
    pub next_update: Timestamp,
    /// How many entries it has.
    pub entries: u64,
    /// How many revocations of the CA had been recorded when its entries were read (the counter of
    /// [`RevocationRecord::counter_key`]): a higher count means that another CRL is due.
    pub covers: i64,
    /// The CRL, DER.
    pub der: Vec<u8>,
}

impl CrlRecord {
    /// The key of a CA's CRL.
    pub fn key_of(ca: &CaId) -> Vec<u8> {
        ca.as_str().as_bytes().to_vec()
    }
}

impl Record for CrlRecord {
    const KIND: Kind = Kind { id: 13, name: "crl" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.ca)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
