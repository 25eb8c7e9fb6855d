//! Certificate authorities: their hierarchy, the profiles they issue by, and what they sign.

use std::sync::{Arc, RwLock};

use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::id::CaId;
use crate::keys::{KeyStore, Signer, pool::Pool};
use crate::random::Random;
use crate::store::Db;
use crate::task::Periodic;
use crate::x509::key::KeyKind;

mod anew;
pub mod client;
pub mod create;
pub mod crl;
pub mod custody;
pub mod hierarchy;
pub mod http;
pub mod import;
pub mod issue;
pub mod lint;
pub mod ocsp;
pub mod profile;
pub mod records;
pub mod recover;
pub mod renewal;
pub mod revoke;
pub mod rollover;

pub use hierarchy::{Hierarchy, LoadedCa};
pub use issue::{Issued, Order, issue};

/// Everything that issuing needs, shared by all edges. Clones share one state.
#[derive(Clone)]
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
    /// When the work that comes again and again last ran.
    pub upkeep: Arc<Periodic>,
    hierarchy: Arc<RwLock<Arc<Hierarchy>>>,
    /// Held from reading the CAs to swapping them: an older reading never replaces a newer one.
    reloading: Arc<tokio::sync::Mutex<()>>,
    /// Held while a rollover is prepared or changes its stage.
    rolling: Arc<tokio::sync::Mutex<()>>,
    census: Arc<rollover::Census>,
    published: Arc<crl::Published>,
    rehearsing: bool,
    /// Requests that wait for a token: so many at the most, and none on a thread that others need.
    remote: Arc<Semaphore>,
}

/// More requests than these do not wait for a token at once.
const MOST_REMOTE: usize = 64;

impl Authority {
    /// Puts the parts together, loads the CAs that the store holds, and finishes what a crash left of the
    /// removal of a key. Errors: `storage`, `damaged-file`.
    pub async fn load(
        db: Db,
        clock: Clock,
        random: Random,
        pool: Pool,
        keys: Arc<dyn KeyStore>,
        public_url: String,
    ) -> Result<Self> {
        let loaded = Hierarchy::load(&db, &*keys, &public_url).await?;
        custody::finish_removals(&loaded, &keys).await;
        rollover::forget_orphans(&loaded, &keys).await?;
        let hierarchy = Arc::new(RwLock::new(Arc::new(loaded)));
        let published = Arc::new(crl::Published::load(&db).await?);
        let (reloading, rolling, census) = Default::default();
        Ok(Self {
            db,
            clock,
            random,
            pool,
            keys,
            public_url,
            upkeep: Arc::default(),
            hierarchy,
            reloading,
            rolling,
            census,
            published,
            rehearsing: false,
            remote: Arc::new(Semaphore::new(MOST_REMOTE)),
        })
    }

    /// The CAs as they stand now.
    pub fn hierarchy(&self) -> Arc<Hierarchy> {
        self.hierarchy.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The same authority, for asking what would happen: it reads the store and writes nothing to it.
    pub fn rehearsal(&self) -> Self {
        Self { db: self.db.rehearsal(), rehearsing: true, ..self.clone() }
    }

    /// Whether it is only asked what would happen: then nobody outside is asked either.
    pub fn is_rehearsing(&self) -> bool {
        self.rehearsing
    }

    /// Runs a job that signs with the key of `ca`, where that does not hold others up: in place or on the signing
    /// threads by what it costs, and for a key in a token on a thread that may wait. Errors: `busy`, `ca-not-ready`,
    /// `internal`.
    pub async fn run_signing<T: Send + 'static>(
        &self,
        ca: &LoadedCa,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        self.run_with(&**ca.ready()?.1, job).await
    }

    /// As [`Self::run_signing`], with any key. Errors: `busy`, `internal`.
    pub async fn run_with<T: Send + 'static>(
        &self,
        signer: &dyn Signer,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        if signer.is_remote() {
            return self.run_remote(job).await;
        }
        // In 100 us or so.
        match signer.public_key().kind() {
            KeyKind::P256 | KeyKind::P384 => self.pool.run_short(job).await,
            KeyKind::P521 | KeyKind::Rsa(_) => self.pool.run(job).await,
        }
    }

    async fn run_remote<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let Ok(permit) = Arc::clone(&self.remote).try_acquire_owned() else {
            return Err(Error::new(Kind::Busy, "busy", format!("{MOST_REMOTE} requests wait for the token")));
        };
        let task = tokio::task::spawn_blocking(move || {
            let done = job();
            drop(permit);
            done
        });
        task.await.map_err(|e| Error::internal("signing with a token broke off").because(e))
    }

    /// Reads the CAs anew, after one was added or its key was removed.
    pub async fn reload(&self) -> Result<()> {
        let _alone = self.reloading.lock().await;
        let fresh = Arc::new(Hierarchy::load(&self.db, &*self.keys, &self.public_url).await?);
        *self.hierarchy.write().unwrap_or_else(std::sync::PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The last complete CRL of every CA, in memory.
    pub fn published(&self) -> &crl::Published {
        &self.published
    }

    /// The CRL's address of a CA, as it stands in certificates.
    pub fn crl_url(&self, ca: &CaId) -> String {
        crl_url(&self.public_url, ca)
    }

    /// The CA certificate's address, as it stands in certificates.
    pub fn ca_url(&self, ca: &CaId) -> String {
        ca_url(&self.public_url, ca)
    }
}

fn crl_url(public_url: &str, ca: &CaId) -> String {
    records::Scope::whole(ca).url(public_url)
}

/// One address for all CAs: the request says which.
fn ocsp_url(public_url: &str) -> String {
    format!("{public_url}/ocsp")
}

fn ca_url(public_url: &str, ca: &CaId) -> String {
    format!("{public_url}/ca/{ca}.crt")
}

/// Runs work to its end even if its caller leaves: what follows a durable write must not be cut off.
async fn to_the_end<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(work).await.map_err(|e| Error::internal("a change of the CAs broke off").because(e))?
}

/// Runs blocking work that takes long (key generation, key derivation) on a thread of its own, so that
/// neither the reactor nor the signing threads wait for it.
async fn on_thread<T: Send + 'static>(job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let failed = || Error::internal("a thread for long work could not be started or broke off");
    let (answer, asked) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("signet-long-work".to_owned())
        .spawn(move || {
            // Nobody waits any more when the receiver is gone: then the result is not needed.
            let _ = answer.send(job());
        })
        .map_err(|e| failed().because(e))?;
    asked.await.map_err(|_| failed())?
}
