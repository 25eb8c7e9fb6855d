//! Who does which kind of work, and how patiently.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use super::TaskRecord;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::{Record, Unit, When};

/// How an attempt ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done; what came of it, for people.
    Done(String),
    /// Not yet, and not counted as an attempt: again at that moment, for this reason.
    Later(Timestamp, String),
    /// It can never be done, for this reason.
    GiveUp(String),
}

/// How often a kind of work is tried, and how soon again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// So often, then it is given up.
    pub attempts: u32,
    /// The wait after the first failure; it doubles with each.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Default for Retry {
    /// For about a day: after 30 s, then twice as long each time, up to an hour; 30 attempts.
    fn default() -> Self {
        Self { attempts: 30, first: Duration::from_secs(30), longest: Duration::from_hours(1) }
    }
}

impl Retry {
    /// The wait after the `failures`-th failure (1, 2, …).
    pub(super) fn wait(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// A task that was taken, by this run alone.
#[derive(Clone, Debug)]
pub struct Leased {
    /// The task.
    pub task: TaskRecord,
    pub(super) revision: u64,
}

impl Leased {
    /// Refuses the unit if the task was taken by another run, cancelled or replaced meanwhile: work on the store that
    /// is committed with this is never done twice by two runs at once.
    pub fn hold(&self, unit: &mut Unit) {
        unit.check::<TaskRecord>(&self.task.key(), When::Revision(self.revision));
    }
}

type Attempt = Pin<Box<dyn Future<Output = Result<Outcome>> + Send>>;

pub(super) struct Handler {
    pub(super) retry: Retry,
    pub(super) run: Box<dyn Fn(Leased) -> Attempt + Send + Sync>,
}

/// Who does which kind of work.
#[derive(Default)]
pub struct Handlers(BTreeMap<&'static str, Handler>);

impl Handlers {
    /// With work of one more kind. It must be idempotent; an error is an attempt that failed.
    #[must_use]
    pub fn on<F>(
        mut self,
        kind: &'static str,
        retry: Retry,
        run: impl Fn(Leased) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Outcome>> + Send + 'static,
    {
        self.0.insert(kind, Handler { retry, run: Box::new(move |leased| Box::pin(run(leased))) });
        self
    }

    pub(super) fn of(&self, kind: &str) -> Option<&Handler> {
        self.0.get(kind)
    }

    /// The kinds, as the metrics name them; another than these is `other`.
    pub(super) fn label(&self, kind: &str) -> &'static str {
        self.0.get_key_value(kind).map_or("other", |(name, _)| name)
    }
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = Retry::default();
        let waits: Vec<u64> = (1..=9).map(|n| retry.wait(n).as_secs()).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(retry.wait(u32::MAX).as_secs(), 3600);
    }
}
