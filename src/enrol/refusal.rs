//! Refusals leave a trace in the audit log: best effort, and bounded, so that nobody fills the disk with them.

use crate::audit::{Event, Outcome};
use crate::enrol::{Desk, Request};
use crate::error::{Error, Kind};
use crate::store::Unit;

/// Records why a request was refused; failures of ours are for the log alone.
pub(super) async fn record(desk: &Desk, request: &Request, error: &Error) {
    if !is_refusal(error.kind()) {
        return;
    }
    let now = desk.authority.clock.now();
    let Some(unwritten) = desk.throttle.admit_refusal(now, request.address, error.code()) else {
        return;
    };
    let mut event =
        Event::new(now, request.actor.clone(), "enrol.refuse", format!("profile:{}", request.profile))
            .outcome(Outcome::Refused)
            .with("code", error.code())
            .with("rule", error.detail())
            .with("subject", request.csr.subject());
    if unwritten > 0 {
        event = event.with("refusals-not-recorded", unwritten);
    }
    let unit = Unit { items: Vec::new(), events: vec![event] };
    if let Err(e) = desk.authority.db.commit(unit).await {
        tracing::warn!("a refusal could not be recorded: {}", Error::from(e));
    }
}

fn is_refusal(kind: Kind) -> bool {
    match kind {
        Kind::Malformed
        | Kind::Invalid
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Throttled
        | Kind::TooLarge => true,
        Kind::Busy | Kind::Storage | Kind::Unreachable | Kind::Internal => false,
    }
}
