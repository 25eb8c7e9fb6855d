//! Refusals leave a trace in the audit log: best effort, and bounded, so that nobody fills the disk with them.

use std::net::IpAddr;

use crate::audit::{Actor, Event, Outcome};
use crate::enrol::{Desk, Request};
use crate::error::{Error, Kind};
use crate::id::ProfileId;
use crate::store::Unit;
use crate::x509::name::Name;

/// Records why a request was refused; failures of ours are for the log alone.
pub(super) async fn record(desk: &Desk, request: &Request, error: &Error) {
    if !is_refusal(error.kind()) {
        return;
    }
    let reason = (error.code(), error.detail());
    let subject = Some(request.csr.subject());
    write(desk, request.actor.clone(), &request.profile, request.address, reason, subject).await;
}

/// Records a refusal by code and rule; one of a message that was not opened has no subject.
pub(super) async fn write(
    desk: &Desk,
    actor: Actor,
    profile: &ProfileId,
    address: Option<IpAddr>,
    (code, rule): (&'static str, &str),
    subject: Option<&Name>,
) {
    let now = desk.authority.clock.now();
    let Some(unwritten) = desk.throttle.admit_refusal(now, address, code) else {
        return;
    };
    let mut event = Event::new(now, actor, "enrol.refuse", format!("profile:{profile}"))
        .outcome(Outcome::Refused)
        .with("code", code)
        .with("rule", rule);
    if let Some(subject) = subject {
        event = event.with("subject", subject);
    }
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
