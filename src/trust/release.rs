//! Releases: lists as they were published, numbered, never changed.

use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::store::Db;
use crate::trust::list::{Change, List, diff};
use crate::trust::records::{ClusterRecord, ListKind, Mode, ReleaseRecord};

mod compose;
mod import;
mod publish;

pub use import::{Imported, import};
pub(in crate::trust) use publish::refuse_revoked;
pub use publish::{Proposal, propose, publish};

/// The lists that a cluster has.
pub fn kinds(cluster: &ClusterRecord) -> Vec<ListKind> {
    match cluster.mode {
        Mode::Mixed => ListKind::ALL.to_vec(),
        Mode::NonSecure => vec![ListKind::Itl],
    }
}

/// The newest release of a list; none before the first. A cluster that is no longer mixed keeps its CTL: phones that
/// hold one go on asking for it. One that was made anew has none of those that it had before. Errors: `storage`.
pub async fn current(db: &Db, cluster: &ClusterId, kind: ListKind) -> Result<Option<ReleaseRecord>> {
    let Some(stored) = db.get::<ClusterRecord>(&ClusterRecord::key_of(cluster)).await? else {
        return Ok(None);
    };
    let last = numbered(db, cluster, kind).await?;
    Ok(last.filter(|release| release.at >= stored.value.created))
}

/// The newest release under that name, from which the next is numbered. Errors: `storage`.
async fn numbered(db: &Db, cluster: &ClusterId, kind: ListKind) -> Result<Option<ReleaseRecord>> {
    let newest = ReleaseRecord::scan(cluster, Some(kind)).backward().limit(1);
    Ok(db.scan::<ReleaseRecord>(newest).await?.items.pop().map(|stored| stored.value))
}

/// A release. Errors: `not-found`, `storage`.
pub async fn require(db: &Db, cluster: &ClusterId, kind: ListKind, number: u32) -> Result<ReleaseRecord> {
    let found = db.get::<ReleaseRecord>(&ReleaseRecord::key_of(cluster, kind, number)).await?;
    let text = || Error::not_found("release", format!("{number} of the {kind} of {cluster}"));
    found.map(|stored| stored.value).ok_or_else(text)
}

/// What differs from one release to another, in words. Errors: those of [`List::parse`].
pub fn difference(old: &ReleaseRecord, new: &ReleaseRecord) -> Result<Vec<String>> {
    if old.file_hash == new.file_hash {
        return Ok(Vec::new());
    }
    let (before, after) = (List::parse(&old.file)?, List::parse(&new.file)?);
    let changes = diff::diff(&before.outline(), &after.outline());
    Ok(words(&changes, old.content != new.content))
}

/// Changes in words. What a comparison of certificates and roles does not see is said too.
fn words(changes: &[Change], differ: bool) -> Vec<String> {
    match changes {
        [] if differ => vec!["host names, addresses or the order of entries changed".to_owned()],
        changes => changes.iter().map(Change::to_string).collect(),
    }
}
