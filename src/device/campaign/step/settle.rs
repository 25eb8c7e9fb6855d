//! What became of the devices whose operation is open.

use super::fate::fate;
use super::{Broken, Round};
use crate::audit::{Actor, Outcome as Ended};
use crate::device::Change;
use crate::device::campaign::event;
use crate::device::campaign::records::{CampaignRecord, MemberRecord, State, Step};
use crate::device::records::{DeviceRecord, State as Progress};
use crate::store::{Scan, Stored, Unit};

/// Devices that are looked at, and written, at once.
const PAGE: usize = 500;
/// The byte of [`Step::Open`] in [`MemberRecord::BY_STEP`].
const OPEN: u8 = 1;

impl Round<'_> {
    /// Enters what became of those that are open; pauses the campaign if too many failed.
    pub(super) async fn settle(&mut self) -> Result<(), Broken> {
        let mut after = None;
        loop {
            let page = self.open_members(after).await?;
            let mut unit = Unit::new();
            for Stored { value: member, revision } in &page.items {
                let Step::Open { operation } = member.step else { continue };
                let device = self.db().get::<DeviceRecord>(member.device.as_bytes()).await?;
                let device = device.as_ref().map(|stored| &stored.value);
                if let Some(step) = fate(self.db(), operation, device, self.now).await? {
                    if step == Step::Done {
                        took(&mut self.campaign, member, device);
                    }
                    self.enter(&mut unit, member, *revision, step)?;
                }
            }
            if !unit.items.is_empty() {
                self.pause_if_bad(&mut unit);
                self.commit(unit).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Takes back the operations of those that have not come.
    pub(super) async fn withdraw(&mut self) -> Result<(), Broken> {
        let mut after = None;
        loop {
            let page = self.open_members(after).await?;
            let mut unit = Unit::new();
            for Stored { value: member, revision } in &page.items {
                let Step::Open { operation } = member.step else { continue };
                let Some(device) = self.db().get::<DeviceRecord>(member.device.as_bytes()).await? else {
                    continue;
                };
                let has_not_come =
                    device.value.operation.as_ref().is_some_and(|standing| {
                        standing.id == operation && standing.state == Progress::Pending
                    });
                if has_not_come {
                    Change::of(device, Actor::System, self.now).cleared().write(&mut unit)?;
                    self.enter(&mut unit, member, *revision, Step::Withdrawn)?;
                }
            }
            if !unit.items.is_empty() {
                self.commit(unit).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Puts a device's next step into a unit, and counts it.
    pub(super) fn enter(
        &mut self,
        unit: &mut Unit,
        member: &MemberRecord,
        revision: u64,
        step: Step,
    ) -> Result<(), Broken> {
        self.campaign.count(member.region.as_deref(), &member.step, &step);
        unit.replace(&MemberRecord { step, at: self.now, ..member.clone() }, revision)?;
        Ok(())
    }

    async fn open_members(
        &self,
        after: Option<Vec<u8>>,
    ) -> crate::error::Result<crate::store::Page<Stored<MemberRecord>>> {
        let prefix = MemberRecord::step_prefix(self.campaign.id, OPEN);
        let scan = Scan::all::<MemberRecord>(MemberRecord::BY_STEP).prefix(prefix);
        self.db().scan(scan.limit(PAGE).after(after)).await
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

/// Counts how long a device took.
fn took(campaign: &mut CampaignRecord, member: &MemberRecord, device: Option<&DeviceRecord>) {
    let confirmed = device.and_then(|device| device.operation.as_ref()).map(|operation| operation.changed);
    let took = confirmed.map_or(0, |at| at.since(member.at).as_millis());
    let took = u64::try_from(took).unwrap_or(u64::MAX);
    campaign.took = campaign.took.saturating_add(took);
    campaign.longest = campaign.longest.max(took);
}
