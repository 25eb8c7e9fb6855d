//! Audit entries of a span of time. Entries are numbered in the order of their writing, which is nearly that of
//! their times: the number is found by halving, and the times themselves decide.

use std::time::Duration;

use crate::admin::api::page::MOST_LOOKED_AT;
use crate::audit::Entry;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::{AuditFilter, Db};

/// How far the time of an entry may lie from those written before and after it.
const SLACK: Duration = Duration::from_mins(5);

/// From a moment, before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Entries of this time or later.
    pub since: Option<Timestamp>,
    /// Entries before this time.
    pub until: Option<Timestamp>,
}

impl Window {
    /// The newest entries of the window that the filter names, and the number to go on before.
    pub async fn entries(self, db: &Db, mut filter: AuditFilter) -> Result<(Vec<Entry>, Option<u64>)> {
        if let Some(until) = self.until {
            let first = first_since(db, until.plus(SLACK)).await?;
            filter.before = Some(filter.before.map_or(first, |before| before.min(first)));
        }
        let (limit, mut found, mut looked_at) = (filter.limit, Vec::new(), 0);
        while found.len() < limit && looked_at < MOST_LOOKED_AT {
            filter.limit = limit - found.len();
            let batch = db.raw().audit(filter.clone()).await?;
            let ended = batch.len() < filter.limit;
            let Some(last) = batch.last() else { return Ok((found, None)) };
            filter.before = Some(last.seq);
            let past = self.since.is_some_and(|since| last.event.at < since.minus(SLACK));
            if ended || past || last.seq <= 1 {
                found.extend(batch.into_iter().filter(|entry| self.holds(entry)));
                return Ok((found, None));
            }
            looked_at += batch.len();
            found.extend(batch.into_iter().filter(|entry| self.holds(entry)));
        }
        Ok((found, filter.before))
    }

    fn holds(self, entry: &Entry) -> bool {
        let at = entry.event.at;
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until)
    }
}

/// The lowest number of an entry of that time or later; one past the last if there is none.
async fn first_since(db: &Db, at: Timestamp) -> Result<u64> {
    let newest = entry_before(db, None).await?.map_or(0, |entry| entry.seq);
    let (mut low, mut high) = (1, newest + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match entry_before(db, Some(middle + 1)).await? {
            Some(entry) if entry.event.at < at => low = middle + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

async fn entry_before(db: &Db, before: Option<u64>) -> Result<Option<Entry>> {
    let filter = AuditFilter { subject: None, action: None, before, limit: 1 };
    Ok(db.raw().audit(filter).await?.pop())
}
