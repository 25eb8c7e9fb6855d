//! How rows are keyed: ordered bytes from which kind, index and key can be read back.
//!
//! | space | key | value |
//! |---|---|---|
//! | records | kind, record key | [`super::row`] |
//! | chunks | kind, length of record key (2), record key, number (4) | bytes |
//! | index, unique | kind, index, escaped key, 00 00 | record key |
//! | index, other | kind, index, escaped key, 00 00, record key | empty |
//! | counters | kind, key | 8 bytes |
//! | audit | sequence number (8) | the entry |
//! | audit by … | escaped text, 00 00, sequence number (8) | empty |
//!
//! A zero byte in an escaped key is 00 FF, so that keys sort as their bytes do and none is
//! another's prefix.

use crate::error::{Error, Result};
use crate::store::Kind;

/// The longest record key and index key, in bytes.
pub(super) const MAX_KEY: usize = 512;

const END: [u8; 2] = [0, 0];
const ESCAPED_ZERO: [u8; 2] = [0, 0xff];

/// The meta row that holds the store's format version.
pub(super) const META_FORMAT: &[u8] = b"format";
/// The meta row that holds the audit head.
pub(super) const META_HEAD: &[u8] = b"head";
/// The meta row that is written to see whether the store can write again.
pub(super) const META_PROBE: &[u8] = b"probe";

/// The key of a record's or counter's row.
pub(super) fn row_key(kind: u8, key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + key.len());
    out.push(kind);
    out.extend_from_slice(key);
    out
}

/// What all entries of one index begin with.
pub(super) fn index_prefix(kind: Kind, index: u8) -> Vec<u8> {
    vec![kind.id, index]
}

/// The beginning of an index entry's key, up to and with the terminator.
pub(super) fn index_stem(kind: u8, index: u8, key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + key.len() + END.len() + 32);
    out.extend([kind, index]);
    escape(key, &mut out);
    out.extend(END);
    out
}

/// Where keys from `key` on begin in an index.
pub(super) fn index_bound(kind: Kind, index: u8, key: &[u8]) -> Vec<u8> {
    let mut out = index_prefix(kind, index);
    escape(key, &mut out);
    out
}

/// An index entry as it was read.
pub(super) struct IndexEntry {
    /// Which index.
    pub(super) index: u8,
    /// The index key.
    pub(super) key: Vec<u8>,
    /// The key of the record it leads to.
    pub(super) record: Vec<u8>,
}

/// Reads an index row. Errors: `storage` if it is damaged.
pub(super) fn read_index(row: &[u8], value: &[u8]) -> Result<IndexEntry> {
    let damaged = || Error::storage("an index entry is damaged");
    let [_kind, index, rest @ ..] = row else { return Err(damaged()) };
    let (key, tail) = unescape(rest).ok_or_else(damaged)?;
    let record = if tail.is_empty() { value } else { tail };
    if record.is_empty() {
        return Err(damaged());
    }
    Ok(IndexEntry { index: *index, key, record: record.to_vec() })
}

/// The key of one piece of a large body.
pub(super) fn chunk_key(row_key: &[u8], number: u32) -> Vec<u8> {
    let (kind, key) = row_key.split_at(row_key.len().min(1));
    let mut out = Vec::with_capacity(row_key.len() + 6);
    out.extend_from_slice(kind);
    out.extend_from_slice(&(key.len() as u16).to_be_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(&number.to_be_bytes());
    out
}

/// The key of an audit entry's row.
pub(super) fn audit_key(seq: u64) -> Vec<u8> {
    seq.to_be_bytes().to_vec()
}

/// What all entries of one subject or action begin with. A text is cut at the longest key: the
/// entry itself decides whether it is meant.
pub(super) fn audit_stem(text: &str) -> Vec<u8> {
    let text = &text.as_bytes()[..text.len().min(MAX_KEY)];
    let mut out = Vec::with_capacity(text.len() + END.len() + 8);
    escape(text, &mut out);
    out.extend(END);
    out
}

/// The key of an audit entry in the order of its subjects or actions.
pub(super) fn audit_index_key(text: &str, seq: u64) -> Vec<u8> {
    let mut out = audit_stem(text);
    out.extend_from_slice(&seq.to_be_bytes());
    out
}

/// The text (perhaps cut) and the number in a row of an audit order.
pub(super) fn read_audit_index(row: &[u8]) -> Option<(Vec<u8>, u64)> {
    let (text, tail) = unescape(row)?;
    Some((text, u64::from_be_bytes(tail.try_into().ok()?)))
}

/// The sequence number at the end of an audit row's key.
pub(super) fn read_seq(row: &[u8]) -> Result<u64> {
    row.last_chunk()
        .map(|seq| u64::from_be_bytes(*seq))
        .ok_or_else(|| Error::storage("an audit key is damaged"))
}

fn escape(key: &[u8], out: &mut Vec<u8>) {
    for byte in key {
        match byte {
            0 => out.extend(ESCAPED_ZERO),
            other => out.push(*other),
        }
    }
}

fn unescape(row: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut key = Vec::with_capacity(row.len());
    let mut rest = row;
    loop {
        match rest {
            [0, 0, tail @ ..] => return Some((key, tail)),
            [0, 0xff, tail @ ..] => {
                key.push(0);
                rest = tail;
            }
            [0, ..] | [] => return None,
            [byte, tail @ ..] => {
                key.push(*byte);
                rest = tail;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_sort_by_key_then_record(
            a in proptest::collection::vec(0u8..3, 0..6), b in proptest::collection::vec(0u8..3, 0..6),
            ra in proptest::collection::vec(any::<u8>(), 1..3), rb in proptest::collection::vec(any::<u8>(), 1..3),
        ) {
            let entry = |key: &[u8], record: &[u8]| [index_stem(1, 2, key), record.to_vec()].concat();
            prop_assert_eq!(entry(&a, &ra).cmp(&entry(&b, &rb)), (&a, &ra).cmp(&(&b, &rb)));
        }

        #[test]
        fn an_entry_reads_back(key in proptest::collection::vec(any::<u8>(), 0..40),
                               record in proptest::collection::vec(any::<u8>(), 1..40)) {
            let stem = index_stem(1, 2, &key);
            let shared = read_index(&[stem.clone(), record.clone()].concat(), &[]).unwrap();
            prop_assert_eq!((&shared.key, &shared.record), (&key, &record));
            let unique = read_index(&stem, &record).unwrap();
            prop_assert_eq!((unique.key, unique.record, unique.index), (key, record, 2));
        }

        #[test]
        fn damaged_rows_are_errors_and_no_panic(row in proptest::collection::vec(0u8..3, 0..12)) {
            let _ = read_index(&row, &[]);
            let _ = read_audit_index(&row);
        }
    }
}
