//! What is kept of a request that a CA elsewhere is to sign.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::device::DeviceName;
use crate::device::records::DeviceRecord;
use crate::id::{ProfileId, RecordId};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};
use crate::x509::cert::Certificate;
use crate::x509::name::Name;
use crate::x509::san::San;

/// A key that a device sent, and the certificate that a CA elsewhere made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineRequestRecord {
    /// The record's key: the device's operation, which asks for one certificate.
    pub operation: RecordId,
    /// The device.
    pub device: DeviceName,
    /// By which profile.
    pub profile: ProfileId,
    /// The subject to be written.
    pub subject: Name,
    /// The alternative names to be written.
    pub sans: Vec<San>,
    /// Its public key: SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// SHA-256 of it.
    pub key_fingerprint: [u8; 32],
    /// When the device sent it.
    pub asked: Timestamp,
    /// The certificate, DER, once it was brought in.
    pub certificate: Option<Vec<u8>>,
}

impl OfflineRequestRecord {
    /// By key: a certificate that comes in is found by the key in it.
    pub const BY_KEY: Index = Index { id: 1, name: "key", unique: true };
    /// Whether it was signed, then the operation.
    pub const BY_STATE: Index = Index { id: 2, name: "state", unique: false };

    /// Whether this is the certificate that was brought in for the device: for none before it that bore the name and was
    /// deleted.
    pub fn is_signed_for(&self, device: &DeviceRecord, certificate: &Certificate) -> bool {
        self.is_of(device) && self.certificate.as_deref() == Some(certificate.der())
    }

    /// Whether the device asked for it, and not one before it that bore the name: its operations are set after it was added.
    pub fn is_of(&self, device: &DeviceRecord) -> bool {
        self.device == device.name && self.operation.made_at() >= device.id.made_at()
    }

    /// What the keys of those in [`Self::BY_STATE`] begin with that wait, or that were signed.
    pub fn state_key(signed: bool) -> [u8; 1] {
        [u8::from(signed)]
    }
}

impl Record for OfflineRequestRecord {
    const KIND: Kind = Kind { id: 65, name: "offline-request" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.operation.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let state = KeyBuilder::new().bytes(&Self::state_key(self.certificate.is_some()));
        vec![
            IndexKey { index: Self::BY_KEY, key: self.key_fingerprint.to_vec() },
            IndexKey { index: Self::BY_STATE, key: state.bytes(self.operation.as_bytes()).build() },
        ]
    }
}
