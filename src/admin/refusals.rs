//! Which refusals of the API are written to the audit log: so many a minute for each token, and the rest as a number,
//! so that a token cannot fill the disk.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::RecordId;

const WINDOW: Duration = Duration::from_secs(60);
const EACH: u32 = 10;
/// Tokens that are counted at once; past that nothing more is written in the minute.
const TOKENS: usize = 10_000;

/// The refusals of the present minute.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    began: Option<Timestamp>,
    each: HashMap<RecordId, u32>,
    unwritten: u32,
}

impl Refusals {
    /// Whether a refusal of this token is to be written, and how many of all tokens were not since the last that was.
    pub fn admit(&self, now: Timestamp, token: &RecordId) -> Option<u32> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.began.is_none_or(|began| now.since(began) >= WINDOW) {
            counts.began = Some(now);
            counts.each.clear();
        }
        let full = counts.each.len() >= TOKENS && !counts.each.contains_key(token);
        if full || *counts.each.entry(*token).and_modify(|n| *n = n.saturating_add(1)).or_insert(1) > EACH {
            counts.unwritten = counts.unwritten.saturating_add(1);
            return None;
        }
        Some(std::mem::take(&mut counts.unwritten))
    }
}
