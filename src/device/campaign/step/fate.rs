//! What became of a device whose operation a campaign set.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::device::campaign::records::Step;
use crate::device::inventory;
use crate::device::records::{DeviceRecord, Operation, Reason, Shown, State, Step as History, StepRecord};
use crate::error::Result;
use crate::id::RecordId;
use crate::store::Db;

/// A device that was given a certificate may confirm it so long after its deadline.
const TO_CONFIRM: Duration = Duration::from_hours(1);

/// What became of the operation; none while it is open. Errors: `storage`.
pub(super) async fn fate(
    db: &Db,
    operation: RecordId,
    device: Option<&DeviceRecord>,
    now: Timestamp,
) -> Result<Option<Step>> {
    let Some(device) = device else { return Ok(Some(Step::Failed("device-deleted".to_owned()))) };
    match device.operation.as_ref().filter(|standing| standing.id == operation) {
        Some(ours) => Ok(standing(ours, now)),
        // Another took its place, perhaps when it was done already: the device's history says.
        None => Ok(Some(remembered(&inventory::history(db, device.id).await?, operation))),
    }
}

/// After which moment an operation that is open comes to an end by itself; none if it has no deadline.
pub(super) fn due(operation: &Operation) -> Option<Timestamp> {
    match operation.state {
        State::Pending => operation.deadline,
        State::Issued(_) => operation.deadline.map(|deadline| deadline.plus(TO_CONFIRM)),
        State::Done | State::Failed(_) => None,
    }
}

fn standing(ours: &Operation, now: Timestamp) -> Option<Step> {
    match ours.shown(now) {
        Shown::Installed | Shown::Deleted | Shown::Fetched => Some(Step::Done),
        Shown::Failed => Some(Step::Failed(reason(ours, now))),
        Shown::Late => Some(Step::Late(trouble(ours))),
        Shown::Issued => {
            let is_over = ours.deadline.is_some_and(|deadline| deadline.plus(TO_CONFIRM) < now);
            is_over.then(|| Step::Failed("not-confirmed".to_owned()))
        }
        Shown::Pending | Shown::None => None,
    }
}

/// How an operation ended, of a device's steps, newest first.
fn remembered(steps: &[StepRecord], operation: RecordId) -> Step {
    let ends =
        steps.iter().filter(|step| step.operation == Some(operation)).find_map(|one| match &one.step {
            History::Installed(_) | History::Fetched(_) | History::Deleted => Some(Step::Done),
            History::Failed(reason) => Some(Step::Failed(reason.as_str().to_owned())),
            History::Set { .. }
            | History::Cleared
            | History::Issued(_)
            | History::Trouble(_)
            | History::Locked(_)
            | History::Unlocked => None,
        });
    ends.unwrap_or_else(|| Step::Failed("operation-replaced".to_owned()))
}

fn reason(operation: &Operation, now: Timestamp) -> String {
    operation.reason(now).map_or("unknown", Reason::as_str).to_owned()
}

/// What went wrong last when it came; that it was late, if it did not.
fn trouble(operation: &Operation) -> String {
    operation.trouble.unwrap_or(Reason::RequestLate).as_str().to_owned()
}
