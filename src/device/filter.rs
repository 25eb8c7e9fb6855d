//! Which devices: one index leads, the rest is held against what it finds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::device::records::{DeviceRecord, Held, Reason, Shown};
use crate::id::{ProfileId, RecordId};
use crate::store::{Index, KeyBuilder, Scan};

mod page;
mod words;

pub use page::{Place, page};
pub use words::Words;

/// Which devices: those for which all of it holds; without anything: all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The beginning of the name, whatever its case.
    pub name: Option<String>,
    /// Words of the name, each by its beginning.
    pub words: Option<Words>,
    /// The model, whatever its case.
    pub model: Option<String>,
    /// The region, whatever its case.
    pub region: Option<String>,
    /// The profile.
    pub profile: Option<ProfileId>,
    /// The state, as it is shown.
    pub state: Option<Shown>,
    /// The reason, as it is shown.
    pub reason: Option<Reason>,
    /// The campaign that set the operation.
    pub campaign: Option<RecordId>,
    /// What certificate it holds.
    pub holds: Option<Holds>,
    /// When its LSC expires.
    pub expires: Window,
    /// Whether its LSC expires from now on and within this time.
    pub expires_within: Option<Duration>,
    /// Whether its LSC is to be renewed.
    pub due: bool,
    /// The key of its LSC, as `rsa-2048`.
    pub lsc_key: Option<String>,
    /// The key of its MIC.
    pub mic_key: Option<String>,
    /// The issuer of its LSC, as it is shown.
    pub lsc_issuer: Option<String>,
    /// Those last seen at or after this time.
    pub seen_after: Option<Timestamp>,
    /// Those last seen before this time, or never.
    pub seen_before: Option<Timestamp>,
    /// Whether its authentication strings are not looked at now.
    pub locked: bool,
}

/// From the first moment, before the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// At or after.
    pub after: Option<Timestamp>,
    /// Before.
    pub before: Option<Timestamp>,
}

/// What certificate a device holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holds {
    /// An LSC.
    Lsc,
    /// A MIC, as far as is known.
    Mic,
    /// Neither, as far as is known.
    Neither,
}

impl Window {
    fn is_open(self) -> bool {
        self.after.is_none() && self.before.is_none()
    }

    fn holds(self, at: Timestamp) -> bool {
        self.after.is_none_or(|after| at >= after) && self.before.is_none_or(|before| at < before)
    }
}

impl Filter {
    /// Whether it says nothing: then it finds every device.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// The index to follow, and the part of it that counts.
    pub fn scan(&self, now: Timestamp) -> Scan {
        let all = Scan::all::<DeviceRecord>;
        if let Some(name) = &self.name {
            let prefix = KeyBuilder::new().text_prefix(&name.to_ascii_uppercase()).build();
            return all(DeviceRecord::BY_NAME).prefix(prefix);
        }
        if let Some(words) = &self.words {
            return all(DeviceRecord::BY_WORD).prefix(words.prefix());
        }
        if let Some(campaign) = &self.campaign {
            return all(DeviceRecord::BY_CAMPAIGN).prefix(campaign.as_bytes().to_vec());
        }
        self.by_certificate(now)
            .or_else(|| self.by_rare_state(now))
            .or_else(|| self.by_kind())
            .or_else(|| self.by_time(now))
            .unwrap_or_else(|| all(DeviceRecord::BY_NAME))
    }

    /// Whether a device that the index led to is wanted.
    pub fn matches(&self, device: &DeviceRecord, now: Timestamp) -> bool {
        self.matches_itself(device) && self.matches_operation(device, now) && self.matches_held(device, now)
    }

    fn matches_itself(&self, device: &DeviceRecord) -> bool {
        let same = |wanted: &Option<String>, has: &Option<String>| match (wanted, has) {
            (None, _) => true,
            (Some(wanted), Some(has)) => wanted.to_lowercase() == has.to_lowercase(),
            (Some(_), None) => false,
        };
        let name = self.name.as_ref().is_none_or(|name| {
            let name = name.to_ascii_uppercase();
            device.name.folded().starts_with(&name)
        });
        name && self.words.as_ref().is_none_or(|words| words.match_all(device))
            && same(&self.model, &device.model)
            && same(&self.region, &device.region)
            && self.profile.as_ref().is_none_or(|profile| device.profile == *profile)
    }

    fn matches_operation(&self, device: &DeviceRecord, now: Timestamp) -> bool {
        let operation = device.operation.as_ref();
        let shown = operation.map_or(Shown::None, |operation| operation.shown(now));
        let reason = operation.and_then(|operation| operation.reason(now));
        let seen = device.seen.as_ref().map(|seen| seen.at);
        self.state.is_none_or(|state| state == shown)
            && self.reason.is_none_or(|wanted| reason == Some(wanted))
            && self.campaign.is_none_or(|wanted| operation.is_some_and(|o| o.campaign == Some(wanted)))
            && self.seen_after.is_none_or(|after| seen.is_some_and(|at| at >= after))
            && self.seen_before.is_none_or(|before| seen.is_none_or(|at| at < before))
            && (!self.locked || device.locked(now).is_some())
    }

