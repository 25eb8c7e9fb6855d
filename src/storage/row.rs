//! A record's row: revision, version, the index keys it stands under, and the body.
//!
//! `revision (8, LE) ‖ version (1) ‖ shape (1) ‖ count (2, LE) ‖ count × {index (1) ‖ unique (1) ‖
//! length (2, LE) ‖ key} ‖ body`, where the body of shape 1 is the length (8, LE) of what stands in
//! chunks. The revision stands first, so that the committer can write it into a finished row.

use super::engine::{Space, View};
use super::layout;
use crate::error::{Error, Result};
use crate::store::{Envelope, IndexKey};

/// A body up to this length stands in its row.
pub(super) const MAX_INLINE: usize = 64 << 10;
/// The longest body.
pub(super) const MAX_BODY: usize = 64 << 20;
/// The length of the pieces of a longer body.
pub(super) const CHUNK: usize = 32 << 10;

const INLINE: u8 = 0;
const CHUNKED: u8 = 1;
const HEADER: usize = 12;

/// Encodes a row with revision 0.
pub(super) fn encode(version: u8, indexes: &[IndexKey], body: &[u8]) -> Vec<u8> {
    let keys: usize = indexes.iter().map(|i| 4 + i.key.len()).sum();
    let inline = body.len() <= MAX_INLINE;
    let mut row = Vec::with_capacity(HEADER + keys + if inline { body.len() } else { 8 });
    row.extend([0; 8]);
    row.extend([version, if inline { INLINE } else { CHUNKED }]);
    row.extend((indexes.len() as u16).to_le_bytes());
    for IndexKey { index, key } in indexes {
        row.extend([index.id, u8::from(index.unique)]);
        row.extend((key.len() as u16).to_le_bytes());
        row.extend_from_slice(key);
    }
    if inline {
        row.extend_from_slice(body);
    } else {
        row.extend((body.len() as u64).to_le_bytes());
    }
    row
}

/// Writes the revision into a finished row.
pub(super) fn set_revision(row: &mut [u8], revision: u64) {
    if let Some(place) = row.first_chunk_mut() {
        *place = revision.to_le_bytes();
    }
}

/// A row taken apart.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) revision: u64,
    version: u8,
    indexes: Vec<RowIndex<'a>>,
    body: Body<'a>,
}

/// An index key as a row lists it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowIndex<'a> {
    pub(super) index: u8,
    pub(super) unique: bool,
    pub(super) key: &'a [u8],
}

#[derive(Debug)]
enum Body<'a> {
    Inline(&'a [u8]),
    Chunked(usize),
}

impl<'a> Row<'a> {
    /// Takes a row apart. Errors: `storage` if it is damaged.
    pub(super) fn read(row: &'a [u8]) -> Result<Self> {
        parse(row).ok_or_else(|| Error::storage("a record's row is damaged"))
    }

    /// The index keys it stands under.
    pub(super) fn indexes(&self) -> &[RowIndex<'a>] {
        &self.indexes
    }

    /// How many chunks its body has.
    pub(super) fn chunks(&self) -> u32 {
        match self.body {
            Body::Inline(_) => 0,
            Body::Chunked(length) => chunk_count(length),
        }
    }

    /// The record with its whole body; `chunk` fetches a piece by its key.
    pub(super) fn envelope(
        &self,
        row_key: &[u8],
        chunk: impl Fn(&[u8]) -> Result<Option<Vec<u8>>>,
    ) -> Result<Envelope> {
        let body = match self.body {
            Body::Inline(body) => body.to_vec(),
            Body::Chunked(length) => gather(row_key, length, chunk)?,
        };
        let key = row_key.get(1..).unwrap_or_default().to_vec();
        Ok(Envelope { key, revision: self.revision, version: self.version, body })
    }
}

/// The key of an index entry, and its value.
pub(super) fn entry(row_key: &[u8], RowIndex { index, unique, key }: RowIndex<'_>) -> (Vec<u8>, Vec<u8>) {
    let (kind, record) = row_key.split_first().unwrap_or((&0, &[]));
    let mut entry = layout::index_stem(*kind, index, key);
    if unique {
        return (entry, record.to_vec());
    }
    entry.extend_from_slice(record);
    (entry, Vec::new())
}

/// Reads a record whose row was found in `view`.
pub(super) fn open(view: &dyn View, row_key: &[u8], row: &[u8]) -> Result<Envelope> {
    Row::read(row)?.envelope(row_key, |key| view.read(Space::Chunks, key))
}

/// How many pieces a body of this length has.
pub(super) fn chunk_count(length: usize) -> u32 {
    length.div_ceil(CHUNK) as u32
}

fn gather(
    row_key: &[u8],
    length: usize,
    chunk: impl Fn(&[u8]) -> Result<Option<Vec<u8>>>,
) -> Result<Vec<u8>> {
    let mut body = Vec::with_capacity(length);
    for number in 0..chunk_count(length) {
        let piece = chunk(&layout::chunk_key(row_key, number))?;
        body.extend(piece.ok_or_else(|| Error::storage("a piece of a large record is missing"))?);
    }
    if body.len() != length {
        return Err(Error::storage("a large record has another length than its row says"));
    }
    Ok(body)
}

fn parse(row: &[u8]) -> Option<Row<'_>> {
    let (revision, rest) = row.split_first_chunk::<8>()?;
    let ([version, shape], rest) = rest.split_first_chunk::<2>()?;
    let (count, mut rest) = rest.split_first_chunk::<2>()?;
    let mut indexes = Vec::with_capacity(usize::from(u16::from_le_bytes(*count)).min(row.len() / 4));
    for _ in 0..u16::from_le_bytes(*count) {
        let ([index, unique, low, high], after) = rest.split_first_chunk::<4>()?;
        let (key, after) = after.split_at_checked(usize::from(u16::from_le_bytes([*low, *high])))?;
        indexes.push(RowIndex { index: *index, unique: *unique != 0, key });
        rest = after;
    }
    let body = match *shape {
        INLINE => Body::Inline(rest),
        CHUNKED => Body::Chunked(chunked_length(rest)?),
        _ => return None,
    };
    Some(Row { revision: u64::from_le_bytes(*revision), version: *version, indexes, body })
}

fn chunked_length(rest: &[u8]) -> Option<usize> {
    let length = u64::from_le_bytes(rest.try_into().ok()?);
    usize::try_from(length).ok().filter(|length| *length <= MAX_BODY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn damaged_rows_are_errors_and_no_panic(row in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(row) = Row::read(&row) {
                let _ = row.chunks();
            }
        }
    }
}
