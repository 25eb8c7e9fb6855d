//! After a restore: what was used since the backup would be good once more.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::enrol::records::ChallengeRecord;
use crate::error::Result;
use crate::store::{Db, Scan, Unit, When};

/// The most challenges of one durable write.
const BATCH: usize = 500;

/// Ends the life of every challenge that was not used. Returns how many those were. Errors: `storage`.
pub async fn expire_all(db: &Db, now: Timestamp) -> Result<usize> {
    let ended = now.minus(Duration::from_millis(1));
    let from = now.sort_key().to_vec();
    let mut scan = Scan::all::<ChallengeRecord>(ChallengeRecord::BY_EXPIRY).range(from, None).limit(BATCH);
    let mut all = 0;
    loop {
        let page = db.scan::<ChallengeRecord>(scan.clone()).await?;
        let mut unit = Unit::new();
        for stored in page.items.iter().filter(|stored| stored.value.used_for.is_none()) {
            unit.put(
                &ChallengeRecord { expires: ended, ..stored.value.clone() },
                When::Revision(stored.revision),
            )?;
        }
        all += unit.items.len();
        if !unit.items.is_empty() {
            db.commit(unit).await?;
        }
        match page.next {
            Some(next) => scan = scan.after(Some(next)),
            None => return Ok(all),
        }
    }
}
