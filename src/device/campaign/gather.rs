//! Which devices a campaign is about: found when it is made, and kept.

use super::hours::{Hours, of_region};
use super::records::{Assignment, MemberRecord, Step};
use super::step::{Broken, Round};
use crate::clock::Timestamp;
use crate::device::filter::{self, Place};
use crate::device::records::DeviceRecord;
use crate::error::{Error, Result};
use crate::store::{Db, Record, Unit};

/// Devices that are gathered in one write.
const PAGE: usize = 1000;
/// Writes of one step; then others come to their turn.
const PAGES: usize = 20;
/// Devices that a filter looks at for a page.
const MOST_LOOKED_AT: usize = 10_000;
/// Counting ends here.
const MOST_COUNTED: u64 = 100_000;

/// What a campaign would be about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// How many devices.
    pub devices: u64,
    /// How many of them have an operation that is open, and would be left out.
    pub busy: u64,
    /// How many are not reached now, but in their hours.
    pub in_hours: u64,
    /// Whether there are more: counting ends at 100,000.
    pub more: bool,
}

/// Counts the devices that a campaign would be about. Errors: `storage`.
pub async fn preview(db: &Db, assignment: &Assignment, hours: &[Hours], now: Timestamp) -> Result<Preview> {
    let (mut found, mut place) = (Preview::default(), None);
    loop {
        let (devices, next) =
            filter::page(db, &assignment.filter, (PAGE, MOST_LOOKED_AT), place, now).await?;
        for device in devices.iter().map(|stored| &stored.value) {
            found.devices += 1;
            found.busy += u64::from(device.operation.as_ref().is_some_and(|one| one.is_open(now)));
            found.in_hours += u64::from(of_region(hours, device.region.as_deref()).is_some());
        }
        place = next;
        found.more = place.is_some() && found.devices >= MOST_COUNTED;
        if place.is_none() || found.more {
            return Ok(found);
        }
        tokio::task::yield_now().await;
    }
}

impl Round<'_> {
    /// Gathers more devices, page by page, until all are found or others are to come to their turn.
    pub(super) async fn gather(&mut self) -> Result<(), Broken> {
        // The filter looks at the devices as they are, by the time at which the campaign was made.
        let made = self.campaign.id.made_at();
        for _ in 0..PAGES {
            let place = self.campaign.cursor.as_deref().map(place).transpose()?;
            let filter = &self.campaign.assignment.filter;
            let (devices, next) =
                filter::page(self.db(), filter, (PAGE, MOST_LOOKED_AT), place, made).await?;
            let mut unit = Unit::new();
            for device in &devices {
                self.add(&mut unit, &device.value).await?;
            }
            self.campaign.gathered = next.is_none();
            self.campaign.cursor = next.as_ref().map(cursor).transpose()?;
            self.commit(unit).await?;
            if self.campaign.gathered {
                break;
            }
        }
        Ok(())
    }

    /// A device that moved within the order of the filter may be met again.
    async fn add(&mut self, unit: &mut Unit, device: &DeviceRecord) -> Result<(), Broken> {
        let member = MemberRecord {
            campaign: self.campaign.id,
            device: device.id,
            name: device.name.to_string(),
            region: device.region.clone(),
            hours: self.hours_of(device.region.as_deref()),
            step: Step::Waiting,
            at: self.now,
            due: None,
        };
        if self.db().get::<MemberRecord>(&member.key()).await?.is_none() {
            self.campaign.count_new(device.region.as_deref());
            unit.insert(&member)?;
        }
        Ok(())
    }

    fn hours_of(&self, region: Option<&str>) -> Option<u8> {
        let own = of_region(&self.campaign.hours, region)?;
        let place = self.campaign.hours.iter().position(|hours| hours == own)?;
        u8::try_from(place).ok()
    }
}

fn cursor(place: &Place) -> Result<Vec<u8>> {
    postcard::to_stdvec(place).map_err(|e| Error::internal("a place cannot be encoded").because(e))
}

fn place(cursor: &[u8]) -> Result<Place> {
    postcard::from_bytes(cursor).map_err(|e| Error::storage("a campaign record is damaged").because(e))
}
