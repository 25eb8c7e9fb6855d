//! Clusters of call control: each has lists of its own.

use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::store::{Db, PRIMARY, Scan, Stored, Unit, When};
use crate::trust::anchor;
use crate::trust::records::{AnchorRecord, ClusterRecord};

mod address;
mod create;
mod settings;

pub use create::{NewCluster, create, of_identity};
pub use settings::{Settings, Signer, set};

/// All clusters, by name. Errors: `storage`.
pub async fn all(db: &Db) -> Result<Vec<ClusterRecord>> {
    let found = db.all::<ClusterRecord>(Scan::all::<ClusterRecord>(PRIMARY)).await?;
    Ok(found.into_iter().map(|stored| stored.value).collect())
}

/// A cluster. Errors: `not-found`, `storage`.
pub async fn require(db: &Db, id: &ClusterId) -> Result<Stored<ClusterRecord>> {
    let found = db.get::<ClusterRecord>(&ClusterRecord::key_of(id)).await?;
    found.ok_or_else(|| Error::not_found("cluster", id))
}

/// Forgets a cluster and its anchors; its releases stay for the record, and one that is made anew under its name goes
/// on with their numbers. Errors: `not-found`, `state-conflict`, `storage`.
pub async fn delete(authority: &Authority, id: &ClusterId, actor: Actor) -> Result<()> {
    let db = &authority.db;
    let stored = require(db, id).await?;
    let mut unit = Unit::new();
    for anchor in anchor::of(db, id).await? {
        unit.delete::<AnchorRecord>(&AnchorRecord::key_of(id, &anchor.fingerprint), When::Present);
    }
    unit.delete::<ClusterRecord>(&ClusterRecord::key_of(id), When::Revision(stored.revision));
    unit.event(Event::new(authority.clock.now(), actor, "cluster.delete", format!("cluster:{id}")));
    db.commit(unit).await?;
    Ok(())
}
