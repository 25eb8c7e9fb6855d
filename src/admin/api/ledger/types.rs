//! What the API says of a device's lists.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::device::fetch::Release;
use crate::device::ledger::{AlarmNoted, Fetch, FetchedWhat, LedgerRecord, Source};
use crate::id::ClusterId;
use crate::trust::records::ListKind;

/// What is known of a device's lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceTrust {
    /// Its name.
    pub device: String,
    /// Its cluster: the only one, or that which its region names; null if neither says which.
    pub cluster: Option<String>,
    /// Its CTL, if it is known or there is one to hold.
    pub ctl: Option<HeldList>,
    /// Its ITL.
    pub itl: Option<HeldList>,
    /// Whether it is known to hold the newest release of every list of its cluster.
    pub up_to_date: bool,
    /// Since when it refuses lists (RFC 3339): the first failure after the last success.
    pub stuck_since: Option<String>,
    /// What it told, newest first, at most 16.
    pub alarms: Vec<DeviceAlarm>,
    /// What it fetched, newest first, each file once, at most 16.
    pub fetched: Vec<DeviceFetch>,
    /// When it last asked the Trust Verification Service.
    pub tvs: Option<TvsQuestion>,
}

/// A list, as a device holds it and as it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldList {
    /// The release that the device holds; null if that is not known, or it is none of those published here.
    pub release: Option<u32>,
    /// Of which cluster that is.
    pub cluster: Option<String>,
    /// The digest that the device told, or SHA-256 of what it fetched; null if it is not known to hold one.
    pub digest: Option<String>,
    /// When that was told (RFC 3339).
    pub at: Option<String>,
    /// How it is known: `told` (the device named the digest) or `fetched` (it told of a success, and had fetched this).
    pub source: Option<String>,
    /// The newest release of the device's cluster.
    pub newest: Option<u32>,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceAlarm {
    /// Its name, as `TL_FAILED_OLD_ITL`.
    pub alarm: String,
    /// Its code, 1 to 9.
    pub code: u8,
    /// When it came (RFC 3339).
    pub at: String,
    /// From where.
    pub address: String,
    /// `api` or `syslog`; by syslog anybody in the network could have sent it.
    pub over: String,
}

/// A fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceFetch {
    /// `ctl`, `itl` or `file`.
    pub what: String,
    /// The file's name.
    pub file: Option<String>,
    /// The list's cluster.
    pub cluster: Option<String>,
    /// The list's release.
    pub release: Option<u32>,
    /// When last (RFC 3339).
    pub at: String,
    /// From where.
    pub address: String,
    /// `http`, `https` or `tftp`.
    pub over: String,
    /// How often.
    pub times: u32,
}

/// A question to the Trust Verification Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TvsQuestion {
    /// When (RFC 3339).
    pub at: String,
    /// From where.
    pub address: String,
    /// What was answered: `valid`, `unknown`, `revoked`, `outside-validity` or `no-cluster`.
    pub verdict: String,
}

/// What is shown of an entry.
pub(super) fn device_trust(
    entry: &LedgerRecord,
    cluster: Option<ClusterId>,
    newest: &[Release],
) -> DeviceTrust {
    let list = |kind| held_list(entry, kind, newest.iter().find(|release| release.kind == kind));
    let holds = |release: &Release| {
        let held = entry.holding(release.kind).and_then(|holding| holding.release.as_ref());
        held.is_some_and(|(cluster, number)| *cluster == release.cluster && *number == release.number)
    };
    DeviceTrust {
        device: entry.device.to_string(),
        cluster: cluster.map(String::from),
        ctl: list(ListKind::Ctl),
        itl: list(ListKind::Itl),
        up_to_date: !newest.is_empty() && newest.iter().all(holds),
        stuck_since: entry.stuck.map(|at| at.to_string()),
        alarms: entry.alarms.iter().map(alarm).collect(),
        fetched: entry.fetched.iter().map(fetch).collect(),
        tvs: entry.tvs.as_ref().map(|asked| TvsQuestion {
            at: asked.at.to_string(),
            address: asked.from.to_string(),
            verdict: asked.verdict.clone(),
        }),
    }
}

fn held_list(entry: &LedgerRecord, kind: ListKind, newest: Option<&Release>) -> Option<HeldList> {
    let holding = entry.holding(kind);
    if holding.is_none() && newest.is_none() {
        return None;
    }
    let release = holding.and_then(|holding| holding.release.as_ref());
    Some(HeldList {
        release: release.map(|(_, number)| *number),
        cluster: release.map(|(cluster, _)| cluster.to_string()),
        digest: holding.map(|holding| holding.digest.to_string()),
        at: holding.map(|holding| holding.at.to_string()),
        source: holding.map(|holding| {
            let word = match holding.source {
                Source::Told => "told",
                Source::Fetched => "fetched",
            };
            word.to_owned()
        }),
        newest: newest.map(|release| release.number),
    })
}

fn alarm(noted: &AlarmNoted) -> DeviceAlarm {
    DeviceAlarm {
        alarm: noted.alarm.to_string(),
        code: noted.alarm.code(),
        at: noted.at.to_string(),
        address: noted.from.to_string(),
        over: noted.over.as_str().to_owned(),
    }
}

fn fetch(fetch: &Fetch) -> DeviceFetch {
    let (what, file, cluster, release) = match &fetch.what {
        FetchedWhat::List { cluster, kind, number, .. } => {
            (kind.as_str(), None, Some(cluster.to_string()), Some(*number))
        }
        FetchedWhat::File(name) => ("file", Some(name.clone()), None, None),
    };
    DeviceFetch {
        what: what.to_owned(),
        file,
        cluster,
        release,
        at: fetch.at.to_string(),
        address: fetch.from.to_string(),
        over: fetch.over.as_str().to_owned(),
        times: fetch.times,
    }
}
