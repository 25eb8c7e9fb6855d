//! Which certificates are to be renewed: due, late, or vanished (expired without having been renewed).
//!
//! Each certificate that is issued gets a small record, in the same write, that stands in one ordered index under the
//! moments at which it is due, late and expired; a renewal takes the one before out of it. So a list is the part of that
//! index up to now, and costs by what it finds, however many certificates there are. A round of the worker takes out
//! those that were enrolled anew instead of renewed, or were revoked; a list passes them over by itself.

use serde::{Deserialize, Serialize};

use crate::ca::profile::{Profile, RenewalPoints};
use crate::ca::records::CertificateRecord;
use crate::ca::renewal::records::RenewalRecord;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::Serial;
use crate::store::{Unit, When};

mod catch_up;
pub mod list;
pub mod records;
mod round;
mod successor;
pub mod supersede;
mod write;

pub use catch_up::catch_up;
pub use round::round;

/// How a certificate stands towards its renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Not due yet.
    Waiting,
    /// Past its profile's due point.
    Due,
    /// Past its late point.
    Late,
    /// Expired, and not renewed.
    Vanished,
}

impl State {
    /// As API and command line name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Due => "due",
            Self::Late => "late",
            Self::Vanished => "vanished",
        }
    }
}

/// Adds to the unit that records a certificate: from now on it is watched. Its moments are found by the next round.
/// Errors: `internal`.
pub fn watch_later(unit: &mut Unit, certificate: &CertificateRecord) -> Result<()> {
    unit.put(&RenewalRecord::new(certificate, RenewalPoints::default()), When::Always).map(drop)
}

/// Adds to the unit that records a certificate: from now on it is watched, by its profile's points. Errors: `internal`.
pub fn watch(
    unit: &mut Unit,
    certificate: &CertificateRecord,
    points: RenewalPoints,
    now: Timestamp,
) -> Result<()> {
    unit.put(&RenewalRecord::new(certificate, points).placed(now), When::Always).map(drop)
}

/// Adds to the unit that renews a certificate: it is due no more. Errors: `internal`.
pub fn renewed(
    unit: &mut Unit,
    old: &CertificateRecord,
    profile: &Profile,
    by: &Serial,
    now: Timestamp,
) -> Result<()> {
    let record = RenewalRecord::new(old, profile.renewal().points);
    unit.put(&record.renewed_by(by.clone(), now), When::Always).map(drop)
}
