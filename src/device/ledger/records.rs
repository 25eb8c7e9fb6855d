//! What the ledger keeps of a device.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::note::{Note, Over, Told, What};
use crate::clock::Timestamp;
use crate::device::DeviceName;
use crate::device::alarm::{Alarm, ListDigest};
use crate::device::fetch::Release;
use crate::id::ClusterId;
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};
use crate::trust::records::ListKind;

/// So many fetches and so many alarms of a device are kept, the newest.
const KEPT: usize = 16;

/// What is known of a device's trust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRecord {
    /// Whose.
    pub device: DeviceName,
    /// The lists that it holds, at most one of each kind.
    pub holds: Vec<Holding>,
    /// What it fetched, newest first, each file once.
    pub fetched: Vec<Fetch>,
    /// What it told, newest first.
    pub alarms: Vec<AlarmNoted>,
    /// When it last asked the Trust Verification Service.
    pub tvs: Option<TvsAsked>,
    /// Since when it refuses lists: the first failure after the last success.
    pub stuck: Option<Timestamp>,
}

/// A list that a device holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Which list.
    pub kind: ListKind,
    /// The release, as cluster and number; none: a list that was not published here, or long ago.
    pub release: Option<(ClusterId, u32)>,
    /// Its digest.
    pub digest: ListDigest,
    /// When that was told.
    pub at: Timestamp,
    /// How it is known.
    pub source: Source,
}

/// How it is known which list a device holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The device told the digest.
    Told,
    /// It told that it took a list, and this one it had fetched last.
    Fetched,
}

/// Something that a device fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// What.
    pub what: FetchedWhat,
    /// When last.
    pub at: Timestamp,
    /// From where.
    pub from: IpAddr,
    /// Over what.
    pub over: Over,
    /// How often.
    pub times: u32,
}

/// What a device fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FetchedWhat {
    /// A release of a list.
    List {
        /// Whose.
        cluster: ClusterId,
        /// Which list.
        kind: ListKind,
        /// Its number.
        number: u32,
        /// SHA-256 of its file.
        file_hash: [u8; 32],
    },
    /// A file, by its name.
    File(String),
}

/// An alarm of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmNoted {
    /// What happened.
    pub alarm: Alarm,
    /// When it came.
    pub at: Timestamp,
    /// From where.
    pub from: IpAddr,
    /// Over what.
    pub over: Over,
}

/// When a device asked the Trust Verification Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TvsAsked {
    /// When last.
    pub at: Timestamp,
    /// From where.
    pub from: IpAddr,
    /// What it was told: `valid`, or why not.
    pub verdict: String,
}

impl LedgerRecord {
    /// By the time since which a device refuses lists; those that do not are not in it.
    pub const BY_STUCK: Index = Index { id: 1, name: "stuck", unique: false };
    /// By cluster, list and release number that a device holds, then its name.
    pub const BY_RELEASE: Index = Index { id: 2, name: "release", unique: false };

    /// An entry that says nothing.
    pub fn new(device: DeviceName) -> Self {
        let (holds, fetched, alarms, tvs, stuck) = Default::default();
        Self { device, holds, fetched, alarms, tvs, stuck }
    }

    /// The key of a device.
    pub fn key_of(device: &DeviceName) -> Vec<u8> {
        KeyBuilder::new().text(&device.folded()).build()
    }

    /// The key of those that hold a release in [`Self::BY_RELEASE`], before the device's name.
    pub fn release_key(cluster: &ClusterId, kind: ListKind, number: u32) -> Vec<u8> {
        let list = KeyBuilder::new().text(cluster.as_str()).text(kind.as_str());
        list.bytes(&number.to_be_bytes()).build()
    }

    /// The list of that kind that it holds.
    pub fn holding(&self, kind: ListKind) -> Option<&Holding> {
        self.holds.iter().find(|holding| holding.kind == kind)
    }

