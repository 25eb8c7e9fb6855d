//! Whether the CRLs of a CA are there in time.

use crate::ca::records::Scope;
use crate::ca::{Authority, LoadedCa};
use crate::clock::Timestamp;

/// The CRLs of a CA that are not as they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lateness {
    /// How many are late, out of date or missing.
    pub count: usize,
    /// The one that is worst.
    pub worst: Scope,
    /// When that runs out or ran out; none: it is missing.
    pub next_update: Option<Timestamp>,
    /// Whether it ran out or is missing: who asks for it gets none that is good.
    pub is_out: bool,
}

impl std::fmt::Display for Lateness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.next_update, self.is_out) {
            (None, _) => write!(f, "there is no CRL of {} yet", self.worst)?,
            (Some(at), true) => write!(f, "the CRL of {} is out of date since {at}", self.worst)?,
            (Some(at), false) => write!(f, "the CRL of {} is late: it is good until {at}", self.worst)?,
        }
        if self.count > 1 { write!(f, ", and {} more", self.count - 1) } else { Ok(()) }
    }
}

/// What is late of a CA's CRLs, complete and delta: each is due at half of its window, so three quarters are late.
/// None: nothing.
pub fn lateness(authority: &Authority, ca: &LoadedCa) -> Option<Lateness> {
    let now = authority.clock.now();
    let mut found: Option<Lateness> = None;
    for scope in ca.crl.value.scopes() {
        let complete = authority.published.complete(&scope);
        let delta = authority.published.delta(&scope).filter(|_| ca.crl.value.delta.is_some());
        let next_update = complete.as_ref().map(|crl| crl.next_update);
        let is_late = match &complete {
            None => true,
            Some(crl) => [Some(crl), delta.as_ref()].into_iter().flatten().any(|crl| {
                let quarter = crl.next_update.since(crl.this_update) / 4;
                crl.next_update.minus(quarter) < now
            }),
        };
        if !is_late {
            continue;
        }
        let count = found.as_ref().map_or(0, |f| f.count) + 1;
        let is_out = next_update.is_none_or(|end| end < now);
        let fresh = Lateness { count, worst: scope, next_update, is_out };
        found = Some(match found {
            // A missing one comes first, then the one that runs out first.
            Some(known) if known.next_update <= fresh.next_update => Lateness { count, ..known },
            Some(_) | None => fresh,
        });
    }
    found
}
