//! What the room keeps of a device.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::device::DeviceName;
use crate::id::{ProfileId, RecordId, Serial};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};

mod held;
mod operation;
mod step;

pub use held::Held;
pub use operation::{
    Action, Authentication, Guesses, KeyOrder, MAC_LENGTH, Operation, Reason, Shown, State, StringMac,
};
pub use step::{MOST_STEPS, Step, StepRecord};

/// A device of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// The record's key, rising with time: it says when the device was added.
    pub id: RecordId,
    /// Its name.
    pub name: DeviceName,
    /// Its model, as `8845` or `9841`.
    pub model: Option<String>,
    /// Its region (or tenant): when campaigns reach it.
    pub region: Option<String>,
    /// By which profile it gets its certificates.
    pub profile: ProfileId,
    /// When it was last seen, and from where.
    pub seen: Option<Seen>,
    /// The locally significant certificate that it confirmed to hold.
    pub lsc: Option<Held>,
    /// The certificate that was issued last and that it has not confirmed, whatever became of the operation: it goes
    /// when another takes its place.
    pub unconfirmed: Option<Serial>,
    /// The manufacturing certificate that it last showed.
    pub mic: Option<Held>,
    /// What is to be done with it, or was done last.
    pub operation: Option<Operation>,
    /// Wrong authentication strings since the last right one.
    pub guesses: Guesses,
    /// How many steps its history ever had; the last [`MOST_STEPS`] of them are kept.
    pub steps: u32,
}

/// When and from where a device was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub address: IpAddr,
}

impl DeviceRecord {
    /// By name, whatever its case: unique.
    pub const BY_NAME: Index = Index { id: 1, name: "name", unique: true };
    /// By each word of the name; see [`DeviceName::words`].
    pub const BY_WORD: Index = Index { id: 2, name: "word", unique: false };
    /// By model, then name.
    pub const BY_MODEL: Index = Index { id: 3, name: "model", unique: false };
    /// By region, then name.
    pub const BY_REGION: Index = Index { id: 4, name: "region", unique: false };
    /// By the operation's state, then time; see [`Operation::state_key`].
    pub const BY_STATE: Index = Index { id: 5, name: "state", unique: false };
    /// By the campaign that set the operation, then its state.
    pub const BY_CAMPAIGN: Index = Index { id: 6, name: "campaign", unique: false };
    /// By the moment that it was last seen.
    pub const BY_SEEN: Index = Index { id: 7, name: "seen", unique: false };
    /// By its LSC's expiry.
    pub const BY_LSC_EXPIRY: Index = Index { id: 8, name: "lsc-expiry", unique: false };
    /// By the moment that its LSC is due for renewal.
    pub const BY_LSC_DUE: Index = Index { id: 9, name: "lsc-due", unique: false };
    /// By the key of its LSC (`L`) and of its MIC (`M`), then expiry; see [`Held::index_key`].
    pub const BY_HELD_KEY: Index = Index { id: 10, name: "held-key", unique: false };

    /// The key in [`Self::BY_NAME`].
    pub fn name_key(name: &DeviceName) -> Vec<u8> {
        KeyBuilder::new().text(&name.folded()).build()
    }

    /// What the keys in [`Self::BY_MODEL`] and [`Self::BY_REGION`] begin with, whatever the case of the word.
    pub fn word_key(word: &str) -> Vec<u8> {
        KeyBuilder::new().text(&word.to_lowercase()).build()
    }

    /// It holds this LSC, which is thereby confirmed.
    pub fn holds(&mut self, lsc: Held) {
        self.unconfirmed = self.unconfirmed.take().filter(|serial| *serial != lsc.serial);
        self.lsc = Some(lsc);
    }

    /// Whether no authentication string is looked at now, and until when.
    pub fn locked(&self, now: Timestamp) -> Option<Timestamp> {
        self.guesses.locked_until.filter(|until| now < *until)
    }

    fn certificate_keys(&self) -> impl Iterator<Item = IndexKey> {
        let time = |index, at: Timestamp| IndexKey { index, key: at.sort_key().to_vec() };
        let held = |kind, held: &Held| IndexKey { index: Self::BY_HELD_KEY, key: held.index_key(kind) };
        let lsc = self.lsc.iter().flat_map(move |lsc| {
            [
                time(Self::BY_LSC_EXPIRY, lsc.not_after),
                time(Self::BY_LSC_DUE, lsc.renewal_due()),
                held(Held::LSC, lsc),
            ]
        });
        lsc.chain(self.mic.iter().map(move |mic| held(Held::MIC, mic)))
    }

    fn operation_keys(&self) -> impl Iterator<Item = IndexKey> {
        self.operation.iter().flat_map(|operation| {
            let state = IndexKey { index: Self::BY_STATE, key: operation.state_key() };
            let campaign = operation.campaign.map(|campaign| IndexKey {
                index: Self::BY_CAMPAIGN,
                key: [campaign.as_bytes().as_slice(), &operation.state_key()].concat(),
            });
            std::iter::once(state).chain(campaign)
        })
    }
}

impl Record for DeviceRecord {
    const KIND: Kind = Kind { id: 60, name: "device" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let name = Self::name_key(&self.name);
        let under =
            |index, word: &String| IndexKey { index, key: [Self::word_key(word).as_slice(), &name].concat() };
        let word =
            |word: String| IndexKey { index: Self::BY_WORD, key: KeyBuilder::new().text(&word).build() };
        let mut keys = vec![IndexKey { index: Self::BY_NAME, key: name.clone() }];
        keys.extend(self.name.words().into_iter().map(word));
        keys.extend(self.model.iter().map(|model| under(Self::BY_MODEL, model)));
        keys.extend(self.region.iter().map(|region| under(Self::BY_REGION, region)));
        keys.extend(self.operation_keys());
        keys.extend(
            self.seen.iter().map(|seen| IndexKey { index: Self::BY_SEEN, key: seen.at.sort_key().to_vec() }),
        );
        keys.extend(self.certificate_keys());
        keys
    }
}
