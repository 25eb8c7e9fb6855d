//! Certificate authorities: their hierarchy, the profiles they issue by, and what they sign.

use std::sync::{Arc, RwLock};

use crate::clock::Clock;
use crate::error::Result;
use crate::keys::{KeyStore, pool::Pool};
use crate::random::Random;
use crate::store::Db;

pub mod crl;
pub mod hierarchy;
pub mod http;
pub mod issue;
pub mod lint;
pub mod profile;
pub mod records;
pub mod revoke;

pub use hierarchy::{Hierarchy, LoadedCa};
pub use issue::{Issued, Order, issue};

/// Everything that issuing needs, shared by all edges.
pub struct Authority {
    /// Durable state.
    pub db: Db,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Threads for CPU work.
    pub pool: Pool,
    /// Private keys.
    pub keys: Arc<dyn KeyStore>,
    /// Where the CRLs and CA certificates are published: `http://HOST[:PORT]`, without a slash at the end.
    pub public_url: String,
    hierarchy: RwLock<Arc<Hierarchy>>,
}

impl Authority {
    /// Puts the parts together and loads the CAs that the store holds.
    /// Errors: `storage`, `damaged-file`.
    pub async fn load(
        db: Db,
        clock: Clock,
        random: Random,
        pool: Pool,
        keys: Arc<dyn KeyStore>,
        public_url: String,
    ) -> Result<Self> {
        let hierarchy = RwLock::new(Arc::new(Hierarchy::load(&db, &*keys).await?));
        Ok(Self { db, clock, random, pool, keys, public_url, hierarchy })
    }

    /// The CAs as they stand now.
    pub fn hierarchy(&self) -> Arc<Hierarchy> {
        self.hierarchy.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Reads the CAs anew, after one was added or its key was removed.
    pub async fn reload(&self) -> Result<()> {
        let fresh = Arc::new(Hierarchy::load(&self.db, &*self.keys).await?);
        *self.hierarchy.write().unwrap_or_else(std::sync::PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The CRL's address of a CA, as it stands in certificates.
    pub fn crl_url(&self, ca: &crate::id::CaId) -> String {
        format!("{}/crl/{ca}.crl", self.public_url)
    }

    /// The CA certificate's address, as it stands in certificates.
    pub fn ca_url(&self, ca: &crate::id::CaId) -> String {
        format!("{}/ca/{ca}.crt", self.public_url)
    }
}
