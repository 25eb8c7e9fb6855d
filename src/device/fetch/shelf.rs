//! The newest lists of every cluster, in memory as long as none is published; and which release a digest belongs to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use sha1::Sha1;
use sha2::{Digest as _, Sha512};
use tokio::sync::watch;

use crate::device::alarm::ListDigest;
use crate::device::{DeviceName, inventory};
use crate::error::Result;
use crate::id::ClusterId;
use crate::store::{Db, Record};
use crate::trust::cluster;
use crate::trust::records::{ClusterRecord, ListKind, ReleaseRecord};

/// So many releases of a list are known by their digests: a phone that holds an older one holds an unknown one.
const KNOWN: usize = 64;

/// Which release of which list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Whose.
    pub cluster: ClusterId,
    /// Which list.
    pub kind: ListKind,
    /// Its number.
    pub number: u32,
    /// SHA-256 of its file.
    pub file_hash: [u8; 32],
}

/// The newest release of a list, as it is fetched.
#[derive(Debug)]
pub struct ListFile {
    /// Which.
    pub release: Release,
    /// The file.
    pub bytes: Arc<[u8]>,
    /// Its entity tag.
    pub tag: Arc<str>,
    /// SHA-256 of the certificates that stand in it.
    pub members: Vec<[u8; 32]>,
}

/// The newest lists of all clusters.
pub struct Shelf {
    db: Db,
    /// Of clusters and releases.
    changed: [watch::Receiver<u64>; 2],
    held: RwLock<Option<Arc<Stock>>>,
    /// One reads at a time.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Stock {
    versions: [u64; 2],
    /// By cluster: CTL and ITL.
    clusters: BTreeMap<ClusterId, [Option<Arc<ListFile>>; 2]>,
    digests: HashMap<ListDigest, Release>,
}

impl Shelf {
    /// A shelf that reads what it needs at the first question.
    pub fn new(db: Db) -> Self {
        let changed = [ClusterRecord::KIND, ReleaseRecord::KIND].map(|kind| db.raw().changed(kind));
        Self { db, changed, held: RwLock::default(), turn: tokio::sync::Mutex::default() }
    }

    /// The cluster of a device: the only one there is; where there are several, that which its region in the inventory
    /// names. None if nothing says which. Errors: `storage`.
    pub async fn cluster_of(&self, device: Option<&DeviceName>) -> Result<Option<ClusterId>> {
        let stock = self.stock().await?;
        let mut all = stock.clusters.keys();
        match (all.next(), all.next()) {
            (Some(only), None) => return Ok(Some(only.clone())),
            (None, _) => return Ok(None),
            (Some(_), Some(_)) => {}
        }
        let Some(device) = device else { return Ok(None) };
        let record = inventory::find(&self.db, device).await?;
        let Some(region) = record.and_then(|record| record.value.region) else { return Ok(None) };
        Ok(stock.clusters.keys().find(|cluster| region.eq_ignore_ascii_case(cluster.as_str())).cloned())
    }

    /// The clusters that there are. Errors: `storage`.
    pub async fn clusters(&self) -> Result<Vec<ClusterId>> {
        Ok(self.stock().await?.clusters.keys().cloned().collect())
    }

    /// The newest release of a cluster's list. Errors: `storage`.
    pub async fn newest(&self, cluster: &ClusterId, kind: ListKind) -> Result<Option<Arc<ListFile>>> {
        let stock = self.stock().await?;
        Ok(stock.clusters.get(cluster).and_then(|lists| lists[place(kind)].clone()))
    }

    /// The release whose file has this digest, if it is one of the newest 64 of its list. Errors: `storage`.
    pub async fn of_digest(&self, digest: &ListDigest) -> Result<Option<Release>> {
        Ok(self.stock().await?.digests.get(digest).cloned())
    }

    async fn stock(&self) -> Result<Arc<Stock>> {
        if let Some(stock) = self.fresh() {
            return Ok(stock);
        }
        let _turn = self.turn.lock().await;
        if let Some(stock) = self.fresh() {
            return Ok(stock);
        }
        let stock = Arc::new(self.read().await?);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&stock));
        Ok(stock)
    }

    fn fresh(&self) -> Option<Arc<Stock>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        held.filter(|held| held.versions == self.versions())
    }

    fn versions(&self) -> [u64; 2] {
        [*self.changed[0].borrow(), *self.changed[1].borrow()]
    }

    async fn read(&self) -> Result<Stock> {
        // Noted before anything is read: a change meanwhile is seen at the next question.
        let mut stock = Stock { versions: self.versions(), ..Stock::default() };
        for cluster in cluster::all(&self.db).await? {
            let mut lists = [None, None];
            for kind in ListKind::ALL {
                let newest_first = ReleaseRecord::scan(&cluster.id, Some(kind)).backward().limit(KNOWN);
                for stored in self.db.scan::<ReleaseRecord>(newest_first).await?.items {
                    // Those of a deleted cluster of that name are known, and served no more.
                    let is_its_own = stored.value.at >= cluster.created;
                    let file = stock.note(stored.value);
                    if is_its_own {
                        lists[place(kind)].get_or_insert(file);
                    }
                }
            }
            stock.clusters.insert(cluster.id, lists);
        }
        Ok(stock)
    }
}

impl Stock {
    /// Notes the digests of a release. A list of the same bytes is the newest of them.
    fn note(&mut self, record: ReleaseRecord) -> Arc<ListFile> {
        let ReleaseRecord { cluster, kind, number, file, file_hash, members, .. } = record;
        let members = members.into_iter().map(|member| member.fingerprint).collect();
        let release = Release { cluster, kind, number, file_hash };
        let digests = [file_hash.to_vec(), Sha1::digest(&file).to_vec(), Sha512::digest(&file).to_vec()];
        for digest in digests.into_iter().filter_map(|digest| ListDigest::try_from(digest).ok()) {
            self.digests.entry(digest).or_insert_with(|| release.clone());
        }
        let tag = tag(&file_hash);
        Arc::new(ListFile { release, bytes: file.into(), tag, members })
    }
}

/// A strong entity tag (RFC 9110 §8.8.3).
pub(super) fn tag(hash: &[u8; 32]) -> Arc<str> {
    let digits: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"").into()
}

fn place(kind: ListKind) -> usize {
    match kind {
        ListKind::Ctl => 0,
        ListKind::Itl => 1,
    }
}
