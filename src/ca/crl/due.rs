//! When the next CRL of a scope is due.

use std::time::Duration;

use crate::ca::records::{RevocationRecord, Scope};
use crate::ca::{Authority, LoadedCa};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::Record;

/// A clock that was set back by more than this makes the CRLs anew (REVOCATION-45).
const TOLERANCE: Duration = Duration::from_secs(60);
/// A publication may take at most one part in so many of the time, but for a key that was compromised.
const SHARE: u32 = 5;

/// What a scope needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing.
    Nothing,
    /// Something was revoked or released.
    Changed,
    /// The complete CRL has used half of its window, or was made by other settings.
    Aged,
    /// The delta CRL has used half of its window.
    Delta,
}

/// What a scope needs now. Errors: `storage`.
pub(super) async fn due(authority: &Authority, ca: &LoadedCa, scope: &Scope) -> Result<Due> {
    let Some(shown) = authority.published.complete(scope) else { return Ok(Due::Aged) };
    let counter = RevocationRecord::counter_key(&scope.ca, scope.shard);
    if authority.db.raw().counter(RevocationRecord::KIND, &counter).await? > shown.covers {
        return Ok(Due::Changed);
    }
    let now = authority.clock.now();
    let settings = &ca.crl.value;
    let window = settings.window(ca.record.role).min(shown.next_update.since(shown.this_update));
    if shown.settings != ca.crl.revision || is_half_used(shown.this_update, window, now) {
        return Ok(Due::Aged);
    }
    let Some(good_for) = settings.delta.map(Duration::from_secs) else { return Ok(Due::Nothing) };
    Ok(match authority.published.delta(scope) {
        None => Due::Aged,
        Some(delta) if is_half_used(delta.this_update, good_for, now) => Due::Delta,
        Some(_) => Due::Nothing,
    })
}

/// How long a scope still rests after its last publication (when that was there, how long it took), so that many revocations of a large one do not keep the machine
/// busy: four times as long as that took, or as long if a key was compromised. None: no longer.
pub(super) fn rest((at, took): (Timestamp, Duration), now: Timestamp, is_urgent: bool) -> Option<Duration> {
    let end = at.plus(if is_urgent { took } else { took * (SHARE - 1) });
    // Where the clock was set back, nothing rests.
    (at <= now && now < end).then(|| end.since(now))
}

fn is_half_used(this_update: Timestamp, window: Duration, now: Timestamp) -> bool {
    let is_of_future = now.plus(TOLERANCE) < this_update;
    if is_of_future {
        tracing::warn!(%this_update, %now, "the clock was set back: a CRL from later is made anew");
    }
    is_of_future || this_update.plus(window / 2) <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_costly_crl_rests_in_proportion_and_a_compromised_key_hardly() {
        let made = (Timestamp::from_secs(1_000), Duration::from_secs(2));
        let after = |seconds: i64| Timestamp::from_secs(1_000 + seconds);
        let left = |seconds, urgent| rest(made, after(seconds), urgent).map(|d| d.as_secs());
        assert_eq!((left(0, false), left(7, false), left(8, false)), (Some(8), Some(1), None));
        assert_eq!((left(0, true), left(2, true)), (Some(2), None));
        assert_eq!(left(-1, false), None, "the clock was set back");
        assert_eq!(rest((made.0, Duration::ZERO), made.0, false), None, "a quick one never rests");
    }
}
