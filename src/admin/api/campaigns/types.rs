//! What the API says of campaigns.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A campaign to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewCampaign {
    /// Its name: 1 to 64 lower-case letters, digits and hyphens.
    pub name: String,
    /// Which devices, as in `GET /devices`: each name with its value. They are found once, when the campaign is made.
    pub filter: BTreeMap<String, String>,
    /// `install`, `fetch` or `delete`.
    pub operation: String,
    /// How the devices prove themselves: `existing-lsc` (unless given), `existing-mic` or `null-string`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<String>,
    /// Which key they make, as `rsa-2048` (unless given) or `p-384/rsa-2048`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How long a device has, from the moment its operation is set, as `7d` (unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// At most so many operations are open at once: 1 to 100,000 (100 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
    /// At most so many are set in any minute: 1 to 100,000 (60 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u32>,
    /// When regions are reached, by the clock there and how far it is ahead of UTC: `EMEA:22-04+01:00`; `*` is every
    /// region without hours of its own. Others are reached at all times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<String>,
    /// It pauses by itself once so many failed or were late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_after: Option<u32>,
    /// Only say which devices it would be about.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a campaign would be about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignPreview {
    /// How many devices.
    pub devices: u64,
    /// How many of them have an operation that is open already, and would be left out.
    pub busy: u64,
    /// How many of them are only reached in the hours of their region.
    pub in_hours: u64,
    /// Whether there are more: counting ends at 100,000.
    pub more: bool,
}

/// How many devices stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignCounts {
    /// All of them.
    pub devices: u64,
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
    /// Left out: gone, or busy with another operation.
    pub skipped: u64,
    /// Taken back when the campaign was stopped.
    pub withdrawn: u64,
}

/// A campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Campaign {
    /// Its name.
    pub name: String,
    /// Its record; `campaign=` of `GET /devices` takes it.
    pub id: String,
    /// `running`, `paused`, `stopped` or `done`.
    pub state: String,
    /// Why it is there, if not by itself.
    pub said: Option<String>,
    /// Whether its devices are still being gathered: then there may be more.
    pub gathering: bool,
    /// How many devices stand where.
    pub counts: CampaignCounts,
    /// Which devices.
    pub filter: BTreeMap<String, String>,
    /// What is done.
    pub operation: String,
    /// How the devices prove themselves.
    pub authentication: String,
    /// Which key they make.
    pub key: String,
    /// How long a device has, in seconds.
    pub within_seconds: u64,
    /// At most so many at once.
    pub at_once: u32,
    /// At most so many in any minute.
    pub per_minute: u32,
    /// When regions are reached.
    pub hours: Vec<String>,
    /// It pauses by itself once so many failed or were late.
    pub pause_after: Option<u32>,
    /// Who made it.
    pub created_by: String,
    /// When (RFC 3339).
    pub created_at: String,
    /// When the first operation was set.
    pub began_at: Option<String>,
    /// When its state last changed.
    pub changed_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
}

/// What came of a campaign, so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CampaignReport {
    /// The campaign.
    pub campaign: Campaign,
    /// Why devices failed, were late or left out, most frequent first.
    pub reasons: Vec<ReasonCount>,
    /// How many devices of each region stand where; those without one are under "".
    pub regions: Vec<RegionCounts>,
    /// From the setting of an operation to its confirmation, on average, in seconds.
    pub mean_seconds: Option<f64>,
    /// The longest of them.
    pub longest_seconds: Option<f64>,
    /// From the first operation to the end, or to now, in seconds.
    pub took_seconds: Option<u64>,
}

/// How many devices have one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonCount {
    /// As `invalid-mic`; `operation-pending`, `operation-replaced`, `device-deleted`, `not-confirmed` are the campaign's own.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// How many devices of a region stand where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegionCounts {
    /// The region.
    pub region: String,
    /// How many devices stand where.
    pub counts: CampaignCounts,
}

/// A device of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignDevice {
    /// Its name.
    pub name: String,
    /// Its region when the campaign was made.
    pub region: Option<String>,
    /// `waiting`, `open`, `done`, `failed`, `late`, `skipped` or `withdrawn`.
    pub step: String,
    /// Why, of `failed`, `late` and `skipped`.
    pub reason: Option<String>,
    /// When it came there.
    pub at: String,
}

/// Nothing needs to be said.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct CampaignWord {}
