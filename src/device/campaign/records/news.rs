//! That something became of a device, for the campaign that waits for it.

use serde::{Deserialize, Serialize};

use crate::device::records::{DeviceRecord, Operation, State};
use crate::id::RecordId;
use crate::store::{IndexKey, Kind, Record};

/// A device whose operation ended, made way for another or was taken back since its campaign last looked at it. It is written
/// with the change itself, and goes when the campaign has looked: so a step of a campaign reads what happened, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsRecord {
    /// Which campaign waits.
    pub campaign: RecordId,
    /// For which device.
    pub device: RecordId,
}

impl NewsRecord {
    /// The news in a change of a device, if a campaign waits for it; `after` is none of one that is deleted.
    pub fn of(before: &DeviceRecord, after: Option<&DeviceRecord>) -> Option<Self> {
        let waited_for = before.operation.as_ref().filter(|operation| has_not_ended(operation))?;
        let standing = after.and_then(|device| device.operation.as_ref());
        let goes_on =
            standing.is_some_and(|standing| standing.id == waited_for.id && has_not_ended(standing));
        let campaign = waited_for.campaign.filter(|_| !goes_on)?;
        Some(Self { campaign, device: before.id })
    }
}

fn has_not_ended(operation: &Operation) -> bool {
    match operation.state {
        State::Pending | State::Issued(_) => true,
        State::Done | State::Failed(_) => false,
    }
}

impl Record for NewsRecord {
    const KIND: Kind = Kind { id: 91, name: "campaign-news" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        [self.campaign.as_bytes().as_slice(), self.device.as_bytes()].concat()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
