//! Operations set on the devices that come next.

use super::fate::due;
use super::{Broken, Round};
use crate::clock::Timestamp;
use crate::device::campaign::records::{MemberRecord, Step};
use crate::device::records::DeviceRecord;
use crate::device::row::{GivenString, Row, Wanted, WantedOperation};
use crate::error::{Error, Kind};
use crate::store::{Scan, Stored, Unit};

/// Devices that are written at once.
const BATCH: usize = 250;
/// Devices that a step looks at, at most: of those that are left out none counts against the pace.
const MOST_LOOKED_AT: usize = 10_000;

impl Round<'_> {
    /// Sets operations on as many devices as may be now. Returns when to go on, if nobody can be reached before.
    pub(super) async fn begin(&mut self) -> Result<Option<Timestamp>, Broken> {
        let open = u32::try_from(self.campaign.counts.open).unwrap_or(u32::MAX);
        let mut left = self.campaign.pace.allows(open, &self.campaign.lately, self.now);
        let (mut looked_at, mut reached_all) = (0, true);
        for hours in self.reached() {
            loop {
                let most = usize::try_from(left).unwrap_or(usize::MAX).clamp(1, BATCH);
                let next = self.waiting(hours, most).await?;
                if next.is_empty() {
                    break;
                }
                if left == 0 || looked_at >= MOST_LOOKED_AT {
                    reached_all = false;
                    break;
                }
                looked_at += next.len();
                left = left.saturating_sub(self.set(next).await?);
            }
        }
        Ok(if reached_all { self.opens() } else { None })
    }

    /// Whose hours it is: the places of those that last now, and those that are always reached.
    fn reached(&self) -> Vec<Option<u8>> {
        let lasting = self.campaign.hours.iter().enumerate().filter(|(_, hours)| hours.include(self.now));
        std::iter::once(None).chain(lasting.map(|(place, _)| u8::try_from(place).ok())).collect()
    }

    /// When the next hours begin.
    fn opens(&self) -> Option<Timestamp> {
        let later = self.campaign.hours.iter().filter(|hours| !hours.include(self.now));
        later.map(|hours| hours.next(self.now)).min()
    }

    async fn waiting(&self, hours: Option<u8>, most: usize) -> Result<Vec<Stored<MemberRecord>>, Broken> {
        let prefix = MemberRecord::waiting_prefix(self.campaign.id, hours);
        let scan = Scan::all::<MemberRecord>(MemberRecord::BY_STEP).prefix(prefix).limit(most);
        Ok(self.db().scan(scan).await?.items)
    }

    /// Sets the operation on these, in one write. Returns on how many.
    async fn set(&mut self, members: Vec<Stored<MemberRecord>>) -> Result<u32, Broken> {
        let (mut unit, mut count) = (Unit::new(), 0);
        for Stored { value: member, revision } in &members {
            let device = self.db().get::<DeviceRecord>(member.device.as_bytes()).await?;
            let (step, due) = match device {
                None => left_out("device-deleted"),
                Some(device) if is_busy(&device.value, self.now) => left_out("operation-pending"),
                Some(device) => self.set_one(&mut unit, device)?,
            };
            count += u32::from(matches!(step, Step::Open { .. }));
            self.enter(&mut unit, (member, *revision), step, due)?;
        }
        self.campaign.lately = self.campaign.lately.and(count, self.now);
        if count > 0 {
            self.campaign.began.get_or_insert(self.now);
        }
        self.commit(unit).await?;
        Ok(count)
    }

    /// Sets the operation by the same rules as for an operator; a device for which it cannot be is left out. Returns what
    /// becomes of the device, and when it is to be looked at at the latest.
    fn set_one(
        &self,
        unit: &mut Unit,
        device: Stored<DeviceRecord>,
    ) -> Result<(Step, Option<Timestamp>), Broken> {
        let assignment = &self.campaign.assignment;
        let wanted = Wanted::Operation(WantedOperation {
            action: assignment.action,
            authentication: assignment.authentication,
            string: GivenString::Kept,
            key: assignment.key,
            deadline: Some(self.now.plus(assignment.within).whole_secs()),
            campaign: Some(self.campaign.id),
        });
        let row = Row { wanted: Some(wanted), ..Row::of(device.value.name.clone()) };
        match self.inventory.plan(&row, Some(device)) {
            Ok(planned) => {
                let device = planned.change.write(unit)?;
                let lost = || Error::internal("an operation was set and is not there");
                let operation = device.operation.ok_or_else(lost)?;
                Ok((Step::Open { operation: operation.id }, due(&operation)))
            }
            Err(error) => match error.kind() {
                Kind::Storage | Kind::Internal | Kind::Busy => Err(error.into()),
                Kind::Malformed
                | Kind::Invalid
                | Kind::Unauthenticated
                | Kind::Forbidden
                | Kind::NotFound
                | Kind::Conflict
                | Kind::Throttled
                | Kind::TooLarge
                | Kind::Unreachable => Ok(left_out(error.code())),
            },
        }
    }
}

fn left_out(reason: &str) -> (Step, Option<Timestamp>) {
    (Step::Skipped(reason.to_owned()), None)
}

/// Somebody else's operation that the device may still come for goes first.
fn is_busy(device: &DeviceRecord, now: Timestamp) -> bool {
    device.operation.as_ref().is_some_and(|operation| operation.is_open(now))
}
