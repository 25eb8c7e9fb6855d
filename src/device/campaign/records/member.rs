//! What is kept of each device of a campaign.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record, unknown_version};

/// A device of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// Which campaign.
    pub campaign: RecordId,
    /// Which device.
    pub device: RecordId,
    /// Its name when it was gathered.
    pub name: String,
    /// Its region then.
    pub region: Option<String>,
    /// Which of the campaign's hours count for it; none if it is reached at all times.
    pub hours: Option<u8>,
    /// How far it has come.
    pub step: Step,
    /// When it came there.
    pub at: Timestamp,
    /// While it is open: after this moment it is to be looked at, though nothing was heard of it.
    pub due: Option<Timestamp>,
}

/// How far a device of a campaign has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Its operation is still to be set.
    Waiting,
    /// This operation is set.
    Open {
        /// Its identifier.
        operation: RecordId,
    },
    /// The device confirmed.
    Done,
    /// It failed, for this reason.
    Failed(String),
    /// The device did not finish in time; what went wrong last, if it came at all.
    Late(String),
    /// Left out, for this reason.
    Skipped(String),
    /// Taken back when the campaign was stopped.
    Withdrawn,
}

impl Step {
    /// Their names, each at the place of its byte in [`MemberRecord::BY_STEP`].
    pub const NAMES: [&'static str; 7] =
        ["waiting", "open", "done", "failed", "late", "skipped", "withdrawn"];

    /// The byte in [`MemberRecord::BY_STEP`].
    pub fn byte(&self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::Open { .. } => 1,
            Self::Done => 2,
            Self::Failed(_) => 3,
            Self::Late(_) => 4,
            Self::Skipped(_) => 5,
            Self::Withdrawn => 6,
        }
    }

    /// Its name for people.
    pub fn name(&self) -> &'static str {
        Self::NAMES[usize::from(self.byte())]
    }
}

impl MemberRecord {
    /// By campaign and step; among those that wait by their hours.
    pub const BY_STEP: Index = Index { id: 1, name: "step", unique: false };
    /// By campaign and the moment after which it is to be looked at.
    pub const BY_DUE: Index = Index { id: 2, name: "due", unique: false };
    /// The part of a key for those that are reached at all times.
    const ALWAYS: u8 = 255;

    /// The key of a device's record.
    pub fn key_of(campaign: RecordId, device: RecordId) -> Vec<u8> {
        KeyBuilder::new().bytes(campaign.as_bytes()).bytes(device.as_bytes()).build()
    }

    /// Where the keys in [`Self::BY_DUE`] of this moment begin.
    pub fn due_key(campaign: RecordId, due: Timestamp) -> Vec<u8> {
        KeyBuilder::new().bytes(campaign.as_bytes()).time(due).build()
    }

    /// The beginning of the keys in [`Self::BY_STEP`] of one step.
    pub fn step_prefix(campaign: RecordId, byte: u8) -> Vec<u8> {
        KeyBuilder::new().bytes(campaign.as_bytes()).bytes(&[byte]).build()
    }

    /// The beginning of the keys of those that wait for these hours.
    pub fn waiting_prefix(campaign: RecordId, hours: Option<u8>) -> Vec<u8> {
        let mut prefix = Self::step_prefix(campaign, Step::Waiting.byte());
        prefix.push(hours.unwrap_or(Self::ALWAYS));
        prefix
    }
}

impl Record for MemberRecord {
    const KIND: Kind = Kind { id: 63, name: "campaign-device" };
    const VERSION: u8 = 2;

    /// Version 1 did not say when it is due: its campaign is not followed yet, and looks at each that is open.
    fn upgrade(version: u8, body: &[u8]) -> Result<Self> {
        match version {
            1 => postcard::from_bytes(&[body, &[0]].concat())
                .map_err(|e| Error::storage("the record of a campaign's device is damaged").because(e)),
            _ => Err(unknown_version(Self::KIND, version)),
        }
    }

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.campaign, self.device)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let mut key = match self.step {
            Step::Waiting => Self::waiting_prefix(self.campaign, self.hours),
            Step::Open { .. }
            | Step::Done
            | Step::Failed(_)
            | Step::Late(_)
            | Step::Skipped(_)
            | Step::Withdrawn => Self::step_prefix(self.campaign, self.step.byte()),
        };
        key.extend(self.device.as_bytes());
        let due = self.due.map(|due| IndexKey {
            index: Self::BY_DUE,
            key: [Self::due_key(self.campaign, due).as_slice(), self.device.as_bytes()].concat(),
        });
        std::iter::once(IndexKey { index: Self::BY_STEP, key }).chain(due).collect()
    }
}
