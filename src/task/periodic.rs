//! Work that comes again and again of itself: when it last ran, how it went, and when it runs next. It is kept in
//! memory: each start runs all of it anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Stopwatch, Timestamp};

/// All periodic work of this process.
#[derive(Debug, Default)]
pub struct Periodic(Mutex<BTreeMap<&'static str, Upkeep>>);

/// One sort of periodic work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upkeep {
    /// Its name, as `crl.publish`.
    pub name: &'static str,
    /// The time from one run to the next, at the most.
    pub every: Duration,
    /// When it first runs.
    pub first: Timestamp,
    /// Its last run.
    pub last: Option<Ran>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What came of it, or what went wrong.
    pub result: std::result::Result<String, String>,
}

impl Upkeep {
    /// When it runs next.
    pub fn next(&self) -> Timestamp {
        self.last.as_ref().map_or(self.first, |ran| ran.at.plus(ran.took).plus(self.every))
    }
}

impl Periodic {
    /// Announces work that runs after `every`, again and again.
    pub fn expect(&self, name: &'static str, every: Duration, now: Timestamp) {
        let upkeep = Upkeep { name, every, first: now.plus(every), last: None };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_insert(upkeep);
    }

    /// Runs it once and keeps how it went: a sentence of what came of it, or of what went wrong.
    pub async fn run(
        &self,
        name: &'static str,
        clock: &Clock,
        job: impl Future<Output = std::result::Result<String, String>>,
    ) {
        let (at, watch) = (clock.now(), Stopwatch::start());
        let result = job.await;
        let word = if result.is_ok() { "done" } else { "failed" };
        metrics::counter!("signet_upkeep_total", "name" => name, "result" => word).increment(1);
        let ran = Ran { at, took: watch.elapsed(), result };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let upkeep = all.entry(name).or_insert(Upkeep { name, every: Duration::ZERO, first: at, last: None });
        upkeep.last = Some(ran);
    }

    /// All of it, by name.
    pub fn list(&self) -> Vec<Upkeep> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
