//! Several runs read as one: for each key what the newest of them says.

use std::cmp::Ordering;
use std::ops::Bound;

use super::run::{Builder, Entry, Run, compare};
use crate::error::Result;
use crate::store::Direction;

/// A stretch of keys, each beginning with the number of its space.
pub(super) type Stretch = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// A place in several runs.
pub(super) struct Cursor<'a> {
    heads: Vec<Head<'a>>,
    backward: bool,
    front: Option<Entry<'a>>,
}

/// What is left of one run.
struct Head<'a> {
    run: &'a Run,
    from: usize,
    to: usize,
    front: Entry<'a>,
}

impl<'a> Cursor<'a> {
    /// Reads a stretch of the runs, which come newest first.
    pub(super) fn over(runs: impl Iterator<Item = &'a Run>, stretch: &Stretch, direction: Direction) -> Self {
        let backward = direction == Direction::Backward;
        let heads = runs.filter_map(|run| Head::within(run, stretch, backward)).collect();
        let mut cursor = Self { heads, backward, front: None };
        cursor.front = cursor.first();
        cursor
    }

    /// The entry at hand; none at the end.
    pub(super) fn front(&self) -> Option<Entry<'a>> {
        self.front
    }

    /// Goes on to the next key.
    pub(super) fn advance(&mut self) {
        let Some(front) = self.front else { return };
        let backward = self.backward;
        self.heads.retain_mut(|head| head.front.key != front.key || head.advance(backward));
        self.front = self.first();
    }

    /// The foremost entry; of equal keys that of the newest run.
    fn first(&self) -> Option<Entry<'a>> {
        let fronts = self.heads.iter().map(|head| head.front);
        fronts.reduce(|best, other| match compare(other.key, best.key, self.backward) {
            Ordering::Less => other,
            Ordering::Equal | Ordering::Greater => best,
        })
    }
}

impl<'a> Head<'a> {
    fn within(run: &'a Run, (from, to): &Stretch, backward: bool) -> Option<Self> {
        let from = match from {
            Bound::Unbounded => 0,
            Bound::Included(from) => run.partition(|key| key < from.as_slice()),
            Bound::Excluded(from) => run.partition(|key| key <= from.as_slice()),
        };
        let to = match to {
            Bound::Unbounded => run.len(),
            Bound::Included(to) => run.partition(|key| key <= to.as_slice()),
            Bound::Excluded(to) => run.partition(|key| key < to.as_slice()),
        };
        if from >= to {
            return None;
        }
        let front = run.entry(if backward { to - 1 } else { from })?;
        Some(Self { run, from, to, front })
    }

    /// Goes on; false at the end.
    fn advance(&mut self, backward: bool) -> bool {
        if backward {
            self.to -= 1;
        } else {
            self.from += 1;
        }
        if self.from >= self.to {
            return false;
        }
        let at = if backward { self.to - 1 } else { self.from };
        self.run.entry(at).map(|entry| self.front = entry).is_some()
    }
}

/// One run of several, newest first; a removal stays, because the engine may have the row. Errors: `internal`
/// past 4 GiB.
pub(super) fn merge<'a>(runs: impl Iterator<Item = &'a Run> + Clone) -> Result<Option<Run>> {
    let (bytes, entries) =
        runs.clone().fold((0, 0), |(bytes, entries), run| (bytes + run.row().len(), entries + run.len()));
    let mut builder = Builder::with_capacity(bytes, entries);
    let mut cursor = Cursor::over(runs, &(Bound::Unbounded, Bound::Unbounded), Direction::Forward);
    while let Some(entry) = cursor.front() {
        builder.copy(entry)?;
        cursor.advance();
    }
    Ok(builder.build())
}
