//! A unit made ready on its caller's thread: bounds held, rows and index keys encoded.

use super::layout::{self, MAX_KEY};
use super::row::{self, CHUNK, MAX_BODY, MAX_INLINE, RowIndex};
use crate::audit::Event;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::store::{IndexKey, Item, Kind, PRIMARY, Unit, When};

const MAX_ITEMS: usize = 10_000;
const MAX_EVENTS: usize = 10_000;
const MAX_INDEXES: usize = 1_000;
const MAX_BYTES: usize = 128 << 20;

/// A unit that the committer only has to check and write.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) items: Vec<Change>,
    pub(super) events: Vec<Event>,
    /// About how many bytes it writes.
    pub(super) bytes: usize,
}

/// One item of a unit, encoded.
#[derive(Debug)]
pub(super) enum Change {
    Put(Put),
    Delete { kind: u8, row_key: Vec<u8>, when: When },
    Check { row_key: Vec<u8>, when: When },
    Add { kind: u8, row_key: Vec<u8>, delta: i64, max: i64 },
}

/// A record to be written.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) kind: u8,
    pub(super) row_key: Vec<u8>,
    /// The row with revision 0.
    pub(super) row: Vec<u8>,
    pub(super) entries: Vec<IndexRow>,
    /// The pieces of a large body.
    pub(super) chunks: Vec<Vec<u8>>,
    pub(super) when: When,
}

/// A row of the index space.
#[derive(Debug)]
pub(super) struct IndexRow {
    pub(super) unique: bool,
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

/// Encodes a unit. Errors: `too-large` past a bound, `internal` for a key that no record may have.
pub(super) fn prepare(unit: Unit) -> Result<Prepared> {
    if unit.items.len() > MAX_ITEMS || unit.events.len() > MAX_EVENTS {
        return Err(too_large(format!("a unit has at most {MAX_ITEMS} items and as many events")));
    }
    let mut bytes = unit.events.len() * 512;
    let mut items = Vec::with_capacity(unit.items.len());
    for item in unit.items {
        items.push(change(item, &mut bytes)?);
    }
    if bytes > MAX_BYTES {
        return Err(too_large(format!("a unit writes at most {MAX_BYTES} bytes")));
    }
    Ok(Prepared { items, events: unit.events, bytes })
}

fn change(item: Item, bytes: &mut usize) -> Result<Change> {
    Ok(match item {
        Item::Put { kind, key, indexes, version, body, when } => {
            *bytes += body.len() + indexes.len() * 64;
            Change::Put(put(kind, &key, &indexes, version, &body, when)?)
        }
        Item::Delete { kind, key, when } => {
            Change::Delete { kind: kind.id, row_key: row_key(kind, &key)?, when }
        }
        Item::Check { kind, key, when } => Change::Check { row_key: row_key(kind, &key)?, when },
        Item::Add { kind, key, delta, max } => {
            Change::Add { kind: kind.id, row_key: row_key(kind, &key)?, delta, max }
        }
    })
}

fn put(kind: Kind, key: &[u8], indexes: &[IndexKey], version: u8, body: &[u8], when: When) -> Result<Put> {
    if body.len() > MAX_BODY {
        return Err(too_large(format!("a {} record has at most {MAX_BODY} bytes", kind.name)));
    }
    check_indexes(kind, indexes)?;
    let row_key = row_key(kind, key)?;
    let entries = indexes.iter().map(|i| index_row(&row_key, i)).collect();
    let chunks =
        if body.len() > MAX_INLINE { body.chunks(CHUNK).map(<[u8]>::to_vec).collect() } else { vec![] };
    Ok(Put { kind: kind.id, row: row::encode(version, indexes, body), row_key, entries, chunks, when })
}

fn index_row(row_key: &[u8], IndexKey { index, key }: &IndexKey) -> IndexRow {
    let listed = RowIndex { index: index.id, unique: index.unique, key };
    let (key, value) = row::entry(row_key, listed);
    IndexRow { unique: index.unique, key, value }
}

fn check_indexes(kind: Kind, indexes: &[IndexKey]) -> Result<()> {
    if indexes.len() > MAX_INDEXES {
        return Err(too_large(format!("a {} record has at most {MAX_INDEXES} index keys", kind.name)));
    }
    for IndexKey { index, key } in indexes {
        if index.id == PRIMARY.id {
            return Err(Error::internal(format!("a {} record lists a key in its primary order", kind.name)));
        }
        if key.len() > MAX_KEY {
            let text =
                format!("a key in index {} of a {} has at most {MAX_KEY} bytes", index.name, kind.name);
            return Err(too_large(text));
        }
    }
    Ok(())
}

fn row_key(kind: Kind, key: &[u8]) -> Result<Vec<u8>> {
    match key.len() {
        0 => Err(Error::internal(format!("a {} record has an empty key", kind.name))),
        1..=MAX_KEY => Ok(layout::row_key(kind.id, key)),
        _ => Err(too_large(format!("the key of a {} has at most {MAX_KEY} bytes", kind.name))),
    }
}

fn too_large(detail: String) -> Error {
    Error::new(ErrorKind::TooLarge, "too-large", detail)
}
