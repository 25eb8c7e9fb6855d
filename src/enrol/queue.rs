//! Requests that wait for an operator, and the decision on them: the policy is asked again, and exactly the bytes that came in are
//! certified (CSR-58); of two decisions at once one wins (ADMINJSON-35); nobody decides on his own (ADMINJSON-36).

use crate::audit::{Actor, Event};
use crate::ca::issue::IssueError;
use crate::ca::{Issued, issue};
use crate::clock::Timestamp;
use crate::enrol::approve::approved_request;
use crate::enrol::authorize::{Grant, still_renewable};
use crate::enrol::policy::Wanted;
use crate::enrol::records::{
    ReplyPasswordRecord, RequestRecord, RequestState, TransactionRecord, TransactionResult,
};
use crate::enrol::transaction::kept_until;
use crate::enrol::{Application, Desk, Proof, keep, policy, succeed};
use crate::error::{Error, Kind, Result};
use crate::id::{RecordId, Serial};
use crate::store::{Stored, Unit, When};
use crate::x509::csr::{Csr, Leniency};

const MAX_COMMENT: usize = 500;

/// Approves a request: what it asked for is issued, in the same write as the decision.
/// Errors: `not-found`, `state-conflict` (decided already, or by another meanwhile), `request-changed`,
/// `self-approval` for the requester, `invalid-comment`, and what policy says now.
pub async fn approve(
    desk: &Desk,
    id: RecordId,
    comment: Option<String>,
    actor: Actor,
) -> Result<(RequestRecord, Issued)> {
    let stored = undecided(desk, id, comment.as_deref()).await?;
    if stored.value.requester == actor.to_string() {
        let text = "who asked for a certificate does not approve it";
        return Err(Error::new(Kind::Forbidden, "self-approval", text));
    }
    let csr = Csr::from_der(&stored.value.csr, Leniency::KEPT)?;
    if csr.digest() != stored.value.csr_digest {
        return Err(Error::conflict("request-changed", "the request is not the one that came in"));
    }
    let csr = Application::from(csr);
    let (wanted, grant) = judge(desk, &stored.value, &csr, &actor).await?;
    let serial = Serial::new(desk.authority.clock.now(), &desk.authority.random)?;
    let mut unit = Unit::new();
    let state = RequestState::Issued(serial.clone());
    let decided = write_decision(desk, &mut unit, &stored, state, comment, &actor)?;
    let expires = kept_until(desk.authority.clock.now(), &wanted.profile);
    bind_transaction(desk, &mut unit, &stored.value, &serial, expires).await?;
    succeed::write(desk, &mut unit, &grant, &wanted.profile, &serial)?;
    let order = approved_request(desk, wanted, &csr, &stored.value, &grant, actor, (unit, serial))?;
    match issue(&desk.authority, *order).await {
        Ok(issued) => Ok((decided, issued)),
        Err(IssueError::Claimed { .. }) => {
            Err(Error::conflict("state-conflict", "the request was decided by another meanwhile"))
        }
        Err(IssueError::Failed(e)) => Err(e),
    }
}

/// Denies a request. Errors: `not-found`, `state-conflict` if it was decided, `invalid-comment`.
pub async fn deny(desk: &Desk, id: RecordId, comment: Option<String>, actor: Actor) -> Result<RequestRecord> {
    let stored = undecided(desk, id, comment.as_deref()).await?;
    let mut unit = Unit::new();
    let denied = write_decision(desk, &mut unit, &stored, RequestState::Denied, comment, &actor)?;
    desk.authority.db.commit(unit).await?;
    Ok(denied)
}

/// The policy as it stands now, and the certificate that is renewed as it stands now.
async fn judge(
    desk: &Desk,
    record: &RequestRecord,
    csr: &Application,
    actor: &Actor,
) -> Result<(Wanted, Grant)> {
    let set = desk.profiles.current();
    let proof = Proof::Operator { name: actor.to_string(), renews: None };
    let profile = policy::usable_profile(desk, &set, &record.profile, &proof, None)?;
    let wanted = policy::hold(desk, &set, profile, csr, &proof).await?;
    let grant = match &record.renews {
        Some(serial) => still_renewable(desk, serial, &wanted).await?,
        None => Grant::default(),
    };
    Ok((wanted, grant))
}

async fn undecided(desk: &Desk, id: RecordId, comment: Option<&str>) -> Result<Stored<RequestRecord>> {
    let too_long = |text: &str| text.chars().count() > MAX_COMMENT || text.chars().any(char::is_control);
    if comment.is_some_and(too_long) {
        let text = "a comment is one line of at most 500 characters";
        return Err(Error::invalid("invalid-comment", text).at("/comment"));
    }
    let stored = desk.authority.db.require::<RequestRecord>(id.as_bytes(), id).await?;
    if stored.value.state != RequestState::Pending {
        return Err(Error::conflict("state-conflict", "the request was decided already"));
    }
    Ok(stored)
}

fn write_decision(
    desk: &Desk,
    unit: &mut Unit,
    stored: &Stored<RequestRecord>,
    state: RequestState,
    comment: Option<String>,
    actor: &Actor,
) -> Result<RequestRecord> {
    let verb = match state {
        RequestState::Issued(_) => "approve",
        RequestState::Denied => "deny",
        RequestState::Pending => return Err(Error::internal("pending is no decision")),
    };
    let decided_by = Some(actor.to_string());
    let record = RequestRecord { state, comment, decided_by, ..stored.value.clone() };
    unit.replace(&record, stored.revision)?;
    unit.items.extend(keep::waiting(-1, &record));
    if let (RequestState::Denied, Some(transaction)) = (&record.state, &record.transaction) {
        unit.delete::<ReplyPasswordRecord>(transaction, When::Always);
    }
    unit.event(event(desk.authority.clock.now(), actor.clone(), verb, &record));
    Ok(record)
}

async fn bind_transaction(
    desk: &Desk,
    unit: &mut Unit,
    record: &RequestRecord,
    serial: &Serial,
    expires: Timestamp,
) -> Result<()> {
    let Some(key) = &record.transaction else {
        return Ok(());
    };
    if let Some(found) = desk.authority.db.get::<TransactionRecord>(key).await? {
        let result = TransactionResult::Issued(serial.clone());
        let expires = Some(expires);
        unit.replace(&TransactionRecord { result, expires, ..found.value }, found.revision)?;
    }
    Ok(())
}

fn event(at: Timestamp, actor: Actor, verb: &str, record: &RequestRecord) -> Event {
    let event = Event::new(at, actor, &format!("request.{verb}"), format!("request:{}", record.id))
        .with("profile", &record.profile)
        .with("subject", &record.subject)
        .with("requester", &record.requester);
    match &record.comment {
        Some(comment) => event.with("comment", comment),
        None => event,
    }
}
