//! Notices are kept for a while after what they are about has expired.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::notice::records::NoticeRecord;
use crate::store::{Db, Record, Scan, Unit, When};

const KEPT: Duration = Duration::from_hours(90 * 24);

/// Removes notices of what expired long ago, `batch` records in each durable write; returns how many.
pub async fn sweep(db: &Db, now: Timestamp, batch: usize) -> Result<usize> {
    let end = now.minus(KEPT).sort_key().to_vec();
    let old = Scan::all::<NoticeRecord>(NoticeRecord::BY_EXPIRY).range(Vec::new(), Some(end)).limit(batch);
    let mut gone = 0;
    loop {
        let found = db.scan::<NoticeRecord>(old.clone()).await?.items;
        let mut unit = Unit::new();
        for stored in &found {
            unit.delete::<NoticeRecord>(&stored.value.key(), When::Revision(stored.revision));
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
