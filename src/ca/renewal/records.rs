//! What is kept of each certificate that is to be renewed, and of the whole.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ca::profile::RenewalPoints;
use crate::ca::records::CertificateRecord;
use crate::ca::renewal::{State, stage_of};
use crate::clock::Timestamp;
use crate::id::{ProfileId, RecordId, Serial};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};

/// What vanished is listed for so long.
pub const VANISHED_KEPT: Duration = Duration::from_hours(90 * 24);

/// Where a certificate stands. The order is that of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It was brought in: its moments are still to be found.
    New,
    /// Not due yet.
    Waiting,
    /// Due.
    Due,
    /// Late.
    Late,
    /// Expired without having been renewed.
    Vanished,
    /// There is a later one; looked at again, lest that was revoked.
    Renewed {
        /// The later one's serial number.
        by: Serial,
        /// When to look again.
        look: Timestamp,
    },
}

impl Stage {
    /// The first bytes in the index, of all stages.
    pub const BYTES: std::ops::RangeInclusive<u8> = 0..=5;

    /// The first byte in the index.
    pub fn byte(&self) -> u8 {
        match self {
            Self::New => 0,
            Self::Waiting => 1,
            Self::Due => 2,
            Self::Late => 3,
            Self::Vanished => 4,
            Self::Renewed { .. } => 5,
        }
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
    /// By stage, then the next moment at which that changes.
    pub const BY_STAGE: Index = Index { id: 1, name: "stage", unique: false };

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

    /// The same in the stage where it belongs, without a later certificate.
    pub(super) fn placed(self, now: Timestamp) -> Self {
        Self { stage: stage_of(self.state(now)), ..self }
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
            Stage::New | Stage::Waiting | Stage::Due | Stage::Late | Stage::Vanished => moved.placed(now),
        }
    }

    /// When it is to be looked at next.
    fn moment(&self) -> Timestamp {
        match &self.stage {
            Stage::New => Timestamp::from_millis(0),
            Stage::Waiting => self.due,
            Stage::Due => self.late,
            Stage::Late => self.not_after,
            Stage::Vanished => self.not_after.plus(VANISHED_KEPT),
            Stage::Renewed { look, .. } => *look,
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
        let key = KeyBuilder::new().bytes(&[self.stage.byte()]).time(self.moment()).build();
        vec![IndexKey { index: Self::BY_STAGE, key }]
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
