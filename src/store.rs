//! The one door to durable state.
//!
//! A room declares its records ([`Record`]); what it wants to change it collects in a [`Unit`],
//! which is committed once, atomically and durably, or not at all. Under the typed layer an
//! engine sees bytes only ([`Store`], implemented in `storage`).

use async_trait::async_trait;

use crate::audit::{Entry, Head};
use crate::error::Result;

mod db;
mod key;
mod record;
mod rehearsal;
mod scan;
mod snapshot;
mod unit;

pub use db::Db;
pub use key::KeyBuilder;
pub use record::{Envelope, Index, IndexKey, Kind, PRIMARY, Record, Stored, unknown_version};
pub use scan::{Direction, Page, Scan, successor};
pub use snapshot::{AuditOrder, EachCounter, EachIndexEntry, EachRecord, EachRow, Part, Snapshot};
pub use unit::{CommitError, Committed, Item, Unit, When};

/// Which audit entries to list.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only of this subject (`kind:id`), exactly.
    pub subject: Option<String>,
    /// Only of this action, exactly.
    pub action: Option<String>,
    /// Only with a number below this (newest first), the cursor of the page before.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

/// Durable state as an engine offers it; see `storage` for the two that are built in.
#[async_trait]
pub trait Store: Send + Sync {
    /// Commits a unit: returns when it is durable. Errors: see [`CommitError`].
    async fn commit(&self, unit: Unit) -> Result<Committed, CommitError>;
    /// The record at `key`.
    async fn fetch(&self, kind: Kind, key: &[u8]) -> Result<Option<Envelope>>;
    /// The record that a unique index holds at `key`.
    async fn fetch_unique(&self, kind: Kind, index: Index, key: &[u8]) -> Result<Option<Envelope>>;
    /// Records in index order.
    async fn scan(&self, scan: Scan) -> Result<Page<Envelope>>;
    /// A counter's value; 0 when it was never added to.
    async fn counter(&self, kind: Kind, key: &[u8]) -> Result<i64>;
    /// The audit log's newest place.
    async fn head(&self) -> Result<Head>;
    /// Audit entries, newest first. A filter of subject and action together is refused.
    async fn audit(&self, filter: AuditFilter) -> Result<Vec<Entry>>;
    /// One consistent view of everything.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>>;
    /// Rises whenever a record of `kind` may have changed: a hint; the truth is a rescan.
    fn changed(&self, kind: Kind) -> tokio::sync::watch::Receiver<u64>;
    /// Whether the last write succeeded; the reason if it did not.
    fn health(&self) -> Result<()>;
    /// Finishes what was accepted and closes; later commits fail.
    async fn close(&self) -> Result<()>;
}
