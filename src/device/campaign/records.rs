//! What is kept of a campaign: itself, a small record of each of its devices, and one of each that there is news of.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::hours::Hours;
use super::pace::{Lately, Pace};
use crate::clock::Timestamp;
use crate::device::filter::Filter;
use crate::device::records::{Action, Authentication, KeyOrder};
use crate::error::{Error, Result};
use crate::id::{CampaignName, RecordId};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record, unknown_version};

mod member;
mod news;

pub use member::{MemberRecord, Step};
pub use news::NewsRecord;

/// Regions that are counted apart; what lies beyond is counted together.
const MOST_REGIONS: usize = 200;

/// The same operation for many devices, so many at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignRecord {
    /// The record's key, rising with time.
    pub id: RecordId,
    /// Its name.
    pub name: CampaignName,
    /// What it does, and to which devices.
    pub assignment: Assignment,
    /// How fast.
    pub pace: Pace,
    /// When which regions are reached; others at all times.
    pub hours: Vec<Hours>,
    /// It pauses once so many failed or were late since it began or was resumed.
    pub pause_after: Option<u32>,
    /// How far it has come.
    pub state: State,
    /// Why it is there, if not by itself.
    pub said: Option<String>,
    /// Where the gathering of its devices goes on; none before and after.
    pub cursor: Option<Vec<u8>>,
    /// Whether all its devices are gathered.
    pub gathered: bool,
    /// What was set in the last minute.
    pub lately: Lately,
    /// How many devices stand where.
    pub counts: Counts,
    /// The same by region; devices without one are under "".
    pub regions: BTreeMap<String, Counts>,
    /// How many failed, or were left out, for which reason.
    pub reasons: BTreeMap<String, u64>,
    /// From the setting of an operation to its confirmation, all together, in milliseconds.
    pub took: u64,
    /// The longest of them.
    pub longest: u64,
    /// Who made it.
    pub created_by: String,
    /// When its state last changed.
    pub changed: Timestamp,
    /// When the first operation was set.
    pub began: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How many had failed or been late when it was last resumed: [`Self::pause_after`] counts from there.
    pub bad_at_resume: u64,
    /// Whether news and due moments say all of the devices that are open; else each of them is looked at once: after a
    /// stop, which takes operations back, and when an older program set them.
    pub followed: bool,
}

/// What a campaign does, and to which devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Those devices that this finds when the campaign is made.
    pub filter: Filter,
    /// The same as it was asked for: names and values of the API's query.
    pub asked: Vec<(String, String)>,
    /// What is to be done.
    pub action: Action,
    /// How the devices prove themselves: never by a string, for nobody would be told it.
    pub authentication: Authentication,
    /// Which key they are to make.
    pub key: KeyOrder,
    /// A device that did not finish so long after its operation was set is late.
    pub within: Duration,
}

/// How far a campaign has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Operations are set as fast as they may.
    Running,
    /// None are set; those that were are watched on.
    Paused,
    /// None are set any more; those whose device has not come are withdrawn.
    Stopped,
    /// Every device is done with.
    Done,
}

impl State {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }
}

/// How many devices of a campaign stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Their operation is still to be set.
    pub waiting: u64,
    /// It is set; the device has not finished.
    pub open: u64,
    /// The device confirmed.
    pub done: u64,
    /// It failed.
    pub failed: u64,
    /// The device did not finish in time.
    pub late: u64,
    /// Left out: gone, or busy with something else.
    pub skipped: u64,
    /// Taken back when the campaign was stopped.
    pub withdrawn: u64,
}

impl Counts {
    /// All of them.
    pub fn all(&self) -> u64 {
        self.waiting + self.open + self.done + self.failed + self.late + self.skipped + self.withdrawn
    }

    /// Those that failed or were late.
    pub(super) fn bad(&self) -> u64 {
        self.failed + self.late
    }

    fn move_one(&mut self, from: &Step, to: &Step) {
        let left = self.of(from);
        *left = left.saturating_sub(1);
        *self.of(to) += 1;
    }

    fn of(&mut self, step: &Step) -> &mut u64 {
        match step {
            Step::Waiting => &mut self.waiting,
            Step::Open { .. } => &mut self.open,
            Step::Done => &mut self.done,
            Step::Failed(_) => &mut self.failed,
            Step::Late(_) => &mut self.late,
            Step::Skipped(_) => &mut self.skipped,
            Step::Withdrawn => &mut self.withdrawn,
        }
    }
}

impl CampaignRecord {
    /// By name.
    pub const BY_NAME: Index = Index { id: 1, name: "name", unique: true };

    /// The key in [`Self::BY_NAME`].
    pub fn name_key(name: &CampaignName) -> Vec<u8> {
        KeyBuilder::new().text(name.as_str()).build()
    }

    /// Counts one more device.
    pub(super) fn count_new(&mut self, region: Option<&str>) {
        self.counts.waiting += 1;
        self.region(region).waiting += 1;
    }

    /// Counts that a device came from one step to another.
    pub(super) fn count(&mut self, region: Option<&str>, from: &Step, to: &Step) {
        self.counts.move_one(from, to);
        self.region(region).move_one(from, to);
        if let Step::Failed(reason) | Step::Late(reason) | Step::Skipped(reason) = to {
            *self.reasons.entry(reason.clone()).or_default() += 1;
        }
    }

    fn region(&mut self, region: Option<&str>) -> &mut Counts {
        let name = region.unwrap_or_default();
        let is_apart = self.regions.len() < MOST_REGIONS || self.regions.contains_key(name);
        self.regions.entry(if is_apart { name } else { "(others)" }.to_owned()).or_default()
    }

    /// How many failed or were late since it began or was last resumed.
    pub(super) fn bad(&self) -> u64 {
        self.counts.bad().saturating_sub(self.bad_at_resume)
    }

    /// Whether nothing is left to be done for it.
    pub fn is_over(&self) -> bool {
        self.ended.is_some()
    }
}

impl Record for CampaignRecord {
    const KIND: Kind = Kind { id: 62, name: "campaign" };
    const VERSION: u8 = 3;

    /// Version 2 did not say whether it is followed: it is not. Version 1 had no count at the last resumption either: zero.
    fn upgrade(version: u8, body: &[u8]) -> Result<Self> {
        let lacking: &[u8] = match version {
            1 => &[0, 0],
            2 => &[0],
            _ => return Err(unknown_version(Self::KIND, version)),
        };
        postcard::from_bytes(&[body, lacking].concat())
            .map_err(|e| Error::storage("a campaign record is damaged").because(e))
    }

    fn key(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        vec![IndexKey { index: Self::BY_NAME, key: Self::name_key(&self.name) }]
    }
}
