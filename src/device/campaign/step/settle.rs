//! What became of the devices whose operation is open.
//!
//! A device is looked at when there is news of it, and when its time is up; never because a step comes.

use super::fate::{due, fate};
use super::{Broken, Round};
use crate::audit::{Actor, Outcome as Ended};
use crate::clock::Timestamp;
use crate::device::Change;
use crate::device::campaign::event;
use crate::device::campaign::records::{CampaignRecord, MemberRecord, NewsRecord, State, Step};
use crate::device::records::{DeviceRecord, State as Progress};
use crate::store::{PRIMARY, Page, Record, Scan, Stored, Unit, When};

/// Devices that are looked at, and written, at once.
const PAGE: usize = 500;
/// Pages of one step; then others come to their turn.
const PAGES: usize = 200;
/// The byte of [`Step::Open`] in [`MemberRecord::BY_STEP`].
const OPEN: u8 = 1;

impl Round<'_> {
    /// Enters what became of those that are open; pauses the campaign if too many failed.
    pub(super) async fn settle(&mut self) -> Result<(), Broken> {
        if !self.campaign.followed {
            return self.look_at_all().await;
        }
        self.look_at_news().await?;
        self.look_at_due().await
    }

    /// News goes in the same write. If more came of a device meanwhile, the write is refused and nothing is overlooked.
    async fn look_at_news(&mut self) -> Result<(), Broken> {
        for _ in 0..PAGES {
            let scan = Scan::all::<NewsRecord>(PRIMARY).prefix(self.campaign.id.as_bytes().to_vec());
            let news = self.db().scan::<NewsRecord>(scan.limit(PAGE)).await?.items;
            if news.is_empty() {
                break;
            }
            let mut unit = Unit::new();
            for Stored { value, revision } in &news {
                unit.delete::<NewsRecord>(&value.key(), When::Revision(*revision));
                let key = MemberRecord::key_of(value.campaign, value.device);
                if let Some(member) = self.db().get::<MemberRecord>(&key).await? {
                    self.look_at(&mut unit, &member).await?;
                }
            }
            self.settled(unit).await?;
        }
        Ok(())
    }

    async fn look_at_due(&mut self) -> Result<(), Broken> {
        let id = self.campaign.id;
        let (from, to) = (id.as_bytes().to_vec(), MemberRecord::due_key(id, self.now));
        let scan = Scan::all::<MemberRecord>(MemberRecord::BY_DUE).range(from, Some(to)).limit(PAGE);
        self.look_along(scan).await
    }

    /// Every device that is open, once; those that have not come are rid of their operation if the campaign was stopped.
    async fn look_at_all(&mut self) -> Result<(), Broken> {
        let prefix = MemberRecord::step_prefix(self.campaign.id, OPEN);
        self.look_along(Scan::all::<MemberRecord>(MemberRecord::BY_STEP).prefix(prefix).limit(PAGE)).await?;
        self.campaign.followed = true;
        self.commit(Unit::new()).await
    }

    async fn look_along(&mut self, mut scan: Scan) -> Result<(), Broken> {
        loop {
            let page: Page<Stored<MemberRecord>> = self.db().scan(scan.clone()).await?;
            let mut unit = Unit::new();
            for member in &page.items {
                self.look_at(&mut unit, member).await?;
            }
            self.settled(unit).await?;
            if page.next.is_none() {
                return Ok(());
            }
            scan.after = page.next;
        }
    }

    /// Looks at one device: enters what became of it, or when it is to be looked at again.
    async fn look_at(&mut self, unit: &mut Unit, stored: &Stored<MemberRecord>) -> Result<(), Broken> {
        let Stored { value: member, revision } = stored;
        let Step::Open { operation } = member.step else { return Ok(()) };
        let device = self.db().get::<DeviceRecord>(member.device.as_bytes()).await?;
        let found = device.as_ref().map(|stored| &stored.value);
        if let Some(step) = fate(self.db(), operation, found, self.now).await? {
            if step == Step::Done {
                took(&mut self.campaign, member, found);
            }
            return self.enter(unit, (member, *revision), step, None);
        }
        let Some(device) = device else { return Ok(()) };
        if self.campaign.state == State::Stopped && has_not_come(&device.value) {
            Change::of(device, Actor::System, self.now).cleared().write(unit)?;
            // Its own doing is no news to it.
            unit.delete::<NewsRecord>(&member.key(), When::Always);
            return self.enter(unit, (member, *revision), Step::Withdrawn, None);
        }
        let due = device.value.operation.as_ref().and_then(due);
        if due != member.due {
            unit.replace(&MemberRecord { due, ..member.clone() }, *revision)?;
        }
        Ok(())
    }

    /// Puts a device's next step into a unit, and counts it.
    pub(super) fn enter(
        &mut self,
        unit: &mut Unit,
        (member, revision): (&MemberRecord, u64),
        step: Step,
        due: Option<Timestamp>,
    ) -> Result<(), Broken> {
        self.campaign.count(member.region.as_deref(), &member.step, &step);
        unit.replace(&MemberRecord { step, at: self.now, due, ..member.clone() }, revision)?;
        Ok(())
    }

    async fn settled(&mut self, mut unit: Unit) -> Result<(), Broken> {
        if unit.items.is_empty() {
            return Ok(());
        }
        self.pause_if_bad(&mut unit);
        self.commit(unit).await
    }

    fn pause_if_bad(&mut self, unit: &mut Unit) {
        let bad = self.campaign.bad();
        let is_bad = self.campaign.pause_after.is_some_and(|most| bad >= u64::from(most));
        if self.campaign.state == State::Running && is_bad {
            let since = if self.campaign.bad_at_resume > 0 { " since it was resumed" } else { "" };
            let said = format!("paused by itself: {bad} devices failed or were late{since}");
            self.campaign.state = State::Paused;
            self.campaign.changed = self.now;
            let paused = event(&self.campaign, "campaign.pause", Actor::System, self.now);
            unit.event(paused.outcome(Ended::Warning).with("reason", &said));
            self.campaign.said = Some(said);
        }
    }
}

fn has_not_come(device: &DeviceRecord) -> bool {
    device.operation.as_ref().is_some_and(|standing| standing.state == Progress::Pending)
}

/// Counts how long a device took.
fn took(campaign: &mut CampaignRecord, member: &MemberRecord, device: Option<&DeviceRecord>) {
    let confirmed = device.and_then(|device| device.operation.as_ref()).map(|operation| operation.changed);
    let took = confirmed.map_or(0, |at| at.since(member.at).as_millis());
    let took = u64::try_from(took).unwrap_or(u64::MAX);
    campaign.took = campaign.took.saturating_add(took);
    campaign.longest = campaign.longest.max(took);
}
