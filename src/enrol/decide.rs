//! An operator's decision on a request that waits: the policy is asked again, and exactly the bytes that came in are
//! certified (CSR-58); of two decisions at once one wins (ADMINJSON-35); nobody decides on his own (ADMINJSON-36).

use crate::audit::Actor;
use crate::ca::issue::IssueError;
use crate::ca::{Issued, issue};
use crate::enrol::approve::{approved_request, decided};
use crate::enrol::authorize::{Grant, still_renewable};
use crate::enrol::records::{RequestRecord, RequestState, TransactionRecord, TransactionResult};
use crate::enrol::{Desk, Proof, policy, queue};
use crate::error::{Error, Kind, Result};
use crate::id::{RecordId, Serial};
use crate::store::{Stored, Unit};
use crate::x509::csr::{Csr, Leniency};

const MAX_COMMENT: usize = 500;

/// Approves and issues. Errors: `not-found`, `state-conflict` (decided already, or by another meanwhile),
/// `request-changed`, `self-approval`, `invalid-comment`, and what policy says now.
pub async fn approve_request(
    desk: &Desk,
    id: RecordId,
    operator: &str,
    comment: Option<String>,
) -> Result<Issued> {
    approve_request_with(desk, id, operator, comment, Unit::new()).await
}

/// As [`approve_request`], writing `alongside` in the same commit.
pub async fn approve_request_with(
    desk: &Desk,
    id: RecordId,
    operator: &str,
    comment: Option<String>,
    alongside: Unit,
) -> Result<Issued> {
    let stored = undecided(desk, id, operator, comment.as_deref()).await?;
    let csr = Csr::from_der(&stored.value.csr, Leniency::Device)?;
    if csr.digest() != stored.value.csr_digest {
        return Err(Error::conflict("request-changed", "the request is not the one that came in"));
    }
    let set = desk.profiles.current();
    let proof = Proof::Operator { name: operator.to_owned() };
    let profile = policy::usable_profile(&set, &stored.value.profile, &proof, None)?;
    let wanted = policy::hold(desk, &set, profile, &csr, &proof).await?;
    let grant = match &stored.value.renews {
        Some(serial) => still_renewable(desk, serial, &wanted).await?,
        None => Grant::default(),
    };
    let transaction = transaction(desk, &stored.value).await?;
    let claim = |unit: &mut Unit, serial: &Serial| {
        unit.append(alongside);
        let state = RequestState::Issued(serial.clone());
        write_decision(desk, unit, &stored, state, operator, comment)?;
        if let Some(found) = transaction {
            let result = TransactionResult::Issued(serial.clone());
            unit.replace(&TransactionRecord { result, ..found.value }, found.revision)?;
        }
        Ok(())
    };
    let order = approved_request(desk, wanted, &csr, &stored.value, &grant, operator, claim)?;
    match issue(&desk.authority, *order).await {
        Ok(issued) => Ok(issued),
        Err(IssueError::Claimed { .. }) => Err(decided_meanwhile()),
        Err(IssueError::Failed(e)) => Err(e),
    }
}

/// Denies. Errors: `not-found`, `state-conflict`, `self-approval`, `invalid-comment`.
pub async fn deny_request(
    desk: &Desk,
    id: RecordId,
    operator: &str,
    comment: Option<String>,
) -> Result<RequestRecord> {
    deny_request_with(desk, id, operator, comment, Unit::new()).await
}

/// As [`deny_request`], writing `alongside` in the same commit.
pub async fn deny_request_with(
    desk: &Desk,
    id: RecordId,
    operator: &str,
    comment: Option<String>,
    alongside: Unit,
) -> Result<RequestRecord> {
    let stored = undecided(desk, id, operator, comment.as_deref()).await?;
    let mut unit = alongside;
    let denied = write_decision(desk, &mut unit, &stored, RequestState::Denied, operator, comment)?;
    desk.authority.db.commit(unit).await?;
    Ok(denied)
}

async fn undecided(
    desk: &Desk,
    id: RecordId,
    operator: &str,
    comment: Option<&str>,
) -> Result<Stored<RequestRecord>> {
    let too_long = |text: &str| text.chars().count() > MAX_COMMENT || text.chars().any(char::is_control);
    if comment.is_some_and(too_long) {
        let text = "a comment is one line of at most 500 characters";
        return Err(Error::invalid("invalid-comment", text).at("/comment"));
    }
    let stored = desk.authority.db.require::<RequestRecord>(id.as_bytes(), id).await?;
    if stored.value.state != RequestState::Pending {
        return Err(Error::conflict("state-conflict", "the request was decided already"));
    }
    if stored.value.requester == Actor::Operator(operator.to_owned()).to_string() {
        let text = "who asked for a certificate does not decide on it";
        return Err(Error::new(Kind::Forbidden, "self-approval", text));
    }
    Ok(stored)
}

fn write_decision(
    desk: &Desk,
    unit: &mut Unit,
    stored: &Stored<RequestRecord>,
    state: RequestState,
    operator: &str,
    comment: Option<String>,
) -> Result<RequestRecord> {
    let verb = match state {
        RequestState::Issued(_) => "approve",
        RequestState::Denied => "deny",
        RequestState::Pending => return Err(Error::internal("pending is no decision")),
    };
    let decided_by = Some(operator.to_owned());
    let record = RequestRecord { state, comment, decided_by, ..stored.value.clone() };
    unit.replace(&record, stored.revision)?;
    unit.items.push(queue::waiting(-1));
    unit.event(decided(desk.authority.clock.now(), operator, verb, &record));
    Ok(record)
}

async fn transaction(desk: &Desk, record: &RequestRecord) -> Result<Option<Stored<TransactionRecord>>> {
    match &record.transaction {
        Some(key) => desk.authority.db.get::<TransactionRecord>(key).await,
        None => Ok(None),
    }
}

fn decided_meanwhile() -> Error {
    Error::conflict("state-conflict", "the request was decided by another meanwhile")
}
