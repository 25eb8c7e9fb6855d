//! What is over is shown for a year, then forgotten.

use std::time::Duration;

use super::records::{CampaignRecord, MemberRecord, NewsRecord};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::RecordId;
use crate::store::{Db, PRIMARY, Record, Scan, Stored, Unit, When};

/// So long after its end a campaign is still shown.
const KEPT: Duration = Duration::from_hours(366 * 24);

/// Removes campaigns that ended long ago with the records of their devices, `batch` in each durable write; returns how many
/// records. Errors: `storage`.
pub async fn sweep(db: &Db, now: Timestamp, batch: usize) -> Result<usize> {
    let mut gone = 0;
    for stored in db.all::<CampaignRecord>(Scan::all::<CampaignRecord>(PRIMARY)).await? {
        if stored.value.ended.is_some_and(|ended| now.since(ended) > KEPT) {
            gone += members(db, &stored.value, batch).await?;
            let mut unit = Unit::new();
            unit.delete::<CampaignRecord>(&stored.value.key(), When::Revision(stored.revision));
            db.commit(unit).await?;
            gone += 1;
        }
    }
    Ok(gone + news(db, batch).await?)
}

/// A device may come after its campaign ended: nobody waits for that news. Of campaigns that run there is little, and it goes
/// with their next step.
async fn news(db: &Db, batch: usize) -> Result<usize> {
    let (mut gone, mut after) = (0, None);
    loop {
        let page = db.scan::<NewsRecord>(Scan::all::<NewsRecord>(PRIMARY).limit(batch).after(after)).await?;
        let mut unit = Unit::new();
        for Stored { value, revision } in &page.items {
            if !is_awaited(db, value.campaign).await? {
                unit.delete::<NewsRecord>(&value.key(), When::Revision(*revision));
            }
        }
        gone += unit.items.len();
        if !unit.items.is_empty() {
            db.commit(unit).await?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(gone);
        }
    }
}

async fn is_awaited(db: &Db, campaign: RecordId) -> Result<bool> {
    let found = db.get::<CampaignRecord>(campaign.as_bytes()).await?;
    Ok(found.is_some_and(|campaign| !campaign.value.is_over()))
}

async fn members(db: &Db, campaign: &CampaignRecord, batch: usize) -> Result<usize> {
    let scan = Scan::all::<MemberRecord>(PRIMARY).prefix(campaign.id.as_bytes().to_vec()).limit(batch);
    let mut gone = 0;
    loop {
        let found = db.scan::<MemberRecord>(scan.clone()).await?.items;
        if found.is_empty() {
            return Ok(gone);
        }
        let mut unit = Unit::new();
        for stored in &found {
            unit.delete::<MemberRecord>(&stored.value.key(), When::Revision(stored.revision));
        }
        db.commit(unit).await?;
        gone += found.len();
    }
}
