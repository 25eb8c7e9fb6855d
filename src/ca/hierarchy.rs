//! The CAs in memory, each with its chain and, where the key is here, its signer.

use std::sync::Arc;

use crate::ca::records::CaRecord;
use crate::error::Result;
use crate::id::CaId;
use crate::keys::{KeyStore, Signer};
use crate::store::Db;
use crate::x509::cert::Certificate;

/// A CA with what issuing needs, decoded once.
#[derive(Clone, Debug)]
pub struct LoadedCa {
    /// Its record.
    pub record: CaRecord,
    /// Its certificate; none while an external root has yet to sign.
    pub certificate: Option<Arc<Certificate>>,
    /// Its certificate and those above it, itself first, the root last.
    pub chain: Vec<Arc<Certificate>>,
    /// Its signer; none if the key was exported and removed.
    pub signer: Option<Arc<dyn Signer>>,
}

impl LoadedCa {
    /// Its certificate and signer. Errors: `ca-not-ready` naming what is missing and the command that brings it.
    pub fn ready(&self) -> Result<(&Arc<Certificate>, &Arc<dyn Signer>)> {
        todo!()
    }
}

/// All CAs, immutable.
#[derive(Clone, Debug, Default)]
pub struct Hierarchy {
    cas: Vec<Arc<LoadedCa>>,
}

impl Hierarchy {
    /// Reads the CAs from the store, issuing CAs first.
    pub async fn load(_db: &Db, _keys: &dyn KeyStore) -> Result<Self> {
        todo!()
    }
    /// All CAs, issuing first, then by name.
    pub fn all(&self) -> &[Arc<LoadedCa>] {
        &self.cas
    }
    /// The CA of that name. Errors: `not-found`.
    pub fn require(&self, _id: &CaId) -> Result<&Arc<LoadedCa>> {
        todo!()
    }
    /// Our CA whose key signed `certificate` (by key identifier and signature, not by name alone).
    pub fn issuer_of(&self, _certificate: &Certificate) -> Option<&Arc<LoadedCa>> {
        todo!()
    }
}
