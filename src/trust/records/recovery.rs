//! The recovery signer: the one certificate by which phones follow a change of every other.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::KeyId;
use crate::store::{IndexKey, Kind, Record};
use crate::x509::cert::Certificate;

/// A recovery signer. The one with the highest generation signs; those before stay anchors where they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryRecord {
    /// 1, 2, 3 …: the record's key.
    pub generation: u32,
    /// Its key in the key store.
    pub key: KeyId,
    /// Its self-signed certificate, DER.
    pub certificate: Vec<u8>,
    /// When it was made.
    pub made: Timestamp,
    /// When its key was last exported.
    pub exported: Option<Timestamp>,
}

impl RecoveryRecord {
    /// The key of a generation.
    pub fn key_of(generation: u32) -> Vec<u8> {
        generation.to_be_bytes().to_vec()
    }

    /// The certificate, read. Errors: `bad-certificate`.
    pub fn read(&self) -> Result<Certificate> {
        Certificate::from_der(&self.certificate)
    }
}

impl Record for RecoveryRecord {
    const KIND: Kind = Kind { id: 83, name: "recovery-signer" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.generation)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
