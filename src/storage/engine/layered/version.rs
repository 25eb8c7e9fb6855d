//! What the layers hold at one instant: runs that are still growing together, and runs that are
//! being folded into the engine.

use std::sync::Arc;

use super::cursor::merge;
use super::run::Run;
use crate::error::Result;

/// So many runs of about one size become one.
const FAN: usize = 4;
/// Runs are not merged past so many entries: a merge holds up the commit that causes it.
const MAX_ENTRIES: usize = 64 << 10;

/// The layers at one instant; oldest runs stand first.
#[derive(Debug, Default)]
pub(super) struct Version {
    /// The number of the newest journal row in it.
    pub(super) seq: u64,
    active: Vec<Arc<Run>>,
    frozen: Vec<Arc<Run>>,
}

impl Version {
    /// This version and one more run, whose journal row is the next. Errors: see [`merge`].
    pub(super) fn with(&self, run: Run) -> Result<Self> {
        let mut active = self.active.clone();
        active.push(Arc::new(run));
        while let Some(count) = mergeable(&active) {
            let tail = active.split_off(active.len() - count);
            active.extend(merge(tail.iter().rev().map(|run| &**run))?.map(Arc::new));
        }
        Ok(Self { seq: self.seq + 1, active, frozen: self.frozen.clone() })
    }

    /// The same, as of another row of the journal.
    pub(super) fn at(self, seq: u64) -> Self {
        Self { seq, ..self }
    }

    /// The same, with what was growing now ready to be folded.
    pub(super) fn freeze(&self) -> Self {
        Self { seq: self.seq, active: Vec::new(), frozen: self.active.clone() }
    }

    /// The same, without what was folded.
    pub(super) fn folded(&self) -> Self {
        Self { seq: self.seq, active: self.active.clone(), frozen: Vec::new() }
    }

    /// Its runs, newest first.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.active.iter().rev().chain(self.frozen.iter().rev()).map(|run| &**run)
    }

    /// The runs that are being folded, newest first; none of them: nothing is.
    pub(super) fn frozen(&self) -> impl Iterator<Item = &Run> {
        self.frozen.iter().rev().map(|run| &**run)
    }

    /// How many bytes the growing runs take.
    pub(super) fn active_size(&self) -> usize {
        self.active.iter().map(|run| run.size()).sum()
    }
}

/// How many runs at the end are of about one size and become one; none: they stay.
fn mergeable(runs: &[Arc<Run>]) -> Option<usize> {
    let tier = runs.last()?.len().ilog(FAN);
    let same = runs.iter().rev().take_while(|run| run.len().ilog(FAN) <= tier);
    let (count, entries) = same.fold((0, 0), |(count, sum), run| (count + 1, sum + run.len()));
    (count >= FAN && entries <= MAX_ENTRIES).then_some(count)
}
