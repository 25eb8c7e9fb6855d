//! Folding: what the frozen runs hold goes into the engine's tables in key order, slice by slice,
//! each slice in the batch of a commit that is made anyway.
//!
//! Until the last slice is written the runs stay readable and their journal rows stand, so that a
//! crash loses nothing: the rows are read again, and folding them once more changes nothing.

use std::ops::{Bound, RangeInclusive};

use super::cursor::Cursor;
use super::version::Version;
use super::{LAYERED, journal_key};
use crate::storage::engine::{Batch, Space};
use crate::store::Direction;

/// Each commit folds at least so many rows, and half as many again as it adds: the frozen runs are
/// folded before those that grow meanwhile are frozen.
const MIN_SLICE: usize = 64;

/// How far the frozen runs are folded.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    /// The last key that was folded.
    after: Option<Vec<u8>>,
    /// Whether all rows are in the engine, so that the journal may go.
    rows_done: bool,
    /// The journal rows that still stand for the frozen runs.
    journal: RangeInclusive<u64>,
}

impl Fold {
    /// The beginning, for frozen runs that stand in these rows of the journal.
    pub(super) fn of(journal: RangeInclusive<u64>) -> Self {
        Self { after: None, rows_done: false, journal }
    }

    /// Adds the next slice to a batch that itself adds `added` index rows. Returns how far that
    /// leads, for when the batch is written.
    pub(super) fn slice(&self, version: &Version, added: usize, batch: &mut Batch) -> Self {
        let mut next = self.clone();
        let mut left = MIN_SLICE.max(added + added / 2);
        if !next.rows_done {
            left = next.rows(version, left, batch);
        }
        if next.rows_done {
            next.journal(left, batch);
        }
        next
    }

    /// Whether rows and journal are done.
    pub(super) fn is_done(&self) -> bool {
        self.rows_done && self.journal.is_empty()
    }

    /// Folds at most `left` rows. Returns how many more could be.
    fn rows(&mut self, version: &Version, mut left: usize, batch: &mut Batch) -> usize {
        let from = self.after.take().map_or(Bound::Unbounded, Bound::Excluded);
        let mut cursor = Cursor::over(version.frozen(), &(from, Bound::Unbounded), Direction::Forward);
        while let Some(entry) = cursor.front() {
            if left == 0 {
                return 0;
            }
            let [number, key @ ..] = entry.key else { break };
            for space in LAYERED.into_iter().filter(|space| space.number() == usize::from(*number)) {
                match entry.value {
                    Some(value) => batch.put(space, key.to_vec(), value.to_vec()),
                    None => batch.delete(space, key.to_vec()),
                }
            }
            self.after = Some(entry.key.to_vec());
            left -= 1;
            cursor.advance();
        }
        self.rows_done = true;
        left
    }

    /// Removes journal rows, oldest first: what is left of them tells the newest of each key.
    fn journal(&mut self, left: usize, batch: &mut Batch) {
        for seq in self.journal.by_ref().take(left) {
            batch.delete(Space::Journal, journal_key(seq));
        }
    }
}
