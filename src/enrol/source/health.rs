//! Whether a source answers: for health checks.

use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;

/// A source that gives no answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// How many times in a row.
    pub times: u64,
    /// Why, the last time.
    pub why: String,
}

/// What the last question came to.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Option<Failing>>);

impl Health {
    pub fn answered(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub fn failed(&self, at: Timestamp, why: &str) {
        let mut standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, times) = standing.as_ref().map_or((at, 0), |f| (f.since, f.times));
        *standing = Some(Failing { since, times: times.saturating_add(1), why: why.to_owned() });
    }

    pub fn failing(&self) -> Option<Failing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl std::fmt::Display for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no answer since {} ({} in a row): {}", self.since, self.times, self.why)
    }
}
