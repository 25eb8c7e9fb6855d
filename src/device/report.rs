//! What there is of devices: how far their operations have come, which certificates they hold, which of those are too
//! weak or past their renewal, and who failed. Counted in one pass over the inventory, page by page, and kept a minute.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::{Clock, Timestamp};
use crate::device::records::DeviceRecord;
use crate::error::Result;
use crate::store::{Db, PRIMARY, Scan};

mod tally;

pub use tally::{Cell, Finding, Findings, Holdings, MOST_NAMED, Sort, Tally};

/// A report is given again for so long.
const KEPT: Duration = Duration::from_secs(60);
/// Devices that are read at once; between two pages others come to their turn.
const PAGE: usize = 1000;

/// A report, and when it was made.
#[derive(Clone, Debug)]
pub struct Report {
    /// The moment that it is about.
    pub made: Timestamp,
    /// What was counted.
    pub tally: Tally,
}

/// The last report. Who asks while one is made waits for it: there is one pass at a time.
#[derive(Debug, Default)]
pub struct Reports(Mutex<Option<Arc<Report>>>);

impl Reports {
    /// The last report, unless it is older than a minute: then a new one. Errors: `storage`.
    pub async fn latest(&self, db: &Db, clock: &Clock) -> Result<Arc<Report>> {
        let mut last = self.0.lock().await;
        let now = clock.now();
        if let Some(report) = last.as_ref().filter(|report| now.since(report.made) < KEPT) {
            return Ok(Arc::clone(report));
        }
        let made = Arc::new(Report { made: now, tally: count(db, now).await? });
        *last = Some(Arc::clone(&made));
        Ok(made)
    }
}

/// Counts all devices. Errors: `storage`.
async fn count(db: &Db, now: Timestamp) -> Result<Tally> {
    let (mut tally, mut after) = (Tally::default(), None);
    loop {
        let scan = Scan::all::<DeviceRecord>(PRIMARY).limit(PAGE).after(after);
        let page = db.scan::<DeviceRecord>(scan).await?;
        for stored in &page.items {
            tally.add(&stored.value, now);
        }
        after = page.next;
        if after.is_none() {
            return Ok(tally);
        }
        tokio::task::yield_now().await;
    }
}

/// Findings of one sort on up to `most` devices, and where to go on. Errors: `storage`.
pub async fn findings(
    db: &Db,
    (sort, most): (Sort, usize),
    after: Option<Vec<u8>>,
    now: Timestamp,
) -> Result<(Vec<Finding>, Option<Vec<u8>>)> {
    let scan = Scan::all::<DeviceRecord>(PRIMARY).limit(most).after(after);
    let page = db.scan::<DeviceRecord>(scan).await?;
    let found = page.items.iter().flat_map(|stored| tally::find(sort, &stored.value, now));
    Ok((found.collect(), page.next))
}
