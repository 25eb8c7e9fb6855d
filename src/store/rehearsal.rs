//! A store that reads what stands there and writes nothing: for asking what would happen.

use async_trait::async_trait;
use tokio::sync::watch;

use super::{
    AuditFilter, CommitError, Committed, Db, Envelope, Index, Kind, Page, Scan, Snapshot, Store, Unit,
};
use crate::audit::{Entry, Head};
use crate::error::Result;

/// Reads as the store behind it does; units are taken and dropped.
pub(super) struct Rehearsal(pub(super) Db);

#[async_trait]
impl Store for Rehearsal {
    /// Drops the unit. Whether its preconditions hold is not asked: nothing rests on it.
    async fn commit(&self, _unit: Unit) -> Result<Committed, CommitError> {
        let head = self.0.raw().head().await.map_err(CommitError::Failed)?;
        Ok(Committed { head })
    }

    async fn fetch(&self, kind: Kind, key: &[u8]) -> Result<Option<Envelope>> {
        self.0.raw().fetch(kind, key).await
    }

    async fn fetch_unique(&self, kind: Kind, index: Index, key: &[u8]) -> Result<Option<Envelope>> {
        self.0.raw().fetch_unique(kind, index, key).await
    }

    async fn scan(&self, scan: Scan) -> Result<Page<Envelope>> {
        self.0.raw().scan(scan).await
    }

    async fn counter(&self, kind: Kind, key: &[u8]) -> Result<i64> {
        self.0.raw().counter(kind, key).await
    }

    async fn head(&self) -> Result<Head> {
        self.0.raw().head().await
    }

    async fn audit(&self, filter: AuditFilter) -> Result<Vec<Entry>> {
        self.0.raw().audit(filter).await
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.0.raw().snapshot()
    }

    fn changed(&self, kind: Kind) -> watch::Receiver<u64> {
        self.0.raw().changed(kind)
    }

    fn health(&self) -> Result<()> {
        self.0.raw().health()
    }

    /// The store behind it stays open.
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}