    /// Takes up what a device did.
    pub(super) fn apply(&mut self, at: Timestamp, note: &Note) {
        match note {
            Note::Fetched { what, from, over } => self.fetch(at, what, *from, *over),
            Note::AskedTvs { from, verdict } => {
                self.tvs = Some(TvsAsked { at, from: *from, verdict: (*verdict).to_owned() });
            }
            Note::Alarm { alarm, from, over, told } => {
                self.alarms.insert(0, AlarmNoted { alarm: *alarm, at, from: *from, over: *over });
                self.alarms.truncate(KEPT);
                self.alarm(at, *alarm, told);
            }
        }
    }

    /// Takes up what a device did so often; only of what it fetched that is counted.
    pub(super) fn apply_often(&mut self, at: Timestamp, note: &Note, times: u32) {
        self.apply(at, note);
        if let (Note::Fetched { .. }, Some(newest)) = (note, self.fetched.first_mut()) {
            newest.times = newest.times.saturating_add(times.saturating_sub(1));
        }
    }

    fn fetch(&mut self, at: Timestamp, what: &What, from: IpAddr, over: Over) {
        let what = FetchedWhat::of(what);
        let before = self.fetched.iter().position(|fetch| fetch.what == what);
        let times = before.map_or(0, |place| self.fetched.remove(place).times);
        self.fetched.insert(0, Fetch { what, at, from, over, times: times.saturating_add(1) });
        self.fetched.truncate(KEPT);
    }

    fn alarm(&mut self, at: Timestamp, alarm: Alarm, told: &[Told]) {
        self.stuck = if alarm.is_failure() { self.stuck.or(Some(at)) } else { None };
        if alarm == Alarm::FailedNoList {
            self.holds.clear();
        }
        for kind in ListKind::ALL {
            let told = told.iter().find(|told| told.kind == kind);
            let holding = match told {
                Some(told) => Holding::told(told, at),
                None if alarm.confirms(kind) => self.last_fetched(kind, at),
                None => None,
            };
            // Who says that it holds none holds none.
            if told.is_some() || holding.is_some() {
                self.holds.retain(|old| old.kind != kind);
                self.holds.extend(holding);
            }
        }
    }

    /// The list of that kind that was fetched last.
    fn last_fetched(&self, wanted: ListKind, at: Timestamp) -> Option<Holding> {
        self.fetched.iter().find_map(|fetch| match &fetch.what {
            FetchedWhat::List { cluster, kind, number, file_hash } if *kind == wanted => Some(Holding {
                kind: wanted,
                release: Some((cluster.clone(), *number)),
                digest: file_hash.to_vec().try_into().ok()?,
                at,
                source: Source::Fetched,
            }),
            FetchedWhat::List { .. } | FetchedWhat::File(_) => None,
        })
    }
}

impl Holding {
    fn told(told: &Told, at: Timestamp) -> Option<Self> {
        let release = told.release.as_ref().filter(|release| release.kind == told.kind);
        Some(Self {
            kind: told.kind,
            release: release.map(|release| (release.cluster.clone(), release.number)),
            digest: told.digest.clone()?,
            at,
            source: Source::Told,
        })
    }
}

impl FetchedWhat {
    pub(super) fn of(what: &What) -> Self {
        match what {
            What::File(name) => Self::File(name.clone()),
            What::List(Release { cluster, kind, number, file_hash }) => {
                Self::List { cluster: cluster.clone(), kind: *kind, number: *number, file_hash: *file_hash }
            }
        }
    }
}

impl Record for LedgerRecord {
    const KIND: Kind = Kind { id: 90, name: "device-trust" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.device)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let name = self.device.folded();
        let stuck = self.stuck.map(|since| IndexKey {
            index: Self::BY_STUCK,
            key: KeyBuilder::new().time(since).text(&name).build(),
        });
        let holds = self.holds.iter().filter_map(|holding| {
            let (cluster, number) = holding.release.as_ref()?;
            let release = Self::release_key(cluster, holding.kind, *number);
            let key = KeyBuilder::new().bytes(&release).text(&name).build();
            Some(IndexKey { index: Self::BY_RELEASE, key })
        });
        stuck.into_iter().chain(holds).collect()
    }
}
