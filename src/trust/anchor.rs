//! The anchors of clusters: which certificate is trusted for what.

use crate::error::{Error, Result};
use crate::id::{ClusterId, Serial};
use crate::store::{Db, PRIMARY, Scan, Stored};
use crate::trust::records::{AnchorRecord, serial_key};

mod change;

pub(in crate::trust) use change::merge;
pub use change::{Changed, NewAnchor, add, remove, set_roles};

/// The anchors of a cluster. Errors: `storage`.
pub async fn of(db: &Db, cluster: &ClusterId) -> Result<Vec<AnchorRecord>> {
    Ok(values(db.all::<AnchorRecord>(AnchorRecord::scan(cluster)).await?))
}

/// The anchors of all clusters, cluster by cluster. Errors: `storage`.
pub async fn all(db: &Db) -> Result<Vec<AnchorRecord>> {
    Ok(values(db.all::<AnchorRecord>(Scan::all::<AnchorRecord>(PRIMARY)).await?))
}

/// The anchors with that serial number, over all clusters: the caller compares their names. Errors: `storage`.
pub async fn by_serial(db: &Db, serial: &Serial) -> Result<Vec<AnchorRecord>> {
    let wanted = serial_key(serial);
    let scan = Scan::all::<AnchorRecord>(AnchorRecord::BY_SERIAL).prefix(wanted.clone());
    let found = db.all::<AnchorRecord>(scan).await?;
    let same = |anchor: &AnchorRecord| anchor.read().is_ok_and(|c| serial_key(c.serial()) == wanted);
    Ok(values(found).into_iter().filter(same).collect())
}

/// The anchors that are this certificate, one for each cluster that has it. Errors: `storage`.
pub async fn by_fingerprint(db: &Db, fingerprint: &[u8; 32]) -> Result<Vec<AnchorRecord>> {
    let scan = Scan::all::<AnchorRecord>(AnchorRecord::BY_FINGERPRINT).prefix(fingerprint.to_vec());
    Ok(values(db.all::<AnchorRecord>(scan).await?))
}

/// An anchor of a cluster. Errors: `not-found`.
pub async fn require(db: &Db, cluster: &ClusterId, fingerprint: &[u8; 32]) -> Result<Stored<AnchorRecord>> {
    let found = db.get::<AnchorRecord>(&AnchorRecord::key_of(cluster, fingerprint)).await?;
    found.ok_or_else(|| Error::not_found("anchor of that fingerprint in the cluster", cluster))
}

fn values(found: Vec<Stored<AnchorRecord>>) -> Vec<AnchorRecord> {
    found.into_iter().map(|stored| stored.value).collect()
}
