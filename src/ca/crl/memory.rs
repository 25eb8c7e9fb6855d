//! The last complete CRL of every CA, in memory, so that serving it touches neither store nor keys.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::ca::records::CrlRecord;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CaId;
use crate::store::{Db, PRIMARY, Scan};

/// A CRL as it is served.
#[derive(Debug)]
pub struct PublishedCrl {
    /// CRLNumber.
    pub number: u64,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next is there at the latest.
    pub next_update: Timestamp,
    /// How many recorded revocations it covers (see [`CrlRecord::covers`]).
    pub covers: i64,
    /// The CRL, DER.
    pub der: Arc<[u8]>,
}

/// All of them, each swapped at once.
#[derive(Debug, Default)]
pub struct Published(RwLock<HashMap<CaId, Arc<PublishedCrl>>>);

impl Published {
    /// Reads what the store holds. Errors: `storage`.
    pub async fn load(db: &Db) -> Result<Self> {
        let all = Self::default();
        for stored in db.all::<CrlRecord>(Scan::all::<CrlRecord>(PRIMARY)).await? {
            all.show(&stored.value);
        }
        Ok(all)
    }

    /// The CRL of a CA.
    pub fn of(&self, ca: &CaId) -> Option<Arc<PublishedCrl>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(ca).cloned()
    }

    /// Serves `crl` from now on, unless a later one is served already.
    pub(in crate::ca) fn show(&self, crl: &CrlRecord) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.get(&crl.ca).is_some_and(|shown| shown.number >= crl.number) {
            return;
        }
        let shown = PublishedCrl {
            number: crl.number,
            this_update: crl.this_update,
            next_update: crl.next_update,
            covers: crl.covers,
            der: crl.der.clone().into(),
        };
        all.insert(crl.ca.clone(), Arc::new(shown));
    }
}
