//! A sorted run of changes in one piece of memory, which is also its row in the journal.
//!
//! Entry after entry: `length of key (2, LE) ‖ length of value (2, LE; ffff: the row is removed) ‖ key ‖
//! value`, where a key begins with the number of its space. Keys rise.

use std::cmp::Ordering;

use super::filter::{Filter, hash};
use crate::error::{Error, Result};

const HEADER: usize = 4;
const REMOVED: u16 = u16::MAX;

/// What a run says of one key: its value, or none where its row is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// The key, which begins with the number of its space.
    pub(super) key: &'a [u8],
    /// Its value; none: removed.
    pub(super) value: Option<&'a [u8]>,
}

/// Sorted changes that never change again.
#[derive(Debug)]
pub(super) struct Run {
    bytes: Vec<u8>,
    starts: Vec<u32>,
    filter: Filter,
}

impl Run {
    /// Reads a run from its journal row. Errors: `storage` if the row is damaged.
    pub(super) fn read(row: Vec<u8>) -> Result<Self> {
        let damaged = || Error::storage("a row of the index journal is damaged; restore a backup");
        let (mut starts, mut at, mut last) = (Vec::new(), 0, None);
        while at < row.len() {
            let entry = entry(&row, at).filter(|entry| !entry.key.is_empty()).ok_or_else(damaged)?;
            if last.is_some_and(|last| last >= entry.key) {
                return Err(damaged());
            }
            last = Some(entry.key);
            starts.push(u32::try_from(at).map_err(|_| damaged())?);
            at += length(entry);
        }
        if starts.is_empty() {
            return Err(damaged());
        }
        Ok(Self::over(row, starts))
    }

    fn over(bytes: Vec<u8>, starts: Vec<u32>) -> Self {
        let mut run = Self { filter: Filter::with_capacity(starts.len()), bytes, starts };
        for at in 0..run.len() {
            let Some(entry) = run.entry(at) else { break };
            run.filter.add(hash(entry.key));
        }
        run
    }

    /// How many entries it has.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// How many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + 4 * self.starts.len() + self.filter.bytes()
    }

    /// Its journal row.
    pub(super) fn row(&self) -> &[u8] {
        &self.bytes
    }

    /// The entry at a place, if it has so many.
    pub(super) fn entry(&self, at: usize) -> Option<Entry<'_>> {
        entry(&self.bytes, *self.starts.get(at)? as usize)
    }

    /// What it says of a key whose hash is `hash`; none: nothing.
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<Option<&[u8]>> {
        if !self.filter.may_have(hash) {
            return None;
        }
        let at = self.partition(|other| other < key);
        self.entry(at).filter(|entry| entry.key == key).map(|entry| entry.value)
    }

    /// How many entries, from the first on, have keys for which `before` holds.
    pub(super) fn partition(&self, before: impl Fn(&[u8]) -> bool) -> usize {
        self.starts.partition_point(|start| {
            entry(&self.bytes, *start as usize).is_some_and(|entry| before(entry.key))
        })
    }
}

/// Collects the entries of a run, by rising key.
#[derive(Debug, Default)]
pub(super) struct Builder {
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

impl Builder {
    /// Room for a run of so many bytes and entries.
    pub(super) fn with_capacity(bytes: usize, entries: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), starts: Vec::with_capacity(entries) }
    }

    /// Adds the change of a key in a space. Errors: `internal` for a key or value past 64 KiB.
    pub(super) fn push(&mut self, space: u8, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let length = |length: usize| u16::try_from(length).ok().filter(|length| *length != REMOVED);
        let lengths = (length(key.len() + 1), value.map_or(Some(REMOVED), |value| length(value.len())));
        let (Some(key_length), Some(value_length)) = lengths else {
            return Err(Error::internal("an index key is longer than the journal can hold"));
        };
        self.starts.push(self.next_start()?);
        self.bytes.extend_from_slice(&key_length.to_le_bytes());
        self.bytes.extend_from_slice(&value_length.to_le_bytes());
        self.bytes.push(space);
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        Ok(())
    }

    /// Adds an entry of another run. Errors: `internal` past 4 GiB.
    pub(super) fn copy(&mut self, entry: Entry<'_>) -> Result<()> {
        let [space, key @ ..] = entry.key else { return Ok(()) };
        self.push(*space, key, entry.value)
    }

    /// The run; none if nothing was added.
    pub(super) fn build(self) -> Option<Run> {
        (!self.starts.is_empty()).then(|| Run::over(self.bytes, self.starts))
    }

    fn next_start(&self) -> Result<u32> {
        u32::try_from(self.bytes.len()).map_err(|_| Error::internal("an index layer is larger than 4 GiB"))
    }
}

fn entry(bytes: &[u8], at: usize) -> Option<Entry<'_>> {
    let ([k0, k1, v0, v1], rest) = bytes.get(at..)?.split_first_chunk::<HEADER>()?;
    let (key, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([*k0, *k1])))?;
    let value = match u16::from_le_bytes([*v0, *v1]) {
        REMOVED => None,
        length => Some(rest.get(..usize::from(length))?),
    };
    Some(Entry { key, value })
}

fn length(entry: Entry<'_>) -> usize {
    HEADER + entry.key.len() + entry.value.map_or(0, <[u8]>::len)
}

/// The order of keys in a direction.
pub(super) fn compare(a: &[u8], b: &[u8], backward: bool) -> Ordering {
    if backward { b.cmp(a) } else { a.cmp(b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(entries: &[(&str, Option<&str>)]) -> Run {
        let mut builder = Builder::default();
        for (key, value) in entries {
            builder.push(2, key.as_bytes(), value.map(str::as_bytes)).unwrap();
        }
        builder.build().unwrap()
    }

    #[test]
    fn a_run_finds_its_entries_and_reads_back_from_its_row() {
        let run = run(&[("a", Some("1")), ("b", None), ("d", Some(""))]);
        let again = Run::read(run.row().to_vec()).unwrap();
        for run in [run, again] {
            let find = |key: &[u8]| run.find(hash(key), key);
            assert_eq!(find(b"\x02a"), Some(Some(b"1".as_slice())));
            assert_eq!(find(b"\x02b"), Some(None));
            assert_eq!(find(b"\x02c"), None);
            assert_eq!(find(b"\x02d"), Some(Some(b"".as_slice())));
            assert_eq!((run.len(), run.entry(3)), (3, None));
        }
    }

    #[test]
    fn keys_that_do_not_rise_and_torn_rows_are_damage() {
        let row = run(&[("a", Some("1")), ("b", Some("2"))]).row().to_vec();
        assert!(Run::read(row[..row.len() - 1].to_vec()).is_err());
        assert!(Run::read([row.clone(), row].concat()).is_err());
    }

    #[test]
    fn what_the_journal_cannot_hold_is_an_error() {
        let long = vec![1; usize::from(u16::MAX)];
        assert!(Builder::default().push(2, &long, None).is_err());
        assert!(Builder::default().push(2, b"a", Some(&long)).is_err());
    }

    proptest! {
        #[test]
        fn damaged_rows_are_errors_and_no_panic(row in proptest::collection::vec(0u8..4, 0..64)) {
            if let Ok(run) = Run::read(row) {
                prop_assert!((0..run.len()).all(|at| run.entry(at).is_some()));
            }
        }
    }
}
