//! What is kept of each certificate that is to be renewed, and of the whole.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ca::profile::RenewalPoints;
use crate::ca::records::CertificateRecord;
use crate::ca::renewal::State;
use crate::clock::Timestamp;
use crate::id::{ProfileId, RecordId, Serial};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record, Scan};

/// What vanished is listed for so long.
pub const VANISHED_KEPT: Duration = Duration::from_hours(90 * 24);

/// Where a certificate stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It was brought in: its moments are still to be found.
    New,
    /// There is no later one.
    Open,
    /// It expired, and there is no later one.
    Vanished,
    /// There is a later one; looked at again, lest that was revoked.
    Renewed {
        /// The later one's serial number.
        by: Serial,
        /// When to look again.
        look: Timestamp,
    },
}

/// A part of the index: what is in order there, by which moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// New ones.
    New,
    /// Open ones, by when they are due.
    Due,
    /// Open ones, by when they are late.
    Late,
    /// Open and vanished ones, by when they expire.
    Expiry,
    /// Renewed ones, by when to look again.
    Renewed,
}

impl Part {
    /// The first byte of its keys.
    fn byte(self) -> u8 {
        match self {
            Self::New => 0,
            Self::Due => 1,
            Self::Late => 2,
            Self::Expiry => 3,
            Self::Renewed => 4,
        }
    }

    fn key(self, at: Timestamp) -> IndexKey {
        let key = KeyBuilder::new().bytes(&[self.byte()]).time(at).build();
        IndexKey { index: RenewalRecord::BY_MOMENT, key }
    }

    /// What has come to its moment by `until`, in that order.
    pub(super) fn until(self, until: Timestamp) -> Scan {
        let next = Timestamp::from_millis(until.millis().saturating_add(1));
        Scan::all::<RenewalRecord>(RenewalRecord::BY_MOMENT)
            .range(vec![self.byte()], Some(self.key(next).key))
    }
}

/// One certificate on its way to its renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewalRecord {
    /// The certificate's record.
    pub certificate: RecordId,
    /// By which profile it was issued.
    pub profile: ProfileId,
    /// The first moment of its validity.
    pub not_before: Timestamp,
    /// The last moment of its validity.
    pub not_after: Timestamp,
    /// From when on it is due.
    pub due: Timestamp,
    /// From when on it is late.
    pub late: Timestamp,
    /// Where it stood when it was last looked at.
    pub stage: Stage,
}

impl RenewalRecord {
    /// By part, then its moment: the moments of a certificate do not change while it is open, so that a list is stable.
    pub const BY_MOMENT: Index = Index { id: 1, name: "moment", unique: false };

    /// Of a certificate, by these points; not placed yet.
    pub(super) fn new(certificate: &CertificateRecord, points: RenewalPoints) -> Self {
        let (from, to) = (certificate.not_before, certificate.not_after);
        Self {
            certificate: certificate.id,
            profile: certificate.profile.clone(),
            not_before: from,
            not_after: to,
            due: points.due(from, to),
            late: points.late(from, to),
            stage: Stage::New,
        }
    }

    /// How it stands at a moment, if there is no later certificate.
    pub fn state(&self, at: Timestamp) -> State {
        if at > self.not_after {
            State::Vanished
        } else if at >= self.late {
            State::Late
        } else if at >= self.due {
            State::Due
        } else {
            State::Waiting
        }
    }

    /// The same where it belongs without a later certificate.
    pub(super) fn placed(self, now: Timestamp) -> Self {
        let stage = if now > self.not_after { Stage::Vanished } else { Stage::Open };
        Self { stage, ..self }
    }

    /// The same with a later certificate. It is looked at again at its own late point, and at its end: if the later one
    /// was revoked until then, it counts again.
    pub(super) fn renewed_by(self, by: Serial, now: Timestamp) -> Self {
        let look = if now < self.late { self.late } else { self.not_after };
        Self { stage: Stage::Renewed { by, look }, ..self }
    }

    /// The same by other points, where it stands.
    pub(super) fn by_points(&self, points: RenewalPoints, now: Timestamp) -> Self {
        let (due, late) =
            (points.due(self.not_before, self.not_after), points.late(self.not_before, self.not_after));
        let moved = Self { due, late, ..self.clone() };
        match &self.stage {
            Stage::Renewed { by, .. } => {
                let by = by.clone();
                moved.renewed_by(by, now)
            }
            Stage::New | Stage::Open | Stage::Vanished => moved.placed(now),
        }
    }
}

impl Record for RenewalRecord {
    const KIND: Kind = Kind { id: 32, name: "renewal" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.certificate.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        match &self.stage {
            Stage::New => vec![Part::New.key(self.not_before)],
            Stage::Open => {
                vec![Part::Due.key(self.due), Part::Late.key(self.late), Part::Expiry.key(self.not_after)]
            }
            Stage::Vanished => vec![Part::Expiry.key(self.not_after)],
            Stage::Renewed { look, .. } => vec![Part::Renewed.key(*look)],
        }
    }
}

/// By which points of the profiles the records stand. Absent in a store of before: its certificates are taken up first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewalBook {
    /// Due and late of each profile, in millionths of the validity.
    pub points: Vec<(ProfileId, (u32, u32))>,
}

impl RenewalBook {
    /// Its one key.
    pub const KEY: &'static [u8] = b"book";
}

impl Record for RenewalBook {
    const KIND: Kind = Kind { id: 33, name: "renewal-book" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::KEY.to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
