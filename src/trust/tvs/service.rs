//! Who answers: from memory, as long as nothing changed that an answer depends on.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use super::index::{Index, Known};
use super::message::{Question, Verdict};
use crate::ca::import::records::ImportedRevocationRecord;
use crate::ca::records::RevocationRecord;
use crate::ca::{Authority, Hierarchy};
use crate::error::Result;
use crate::id::ClusterId;
use crate::store::{Kind, Record};
use crate::trust::anchor;
use crate::trust::records::ClusterRecord;
use crate::trust::standing::Issuer;

/// For how many seconds a phone may remember an answer, unless the settings say otherwise.
pub const TTL: u32 = 86_400;

/// An answer, and what it says, for log and metrics.
#[derive(Debug)]
pub struct Answered {
    /// The message.
    pub message: Vec<u8>,
    /// `valid`, `unknown`, `outside-validity`, `revoked` or `no-cluster`.
    pub verdict: &'static str,
}

/// Answers questions.
pub struct Service {
    authority: Arc<Authority>,
    ttl: u32,
    /// Of clusters: each is written anew with every change of its anchors.
    trust: watch::Receiver<u64>,
    /// Of what was revoked, or is no longer, here and before a CA moved in.
    revocations: [watch::Receiver<u64>; 2],
    loaded: RwLock<Option<Arc<Loaded>>>,
    /// One reads at a time; the others wait for what it finds.
    turn: tokio::sync::Mutex<()>,
}

/// What the answers are taken from, and of which state that is.
struct Loaded {
    trusted: Arc<Trusted>,
    /// SHA-256 of the certificates that were revoked, or whose issuer was.
    revoked: HashSet<[u8; 32]>,
    revocations: [u64; 2],
}

struct Trusted {
    clusters: HashMap<ClusterId, Index>,
    issuers: Vec<(Arc<Known>, Issuer)>,
    hierarchy: Arc<Hierarchy>,
    trust: u64,
}

impl Service {
    /// A service that reads what it needs at the first question. Phones may remember an answer for `ttl` seconds.
    pub fn new(authority: Arc<Authority>, ttl: u32) -> Self {
        let db = authority.db.clone();
        let changed = |kind: Kind| db.raw().changed(kind);
        Self {
            trust: changed(ClusterRecord::KIND),
            revocations: [RevocationRecord::KIND, ImportedRevocationRecord::KIND].map(changed),
            authority,
            ttl,
            loaded: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The answer to a question of a phone of `cluster`; none: of no cluster, and nothing is valid.
    /// Errors: `storage` if what was revoked cannot be read: then nothing is answered.
    pub async fn answer(
        &self,
        cluster: Option<&ClusterId>,
        question: &Question<'_>,
        session: u32,
    ) -> Result<Answered> {
        let loaded = self.current().await?;
        let found = match cluster.and_then(|cluster| loaded.trusted.clusters.get(cluster)) {
            None => Err("no-cluster"),
            Some(index) => self.judge(index, &loaded.revoked, question),
        };
        match found {
            Ok((known, ttl)) => {
                let certificate = known.certificate.der();
                let valid = Verdict::Valid { certificate, roles: &known.roles, ttl };
                Ok(Answered { message: valid.answer(question, session)?, verdict: "valid" })
            }
            Err(verdict) => Ok(Answered { message: Verdict::Invalid.answer(question, session)?, verdict }),
        }
    }

    fn judge<'a>(
        &self,
        index: &'a Index,
        revoked: &HashSet<[u8; 32]>,
        question: &Question<'_>,
    ) -> Result<(&'a Known, u32), &'static str> {
        let known = match question {
            Question::Verify { certificate, .. } => index.of_der(certificate),
            Question::Query { subject, issuer, serial, .. } => index.of_names(serial, subject, issuer),
        };
        let known = known.ok_or("unknown")?;
        if revoked.contains(&known.fingerprint) {
            return Err("revoked");
        }
        let ttl = known.remaining(self.authority.clock.now(), self.ttl).ok_or("outside-validity")?;
        Ok((known, ttl))
    }

    async fn current(&self) -> Result<Arc<Loaded>> {
        if let Some(loaded) = self.fresh() {
            return Ok(loaded);
        }
        let _turn = self.turn.lock().await;
        if let Some(loaded) = self.fresh() {
            return Ok(loaded);
        }
        let loaded = Arc::new(self.load().await?);
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    fn held(&self) -> Option<Arc<Loaded>> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh(&self) -> Option<Arc<Loaded>> {
        self.held().filter(|held| held.revocations == self.revoked_until() && self.is_current(&held.trusted))
    }

    fn revoked_until(&self) -> [u64; 2] {
        [*self.revocations[0].borrow(), *self.revocations[1].borrow()]
    }

    fn is_current(&self, trusted: &Trusted) -> bool {
        trusted.trust == *self.trust.borrow() && Arc::ptr_eq(&trusted.hierarchy, &self.authority.hierarchy())
    }

    async fn load(&self) -> Result<Loaded> {
        // Noted before anything is read: a change meanwhile is seen at the next question.
        let revocations = self.revoked_until();
        let trusted = match self.held().filter(|held| self.is_current(&held.trusted)) {
            Some(held) => Arc::clone(&held.trusted),
            None => Arc::new(self.load_trusted().await?),
        };
        let mut revoked = HashSet::new();
        for (known, issuer) in &trusted.issuers {
            if issuer.revoked(&self.authority.db, &trusted.hierarchy, known.certificate.serial()).await? {
                revoked.insert(known.fingerprint);
            }
        }
        Ok(Loaded { trusted, revoked, revocations })
    }

    async fn load_trusted(&self) -> Result<Trusted> {
        let (trust, hierarchy) = (*self.trust.borrow(), self.authority.hierarchy());
        let db = &self.authority.db;
        let mut clusters = HashMap::new();
        for cluster in crate::trust::cluster::all(db).await? {
            let mut certificates = Vec::new();
            for record in anchor::of(db, &cluster.id).await? {
                certificates.push((Arc::new(record.read()?), record.roles.into_iter().collect()));
            }
            clusters.insert(cluster.id, Index::new(certificates));
        }
        let known = clusters.values().flat_map(Index::all);
        let issuers = known.map(|k| (Arc::clone(k), Issuer::of(&hierarchy, &k.certificate))).collect();
        Ok(Trusted { clusters, issuers, hierarchy, trust })
    }
}
