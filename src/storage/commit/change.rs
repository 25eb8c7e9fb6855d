//! What one item of a unit does: its precondition, the unique indexes, the rows it writes.

use super::group::Stage;
use crate::error::{Error, Result};
use crate::storage::engine::Space;
use crate::storage::layout;
use crate::storage::prepare::{Change, IndexRow, Put};
use crate::storage::row::{self, Row};
use crate::store::{CommitError, Envelope, When};

/// Applies the item at place `item`. Returns the kind it changes, if it changes one.
pub(super) fn apply(stage: &mut Stage<'_>, item: usize, change: Change) -> Result<Option<u8>, CommitError> {
    let (kind, verdict) = match change {
        Change::Put(put) => (Some(put.kind), self::put(stage, put)),
        Change::Delete { kind, row_key, when } => (Some(kind), delete(stage, row_key, when)),
        Change::Check { row_key, when } => (None, hold(stage, &row_key, when).map(|held| held.map(|_| ()))),
        Change::Add { kind, row_key, delta, max } => (Some(kind), add(stage, row_key, delta, max)),
    };
    match verdict.map_err(CommitError::Failed)? {
        Verdict::Held(()) => Ok(kind),
        Verdict::Refused(standing) => Err(CommitError::Refused { item, standing }),
    }
}

/// Whether a precondition holds, or what stands in its way.
enum Verdict<T> {
    Held(T),
    Refused(Option<Envelope>),
}

impl<T> Verdict<T> {
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Verdict<U> {
        match self {
            Self::Held(value) => Verdict::Held(f(value)),
            Self::Refused(standing) => Verdict::Refused(standing),
        }
    }
}

fn put(stage: &mut Stage<'_>, put: Put) -> Result<Verdict<()>> {
    let old = match hold(stage, &put.row_key, put.when)? {
        Verdict::Held(old) => old,
        Verdict::Refused(standing) => return Ok(Verdict::Refused(standing)),
    };
    let (mut revision, mut kept) = (1, Vec::new());
    if let Some(old) = &old {
        let old = Row::read(old)?;
        revision = old.revision.saturating_add(1);
        kept = remove_stale(stage, &put, &old);
    }
    for entry in put.entries {
        if kept.contains(&entry.key) {
            continue;
        }
        if let Some(standing) = place(stage, &put.row_key, entry)? {
            return Ok(Verdict::Refused(Some(standing)));
        }
    }
    for (number, chunk) in (0..).zip(put.chunks) {
        stage.put(Space::Chunks, layout::chunk_key(&put.row_key, number), chunk);
    }
    let mut row = put.row;
    row::set_revision(&mut row, revision);
    stage.put(Space::Records, put.row_key, row);
    Ok(Verdict::Held(()))
}

/// Removes the index entries and chunks of the old row that the new one does not have. Returns
/// the keys of the entries that stay as they are.
fn remove_stale(stage: &mut Stage<'_>, put: &Put, old: &Row<'_>) -> Vec<Vec<u8>> {
    let mut kept = Vec::new();
    for listed in old.indexes() {
        let (key, _) = row::entry(&put.row_key, *listed);
        if put.entries.iter().any(|entry| entry.key == key) {
            kept.push(key);
        } else {
            stage.delete(Space::Index, key);
        }
    }
    for number in put.chunks.len() as u32..old.chunks() {
        stage.delete(Space::Chunks, layout::chunk_key(&put.row_key, number));
    }
    kept
}

/// Writes one index entry. Returns the record that holds its unique key already, if one does.
fn place(stage: &mut Stage<'_>, row_key: &[u8], entry: IndexRow) -> Result<Option<Envelope>> {
    if entry.unique
        && let Some(holder) = stage.read(Space::Index, &entry.key)?
    {
        if holder == entry.value {
            return Ok(None);
        }
        let holder = layout::row_key(row_key.first().copied().unwrap_or_default(), &holder);
        return standing(stage, &holder).map(Some);
    }
    stage.put(Space::Index, entry.key, entry.value);
    Ok(None)
}

fn delete(stage: &mut Stage<'_>, row_key: Vec<u8>, when: When) -> Result<Verdict<()>> {
    let old = match hold(stage, &row_key, when)? {
        Verdict::Held(old) => old,
        Verdict::Refused(standing) => return Ok(Verdict::Refused(standing)),
    };
    if let Some(old) = &old {
        let old = Row::read(old)?;
        for listed in old.indexes() {
            stage.delete(Space::Index, row::entry(&row_key, *listed).0);
        }
        for number in 0..old.chunks() {
            stage.delete(Space::Chunks, layout::chunk_key(&row_key, number));
        }
        stage.delete(Space::Records, row_key);
    }
    Ok(Verdict::Held(()))
}

fn add(stage: &mut Stage<'_>, row_key: Vec<u8>, delta: i64, max: i64) -> Result<Verdict<()>> {
    let value = read_counter(stage.read(Space::Counters, &row_key)?.as_deref())?;
    // Giving back is always allowed, also where the bound was lowered meanwhile.
    let within = |value: &i64| *value >= 0 && (delta <= 0 || *value <= max);
    let Some(value) = value.checked_add(delta).filter(within) else {
        return Ok(Verdict::Refused(None));
    };
    stage.put(Space::Counters, row_key, value.to_be_bytes().to_vec());
    Ok(Verdict::Held(()))
}

/// A counter's value from its row; 0 when there is none.
pub(in crate::storage) fn read_counter(row: Option<&[u8]>) -> Result<i64> {
    let Some(row) = row else { return Ok(0) };
    let row = row.try_into().map_err(|_| Error::storage("a counter is damaged"))?;
    Ok(i64::from_be_bytes(row))
}

/// Holds a precondition. Returns the row that stands at the key.
fn hold(stage: &Stage<'_>, row_key: &[u8], when: When) -> Result<Verdict<Option<Vec<u8>>>> {
    let row = stage.read(Space::Records, row_key)?;
    let held = match (when, &row) {
        (When::Always, _) | (When::Absent, None) | (When::Present, Some(_)) => true,
        (When::Absent, Some(_)) | (When::Present | When::Revision(_), None) => false,
        (When::Revision(revision), Some(row)) => Row::read(row)?.revision == revision,
    };
    if held {
        return Ok(Verdict::Held(row));
    }
    Ok(Verdict::Refused(row.map(|row| open(stage, row_key, &row)).transpose()?))
}

fn standing(stage: &Stage<'_>, row_key: &[u8]) -> Result<Envelope> {
    let row = stage.read(Space::Records, row_key)?;
    let row = row.ok_or_else(|| Error::storage("an index entry leads to no record; run a check"))?;
    open(stage, row_key, &row)
}

fn open(stage: &Stage<'_>, row_key: &[u8], row: &[u8]) -> Result<Envelope> {
    Row::read(row)?.envelope(row_key, |key| stage.read(Space::Chunks, key))
}