    fn matches_held(&self, device: &DeviceRecord, now: Timestamp) -> bool {
        let lsc = |check: &dyn Fn(&Held) -> bool| device.lsc.as_ref().is_some_and(check);
        let holds = self.holds.is_none_or(|holds| match holds {
            Holds::Lsc => device.lsc.is_some(),
            Holds::Mic => device.mic.is_some(),
            Holds::Neither => device.lsc.is_none() && device.mic.is_none(),
        });
        let expires = self.expiry(now);
        holds
            && (expires.is_open() || lsc(&|held| expires.holds(held.not_after)))
            && (!self.due || lsc(&|held| held.renewal_due() <= now))
            && self.lsc_key.as_ref().is_none_or(|key| lsc(&|held| held.key == *key))
            && self.lsc_issuer.as_ref().is_none_or(|issuer| lsc(&|held| held.issuer == *issuer))
            && self.mic_key.as_ref().is_none_or(|key| device.mic.as_ref().is_some_and(|m| m.key == *key))
    }

    fn expiry(&self, now: Timestamp) -> Window {
        match self.expires_within {
            Some(within) => Window { after: Some(now), before: Some(now.plus(within)) },
            None => self.expires,
        }
    }

    fn by_certificate(&self, now: Timestamp) -> Option<Scan> {
        let (all, key) = (Scan::all::<DeviceRecord>, |at: Timestamp| at.sort_key().to_vec());
        if self.due {
            let to = now.plus(Duration::from_millis(1));
            return Some(all(DeviceRecord::BY_LSC_DUE).range(Vec::new(), Some(key(to))));
        }
        let held = |kind: u8, name: &str| KeyBuilder::new().bytes(&[kind]).text(name).build();
        if let Some(name) = &self.lsc_key {
            return Some(all(DeviceRecord::BY_HELD_KEY).prefix(held(Held::LSC, name)));
        }
        if let Some(name) = &self.mic_key {
            return Some(all(DeviceRecord::BY_HELD_KEY).prefix(held(Held::MIC, name)));
        }
        let window = self.expiry(now);
        let from = window.after.map(key).unwrap_or_default();
        let wanted = !window.is_open() || self.lsc_issuer.is_some();
        wanted.then(|| all(DeviceRecord::BY_LSC_EXPIRY).range(from, window.before.map(key)))
    }

    /// States that most devices are not in for long.
    fn by_rare_state(&self, now: Timestamp) -> Option<Scan> {
        match self.state? {
            state @ (Shown::Pending | Shown::Issued | Shown::Failed | Shown::Late) => {
                Some(by_state(state, now))
            }
            Shown::None | Shown::Installed | Shown::Deleted | Shown::Fetched => None,
        }
    }

    fn by_kind(&self) -> Option<Scan> {
        let under =
            |index: Index, word: &str| Scan::all::<DeviceRecord>(index).prefix(DeviceRecord::word_key(word));
        let model = self.model.as_ref().map(|model| under(DeviceRecord::BY_MODEL, model));
        model.or_else(|| self.region.as_ref().map(|region| under(DeviceRecord::BY_REGION, region)))
    }

    fn by_time(&self, now: Timestamp) -> Option<Scan> {
        match self.state {
            Some(state @ (Shown::Installed | Shown::Deleted | Shown::Fetched)) => {
                return Some(by_state(state, now));
            }
            Some(Shown::None | Shown::Pending | Shown::Issued | Shown::Failed | Shown::Late) | None => {}
        }
        let key = |at: Timestamp| at.sort_key().to_vec();
        let seen = Scan::all::<DeviceRecord>(DeviceRecord::BY_SEEN);
        if let Some(after) = self.seen_after {
            return Some(seen.range(key(after), self.seen_before.map(key)));
        }
        (self.holds == Some(Holds::Lsc)).then(|| Scan::all::<DeviceRecord>(DeviceRecord::BY_LSC_EXPIRY))
    }
}

/// A part of the order by state: what waits stands by its deadline, so that what is late comes first.
fn by_state(state: Shown, now: Timestamp) -> Scan {
    let byte = state.byte();
    let at = |at: Timestamp| KeyBuilder::new().bytes(&[byte]).time(at).build();
    let (from, to) = match state {
        Shown::Pending => (at(now), vec![byte + 1]),
        // An operation that was refused as late stands here too, by a deadline that has passed.
        Shown::Late => (vec![byte], at(now)),
        Shown::None | Shown::Issued | Shown::Installed | Shown::Deleted | Shown::Fetched | Shown::Failed => {
            (vec![byte], vec![byte + 1])
        }
    };
    Scan::all::<DeviceRecord>(DeviceRecord::BY_STATE).range(from, Some(to))
}
