//! One consistent view of everything, for `check`, `audit verify` and backup.

use super::Envelope;
use crate::audit::{Entry, Head};
use crate::error::Result;

/// In which order the audit log is indexed beside its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditOrder {
    /// By subject.
    Subject,
    /// By action.
    Action,
}

/// Is shown each record with its index keys as stored: (index, key).
pub type EachRecord<'a> = dyn FnMut(Envelope, Vec<(u8, Vec<u8>)>) -> Result<()> + 'a;
/// Is shown each index entry: index, index key, record key.
pub type EachIndexEntry<'a> = dyn FnMut(u8, &[u8], &[u8]) -> Result<()> + 'a;
/// Is shown each counter: kind, key, value.
pub type EachCounter<'a> = dyn FnMut(u8, &[u8], i64) -> Result<()> + 'a;

/// A part of what a backup keeps: everything but what can be made again from it (indexes, orders of the audit log).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The store's format version; one row, the first.
    Format,
    /// The audit log's head; at most one row.
    Head,
    /// Records.
    Records,
    /// The pieces of large records.
    Chunks,
    /// Counters.
    Counters,
    /// Audit entries.
    Audit,
}

/// Is shown each row of a backup: part, key, value, as the store keeps them; parts and keys rise.
pub type EachRow<'a> = dyn FnMut(Part, &[u8], &[u8]) -> Result<()> + 'a;

/// Consistency of one snapshot, read in order; for `check`, `audit verify` and backup.
pub trait Snapshot: Send {
    /// Every kind number that has records.
    fn kinds(&self) -> Result<Vec<u8>>;
    /// Calls `each` for every record of a kind, in key order, with its index keys as stored.
    fn records(&self, kind: u8, each: &mut EachRecord<'_>) -> Result<()>;
    /// Calls `each` with (index, index key, record key) for every index entry of a kind.
    fn index_entries(&self, kind: u8, each: &mut EachIndexEntry<'_>) -> Result<()>;
    /// Calls `each` with (kind, key, value) for every counter.
    fn counters(&self, each: &mut EachCounter<'_>) -> Result<()>;
    /// Calls `each` with (text, number of the entry) for every entry of an audit order; a text is
    /// cut at 512 bytes.
    fn audit_order(&self, order: AuditOrder, each: &mut dyn FnMut(&[u8], u64) -> Result<()>) -> Result<()>;
    /// Calls `each` for every audit entry from `from`, in order of place; an entry that cannot be
    /// read is an error that names its place.
    fn audit(&self, from: u64, each: &mut dyn FnMut(u64, Entry) -> Result<()>) -> Result<()>;
    /// The head as the committer keeps it.
    fn head(&self) -> Result<Head>;
    /// Calls `each` for every row that a backup keeps.
    fn rows(&self, each: &mut EachRow<'_>) -> Result<()>;
}
