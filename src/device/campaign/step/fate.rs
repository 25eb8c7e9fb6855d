//! What became of a device whose operation a campaign set.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::device::campaign::records::Step;
use crate::device::records::{DeviceRecord, Operation, Reason, Shown};
use crate::id::RecordId;

/// A device that was given a certificate may confirm it so long after its deadline.
const TO_CONFIRM: Duration = Duration::from_hours(1);

/// What became of the operation; none while it is open.
pub(super) fn fate(operation: RecordId, device: Option<&DeviceRecord>, now: Timestamp) -> Option<Step> {
    let Some(device) = device else { return Some(Step::Failed("device-deleted".to_owned())) };
    let ours = device.operation.as_ref().filter(|standing| standing.id == operation);
    let Some(ours) = ours else { return Some(Step::Failed("operation-replaced".to_owned())) };
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

fn reason(operation: &Operation, now: Timestamp) -> String {
    operation.reason(now).map_or("unknown", Reason::as_str).to_owned()
}

/// What went wrong last when it came; that it was late, if it did not.
fn trouble(operation: &Operation) -> String {
    operation.trouble.unwrap_or(Reason::RequestLate).as_str().to_owned()
}
