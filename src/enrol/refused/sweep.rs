//! The bounds of what is kept: by age, by who asked, by profile and in all. The oldest go first, and each bound takes from
//! those who are over it: a flood from one address pushes out its own requests before anybody else's.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::enrol::Desk;
use crate::enrol::refused::record::{MessageRecord, RefusedRecord};
use crate::error::Result;
use crate::id::{ProfileId, RecordId};
use crate::store::{PRIMARY, Scan, Unit, When};

/// Kept so long at the most; the registration authority's keys, which open the messages, live as long.
pub const MAX_AGE: Duration = Duration::from_hours(30 * 24);
/// So many of one address, or one operator.
pub const MAX_EACH: usize = 200;
/// So many of one profile.
pub const MAX_PROFILE: usize = 1000;
/// So many in all. With 16 KiB for the longest message: 85 MiB, and mostly a fifth of that.
pub const MAX_ALL: usize = 5000;

/// Removes what is over a bound, `batch` in each durable write; returns how many.
pub(in crate::enrol) async fn sweep(desk: &Desk, batch: usize) -> Result<usize> {
    let db = &desk.authority.db;
    let oldest = desk.authority.clock.now().minus(MAX_AGE);
    let mut counts = Counts::default();
    let mut over: Vec<RecordId> = Vec::new();
    let mut scan = Scan::all::<RefusedRecord>(PRIMARY).backward().limit(1000);
    loop {
        let page = db.scan::<RefusedRecord>(scan.clone()).await?;
        let records = page.items.into_iter().map(|stored| stored.value);
        over.extend(
            records
                .filter(|record| record.id.made_at() < oldest || !counts.admit(record))
                .map(|record| record.id),
        );
        match page.next {
            Some(next) => scan.after = Some(next),
            None => break,
        }
    }
    for ids in over.chunks(batch.max(1)) {
        let mut unit = Unit::new();
        for id in ids {
            unit.delete::<RefusedRecord>(id.as_bytes(), When::Always);
            unit.delete::<MessageRecord>(id.as_bytes(), When::Always);
        }
        db.commit(unit).await?;
    }
    Ok(over.len())
}

/// What was met so far, the newest first.
#[derive(Default)]
struct Counts {
    each: HashMap<String, usize>,
    profiles: HashMap<ProfileId, usize>,
    all: usize,
}

impl Counts {
    /// Whether a record is within all bounds; one that is not counts for none.
    fn admit(&mut self, record: &RefusedRecord) -> bool {
        let of = |counts: &HashMap<String, usize>| counts.get(&record.counted_as).copied().unwrap_or(0);
        let of_profile = self.profiles.get(&record.profile).copied().unwrap_or(0);
        if of(&self.each) >= MAX_EACH || of_profile >= MAX_PROFILE || self.all >= MAX_ALL {
            return false;
        }
        count(&mut self.each, record.counted_as.clone());
        count(&mut self.profiles, record.profile.clone());
        self.all += 1;
        true
    }
}

fn count<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    *counts.entry(key).or_default() += 1;
}
