//! Releases: lists as they were published, numbered, never changed.

use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::store::Db;
use crate::trust::records::{ClusterRecord, ListKind, Mode, ReleaseRecord};

/// The lists that a cluster has.
pub fn kinds(cluster: &ClusterRecord) -> Vec<ListKind> {
    match cluster.mode {
        Mode::Mixed => ListKind::ALL.to_vec(),
        Mode::NonSecure => vec![ListKind::Itl],
    }
}

/// The newest release of a list; none before the first. A cluster that is no longer mixed keeps its CTL: phones that
/// hold one go on asking for it. Errors: `storage`.
pub async fn current(db: &Db, cluster: &ClusterId, kind: ListKind) -> Result<Option<ReleaseRecord>> {
    let newest = ReleaseRecord::scan(cluster, Some(kind)).backward().limit(1);
    Ok(db.scan::<ReleaseRecord>(newest).await?.items.pop().map(|stored| stored.value))
}

/// A release. Errors: `not-found`, `storage`.
pub async fn require(db: &Db, cluster: &ClusterId, kind: ListKind, number: u32) -> Result<ReleaseRecord> {
    let found = db.get::<ReleaseRecord>(&ReleaseRecord::key_of(cluster, kind, number)).await?;
    let text = || Error::not_found("release", format!("{number} of the {kind} of {cluster}"));
    found.map(|stored| stored.value).ok_or_else(text)
}
