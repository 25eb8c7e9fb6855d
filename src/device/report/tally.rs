//! What is counted of each device: how far its operation has come, what it holds, and what is wrong with that.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::device::records::{DeviceRecord, Held, Reason, Shown};

/// So many devices of each finding are named; more are only counted.
pub const MOST_NAMED: usize = 1000;
/// So many pairs of issuer and key are told apart; what lies beyond is counted together.
const MOST_PAIRS: usize = 1000;
/// The least bits of an RSA key in FIPS mode (PHN-2).
const LEAST_BITS: u32 = 2048;
/// The ends of the spans of expiry, in days.
const SPANS: [u64; 4] = [7, 30, 90, 365];

/// What a report counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All devices.
    pub devices: u64,
    /// By where they stand.
    pub states: BTreeMap<Shown, u64>,
    /// By what went wrong, last or for good.
    pub reasons: BTreeMap<Reason, u64>,
    /// By model; those without are under "".
    pub models: BTreeMap<String, u64>,
    /// What is held of certificates of ours.
    pub lsc: Holdings,
    /// What is held of certificates of the manufacturer.
    pub mic: Holdings,
    /// Keys under 2048 bits.
    pub weak: Findings,
    /// LSCs past their renewal point.
    pub stale: Findings,
    /// Devices whose operation failed or is late.
    pub failed: Findings,
}

/// Certificates of one sort.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Devices that hold one.
    pub held: u64,
    /// By when they expire, in the order of [`Holdings::SPANS`].
    pub expiry: [u64; 6],
    /// By issuer and key.
    pub map: BTreeMap<(String, String), Cell>,
}

/// Certificates of one issuer with one sort of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// How many.
    pub count: u64,
    /// The first of them to expire does so then.
    pub first: Timestamp,
}

/// Devices that something is to be said of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub named: Vec<Finding>,
}

/// What is said of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The device.
    pub name: String,
    /// Its model.
    pub model: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// What it is about: `lsc`, `mic`, or the state of the operation.
    pub what: &'static str,
    /// The key (`rsa-1024`), or the reason of a failure.
    pub detail: String,
    /// The issuer, of a certificate.
    pub issuer: Option<String>,
    /// When the certificate expires, was due for renewal, or the operation ended.
    pub at: Option<Timestamp>,
}

/// Which findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Keys under 2048 bits.
    Weak,
    /// LSCs past their renewal point.
    Stale,
    /// Operations that failed or are late.
    Failed,
}

impl Holdings {
    /// The names of the spans of expiry.
    pub const SPANS: [&'static str; 6] =
        ["expired", "within_7d", "within_30d", "within_90d", "within_1y", "later"];

    fn add(&mut self, held: &Held, now: Timestamp) {
        self.held += 1;
        self.expiry[span(held.not_after, now)] += 1;
        let pair = (held.issuer.clone(), held.key.clone());
        let is_apart = self.map.len() < MOST_PAIRS || self.map.contains_key(&pair);
        let pair = if is_apart { pair } else { ("(others)".to_owned(), String::new()) };
        let cell = self.map.entry(pair).or_insert(Cell { count: 0, first: held.not_after });
        *cell = Cell { count: cell.count + 1, first: cell.first.min(held.not_after) };
    }
}

fn span(not_after: Timestamp, now: Timestamp) -> usize {
    if not_after < now {
        return 0;
    }
    let left = not_after.since(now);
    let ends = SPANS.iter().position(|days| left <= Duration::from_hours(days * 24));
    ends.map_or(Holdings::SPANS.len() - 1, |place| place + 1)
}

impl Findings {
    fn add(&mut self, found: impl IntoIterator<Item = Finding>) {
        for finding in found {
            self.count += 1;
            if self.named.len() < MOST_NAMED {
                self.named.push(finding);
            }
        }
    }
}

impl Tally {
    /// Counts one more device.
    pub fn add(&mut self, device: &DeviceRecord, now: Timestamp) {
        self.devices += 1;
        let (state, reason) = stands(device, now);
        *self.states.entry(state).or_default() += 1;
        if let Some(reason) = reason {
            *self.reasons.entry(reason).or_default() += 1;
        }
        let model = device.model.clone().unwrap_or_default();
        let is_apart = self.models.len() < MOST_PAIRS || self.models.contains_key(&model);
        *self.models.entry(if is_apart { model } else { "(others)".to_owned() }).or_default() += 1;
        for (holdings, held) in [(&mut self.lsc, &device.lsc), (&mut self.mic, &device.mic)] {
            if let Some(held) = held {
                holdings.add(held, now);
            }
        }
        self.weak.add(weak(device));
        self.stale.add(stale(device, now));
        self.failed.add(failed(device, now));
    }
}

/// What is found of one sort on a device.
pub fn find(sort: Sort, device: &DeviceRecord, now: Timestamp) -> Vec<Finding> {
    match sort {
        Sort::Weak => weak(device).collect(),
        Sort::Stale => stale(device, now).into_iter().collect(),
        Sort::Failed => failed(device, now).into_iter().collect(),
    }
}

fn stands(device: &DeviceRecord, now: Timestamp) -> (Shown, Option<Reason>) {
    device
        .operation
        .as_ref()
        .map_or((Shown::None, None), |operation| (operation.shown(now), operation.reason(now)))
}

fn weak(device: &DeviceRecord) -> impl Iterator<Item = Finding> {
    let held = [("lsc", device.lsc.as_ref()), ("mic", device.mic.as_ref())];
    let held = held.into_iter().filter_map(|(what, held)| Some((what, held?)));
    let weak = held.filter(|(_, held)| held.rsa_bits().is_some_and(|bits| bits < LEAST_BITS));
    weak.map(|(what, held)| of_certificate(device, what, held, held.not_after))
}

fn stale(device: &DeviceRecord, now: Timestamp) -> Option<Finding> {
    let held = device.lsc.as_ref()?;
    (held.renewal_due() <= now).then(|| of_certificate(device, "lsc", held, held.not_after))
}

fn failed(device: &DeviceRecord, now: Timestamp) -> Option<Finding> {
    let operation = device.operation.as_ref()?;
    let (state, reason) = stands(device, now);
    matches!(state, Shown::Failed | Shown::Late).then(|| Finding {
        name: device.name.to_string(),
        model: device.model.clone(),
        region: device.region.clone(),
        what: state.as_str(),
        detail: reason.map_or("", Reason::as_str).to_owned(),
        issuer: None,
        at: Some(operation.changed),
    })
}

fn of_certificate(device: &DeviceRecord, what: &'static str, held: &Held, at: Timestamp) -> Finding {
    Finding {
        name: device.name.to_string(),
        model: device.model.clone(),
        region: device.region.clone(),
        what,
        detail: held.key.clone(),
        issuer: Some(held.issuer.clone()),
        at: Some(at),
    }
}
