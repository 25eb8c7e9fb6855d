//! The last CRLs of every CA, in memory, so that serving them touches neither store nor keys.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::ca::records::{CrlRecord, Scope};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CaId;
use crate::store::{Db, PRIMARY, Scan};
use crate::x509::pem;

/// A CRL as it is served.
#[derive(Debug)]
pub struct PublishedCrl {
    /// Which certificates it is about.
    pub scope: Scope,
    /// CRLNumber.
    pub number: u64,
    /// BaseCRLNumber of a delta CRL.
    pub base: Option<u64>,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next is there at the latest.
    pub next_update: Timestamp,
    /// How many entries it has.
    pub entries: u64,
    /// How many recorded changes it covers (see [`CrlRecord::covers`]).
    pub covers: i64,
    /// The revision of the settings by which it was made.
    pub settings: u64,
    /// The CRL, DER.
    pub der: Arc<[u8]>,
    /// The SHA-256 of `der`.
    pub digest: [u8; 32],
    pem: OnceLock<Arc<[u8]>>,
}

impl PublishedCrl {
    fn of(crl: &CrlRecord) -> Self {
        Self {
            scope: crl.scope(),
            number: crl.number,
            base: crl.base,
            this_update: crl.this_update,
            next_update: crl.next_update,
            entries: crl.entries,
            covers: crl.covers,
            settings: crl.settings,
            der: crl.der.as_slice().into(),
            digest: Sha256::digest(&crl.der).into(),
            pem: OnceLock::new(),
        }
    }

    /// The CRL as PEM, made when it is first asked for.
    pub fn pem(&self) -> Arc<[u8]> {
        Arc::clone(self.pem.get_or_init(|| pem::encode("X509 CRL", &self.der).into_bytes().into()))
    }
}

/// What is known of a scope.
#[derive(Debug, Default)]
struct Shown {
    complete: Option<Arc<PublishedCrl>>,
    delta: Option<Arc<PublishedCrl>>,
    /// When the last one was there, and how long it took to make.
    made: Option<(Timestamp, Duration)>,
}

/// All of them, each swapped at once.
#[derive(Debug, Default)]
pub struct Published(RwLock<BTreeMap<Scope, Shown>>);

impl Published {
    /// Reads what the store holds. Errors: `storage`.
    pub async fn load(db: &Db) -> Result<Self> {
        let all = Self::default();
        let mut scan = Scan::all::<CrlRecord>(PRIMARY);
        loop {
            let page = db.scan::<CrlRecord>(scan.clone()).await?;
            page.items.iter().for_each(|stored| drop(all.show(&stored.value)));
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// The complete CRL of a CA's first shard, at `/crl/CA.crl`.
    pub fn of(&self, ca: &CaId) -> Option<Arc<PublishedCrl>> {
        self.complete(&Scope::whole(ca))
    }

    /// The complete CRL of a scope.
    pub fn complete(&self, scope: &Scope) -> Option<Arc<PublishedCrl>> {
        self.read(|all| all.get(scope)?.complete.clone())
    }

    /// The delta CRL of a scope.
    pub fn delta(&self, scope: &Scope) -> Option<Arc<PublishedCrl>> {
        self.read(|all| all.get(scope)?.delta.clone())
    }

    /// When the last CRL of a scope was there and how long it took to make; none if this process made none yet.
    pub(super) fn made(&self, scope: &Scope) -> Option<(Timestamp, Duration)> {
        self.read(|all| all.get(scope)?.made)
    }

    /// Serves `crl` from now on, unless a later one is served already. Returns it as it would be served.
    pub(in crate::ca) fn show(&self, crl: &CrlRecord) -> Arc<PublishedCrl> {
        let fresh = Arc::new(PublishedCrl::of(crl));
        self.write(|all| {
            let shown = all.entry(crl.scope()).or_default();
            let place = if crl.base.is_some() { &mut shown.delta } else { &mut shown.complete };
            if place.as_ref().is_none_or(|standing| standing.number < fresh.number) {
                *place = Some(Arc::clone(&fresh));
            }
        });
        fresh
    }

    /// Serves no delta CRL of the scope any more.
    pub(super) fn drop_delta(&self, scope: &Scope) {
        self.write(|all| all.entry(scope.clone()).or_default().delta = None);
    }

    /// Serves nothing of the scope any more.
    pub(super) fn forget(&self, scope: &Scope) {
        self.write(|all| all.remove(scope));
    }

    /// Notes what the last publication of a scope cost.
    pub(super) fn note(&self, scope: &Scope, at: Timestamp, took: Duration) {
        self.write(|all| all.entry(scope.clone()).or_default().made = Some((at, took)));
    }

    fn read<T>(&self, look: impl FnOnce(&BTreeMap<Scope, Shown>) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut BTreeMap<Scope, Shown>) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}
