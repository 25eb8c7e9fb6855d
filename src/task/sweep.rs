//! What is finished is shown for some time, then forgotten.

use std::time::Duration;

use super::{State, TaskRecord};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::{Db, Record, Scan, Unit, When};

/// Work that is done, or that nobody wants any more.
const DONE_KEPT: Duration = Duration::from_hours(14 * 24);
/// Work that was given up: somebody should look at it.
const FAILED_KEPT: Duration = Duration::from_hours(90 * 24);

/// Removes what ended long ago, `batch` records in each durable write; returns how many.
pub async fn sweep(db: &Db, now: Timestamp, batch: usize) -> Result<usize> {
    let mut gone = 0;
    for (state, kept) in
        [(State::Done, DONE_KEPT), (State::Cancelled, DONE_KEPT), (State::Failed, FAILED_KEPT)]
    {
        gone += ended_before(db, state, now.minus(kept), batch).await?;
    }
    Ok(gone)
}

async fn ended_before(db: &Db, state: State, until: Timestamp, batch: usize) -> Result<usize> {
    let mut end = vec![state.byte()];
    end.extend(until.sort_key());
    let due = Scan::all::<TaskRecord>(TaskRecord::BY_STATE).range(vec![state.byte()], Some(end)).limit(batch);
    let mut gone = 0;
    loop {
        let found = db.scan::<TaskRecord>(due.clone()).await?.items;
        let mut unit = Unit::new();
        for stored in &found {
            unit.delete::<TaskRecord>(&stored.value.key(), When::Revision(stored.revision));
        }
        if !found.is_empty() {
            db.commit(unit).await?;
        }
        gone += found.len();
        if found.len() < batch {
            return Ok(gone);
        }
    }
}
