//! What the room keeps: notices, and how far it has looked.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{CaId, ProfileId, RecordId, Serial};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};

/// That a certificate expires, given once for each of its steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// The record's key.
    pub id: RecordId,
    /// The look that found it.
    pub run: RecordId,
    /// When it was found.
    pub at: Timestamp,
    /// So many days before the expiry it is given.
    pub step: u16,
    /// What expires.
    pub about: About,
    /// Its subject, for people.
    pub subject: String,
    /// Its serial number.
    pub serial: Serial,
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    /// When it expires.
    pub not_after: Timestamp,
}

/// What expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// A certificate.
    Certificate {
        /// Who signed it.
        ca: CaId,
        /// By which profile.
        profile: ProfileId,
        /// The device it belongs to.
        device: Option<String>,
    },
    /// A CA's own certificate.
    Ca(CaId),
}

impl NoticeRecord {
    /// By certificate (the first 16 bytes of its fingerprint) and step: one notice each.
    pub const BY_STEP: Index = Index { id: 1, name: "step", unique: true };
    /// By the look that found it, then expiry.
    pub const BY_RUN: Index = Index { id: 2, name: "run", unique: false };
    /// By serial number, then time.
    pub const BY_SERIAL: Index = Index { id: 3, name: "serial", unique: false };
    /// By expiry.
    pub const BY_EXPIRY: Index = Index { id: 4, name: "expiry", unique: false };

    /// The key in [`Self::BY_STEP`].
    pub fn step_key(fingerprint: &[u8; 32], step: u16) -> Vec<u8> {
        KeyBuilder::new().bytes(&fingerprint[..16]).bytes(&step.to_be_bytes()).build()
    }

    /// The whole days left when it was found; less than none after the expiry.
    pub fn days_left(&self) -> i64 {
        (self.not_after.secs() - self.at.secs()).div_euclid(86_400)
    }
}

impl Record for NoticeRecord {
    const KIND: Kind = Kind { id: 51, name: "notice" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let by_run = KeyBuilder::new().bytes(self.run.as_bytes()).time(self.not_after).build();
        let by_serial = KeyBuilder::new().text(&self.serial.to_string()).bytes(self.id.as_bytes()).build();
        vec![
            IndexKey { index: Self::BY_STEP, key: Self::step_key(&self.fingerprint, self.step) },
            IndexKey { index: Self::BY_RUN, key: by_run },
            IndexKey { index: Self::BY_SERIAL, key: by_serial },
            IndexKey { index: Self::BY_EXPIRY, key: self.not_after.sort_key().to_vec() },
        ]
    }
}

/// How far was looked: one record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookRecord {
    /// When the last look ended.
    pub ended: Option<Timestamp>,
    /// Of each step: up to which expiry everything was looked at.
    pub covered: Vec<(u16, Timestamp)>,
    /// The look that goes on, or was broken off.
    pub open: Option<OpenLook>,
}

/// A look that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLook {
    /// Its identifier.
    pub run: RecordId,
    /// How many notices it has given.
    pub found: u64,
}

impl LookRecord {
    /// The key of the one record.
    pub const KEY: &'static [u8] = b"look";

    /// Up to which expiry everything was looked at for a step.
    pub fn covered(&self, step: u16) -> Option<Timestamp> {
        self.covered.iter().find(|(known, _)| *known == step).map(|(_, until)| *until)
    }

    /// Notes that everything was looked at for a step up to there.
    pub fn cover(&mut self, step: u16, until: Timestamp) {
        self.covered.retain(|(known, _)| *known != step);
        self.covered.push((step, until));
    }
}

impl Record for LookRecord {
    const KIND: Kind = Kind { id: 52, name: "notice-look" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::KEY.to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
