//! When a certificate is to be renewed, and what becomes of the one before (`[renewal]`).

use std::time::Duration;

use crate::ca::profile::duration;
use crate::ca::profile::faults::Faults;
use crate::ca::profile::raw::RawRenewal;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// Due from here on, unless the profile says otherwise: two thirds of the validity, in millionths.
const USUAL_DUE: u32 = 660_000;
/// Late from here on, unless the profile says otherwise.
const USUAL_LATE: u32 = 900_000;
const WHOLE: u32 = 1_000_000;
const LONGEST_GRACE: Duration = Duration::from_secs(3653 * 86_400);

/// The two points of a validity that renewal goes by, in millionths of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenewalPoints {
    due: u32,
    late: u32,
}

impl Default for RenewalPoints {
    /// For a certificate whose profile is not there: two thirds, and nine tenths.
    fn default() -> Self {
        Self { due: USUAL_DUE, late: USUAL_LATE }
    }
}

impl RenewalPoints {
    /// From when on a certificate of this validity is due.
    pub fn due(self, not_before: Timestamp, not_after: Timestamp) -> Timestamp {
        point(self.due, not_before, not_after)
    }

    /// From when on it is late.
    pub fn late(self, not_before: Timestamp, not_after: Timestamp) -> Timestamp {
        point(self.late, not_before, not_after)
    }

    /// Both, in millionths of the validity.
    pub fn parts(self) -> (u32, u32) {
        (self.due, self.late)
    }
}

fn point(part: u32, not_before: Timestamp, not_after: Timestamp) -> Timestamp {
    let life = not_after.since(not_before);
    not_before.plus(life.mul_f64(f64::from(part) / f64::from(WHOLE)))
}

/// What `[renewal]` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenewalRules {
    /// When a certificate is due, and late.
    pub points: RenewalPoints,
    /// Whether it may be renewed before it is due.
    pub early: bool,
    /// Whether a renewal may keep its key.
    pub key_reuse: bool,
    /// The one before is revoked so long after it was renewed; none: it lives on to its end.
    pub revoke_superseded_after: Option<Duration>,
}

/// Checks `[renewal]`, noting every fault.
pub(super) fn rules(raw: &RawRenewal, faults: &mut Faults<'_>) -> Option<RenewalRules> {
    let due = due(raw, faults);
    let late = raw.late.as_deref().map(|text| faults.take(&["renewal", "late"], percent(text)));
    let grace = raw.revoke_superseded_after.as_deref().map(|text| grace(text, faults));
    let due = due?;
    let late = match late {
        Some(late) => late?,
        // Where certificates are due later than is usual, they are late halfway from there to the end.
        None => USUAL_LATE.max(due.midpoint(WHOLE)),
    };
    if late <= due {
        faults.rule(&["renewal", "late"], "out-of-range", "renewal.late lies behind renewal.due");
        return None;
    }
    let revoke_superseded_after = match grace {
        Some(grace) => Some(grace?),
        None => None,
    };
    let points = RenewalPoints { due, late };
    Some(RenewalRules { points, early: raw.early, key_reuse: raw.key_reuse, revoke_superseded_after })
}

/// `due = "66%"`, or as it was written before, `from = 0.66`.
fn due(raw: &RawRenewal, faults: &mut Faults<'_>) -> Option<u32> {
    match (raw.due.as_deref(), raw.from) {
        (Some(_), Some(_)) => {
            let rule = "renewal.due and renewal.from say the same: keep due";
            faults.rule(&["renewal", "from"], "bad-profile", rule);
            None
        }
        (Some(text), None) => faults.take(&["renewal", "due"], percent(text)),
        (None, Some(from)) if from > 0.0 && from < 1.0 => Some((from * f64::from(WHOLE)).round() as u32),
        (None, Some(_)) => {
            faults.rule(&["renewal", "from"], "out-of-range", "renewal.from lies between 0 and 1");
            None
        }
        (None, None) => Some(USUAL_DUE),
    }
}

/// Reads `66%` or `66.5%` as millionths. Errors: `out-of-range`.
fn percent(text: &str) -> Result<u32> {
    let bad = || {
        Error::invalid("out-of-range", "a point of the validity is a percentage between 0 and 100, as 66%")
    };
    let digits = text.strip_suffix('%').ok_or_else(bad)?;
    let plain = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let part = digits.parse::<f64>().ok().filter(|_| plain).ok_or_else(bad)?;
    let millionths = (part * f64::from(WHOLE / 100)).round() as u32;
    if (1..WHOLE).contains(&millionths) { Ok(millionths) } else { Err(bad()) }
}

fn grace(text: &str, faults: &mut Faults<'_>) -> Option<Duration> {
    let path = ["renewal", "revoke_superseded_after"];
    let grace = faults.take(&path, duration::parse(text))?;
    if grace > LONGEST_GRACE {
        faults.rule(&path, "out-of-range", "renewal.revoke_superseded_after is at most 3653d");
        return None;
    }
    Some(grace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_percentages() {
        assert_eq!(percent("66%").unwrap(), 660_000);
        assert_eq!(percent("66.5%").unwrap(), 665_000);
        for bad in ["66", "0%", "100%", "101%", "-1%", "6 %", "%", "1e1%", "NaN%", "0.66", "66.6666666%"] {
            assert_eq!(percent(bad).unwrap_err().code(), "out-of-range", "{bad}");
        }
    }

    #[test]
    fn the_points_of_a_validity() {
        let at = Timestamp::from_secs;
        let points = RenewalPoints { due: 800_000, late: 900_000 };
        assert_eq!((points.due(at(0), at(1000)), points.late(at(0), at(1000))), (at(800), at(900)));
    }
}
