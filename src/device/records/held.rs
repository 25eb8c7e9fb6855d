//! A certificate that a device holds.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::Serial;
use crate::store::KeyBuilder;
use crate::x509::cert::Certificate;

/// A certificate that a device holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    /// Its serial number.
    pub serial: Serial,
    /// Its issuer, for people (RFC 4514).
    pub issuer: String,
    /// Its key, as `rsa-2048`.
    pub key: String,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last moment of validity.
    pub not_after: Timestamp,
}

impl Held {
    /// How keys of [`super::DeviceRecord::BY_HELD_KEY`] begin that are of an LSC.
    pub const LSC: u8 = b'L';
    /// How they begin of a MIC.
    pub const MIC: u8 = b'M';

    /// What is kept of a certificate. Errors: those of its public key.
    pub fn of(certificate: &Certificate) -> Result<Self> {
        certificate.allow_rsa_1024();
        Ok(Self {
            fingerprint: certificate.fingerprint(),
            serial: certificate.serial().clone(),
            issuer: certificate.issuer().to_string(),
            key: certificate.public_key()?.kind().to_string(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        })
    }

    /// From when on it is to be renewed: two thirds of its validity.
    pub fn renewal_due(&self) -> Timestamp {
        self.not_before.plus(self.not_after.since(self.not_before) / 3 * 2)
    }

    /// The bits of its RSA key; none for another.
    pub fn rsa_bits(&self) -> Option<u32> {
        self.key.strip_prefix("rsa-")?.parse().ok()
    }

    /// Its place in the order by key, then expiry.
    pub fn index_key(&self, kind: u8) -> Vec<u8> {
        KeyBuilder::new().bytes(&[kind]).text(&self.key).time(self.not_after).build()
    }
}
