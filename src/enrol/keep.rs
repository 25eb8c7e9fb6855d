//! Requests that wait for an operator: kept as received, bounded in number.

use crate::audit::Event;
use crate::enrol::authorize::Grant;
use crate::enrol::policy::Wanted;
use crate::enrol::records::{RequestRecord, RequestState, TransactionResult};
use crate::enrol::transaction::Claim;
use crate::enrol::{Desk, Request};
use crate::error::{Error, Kind, Result};
use crate::id::RecordId;
use crate::store::{CommitError, Item, Record, Unit};

/// As many requests may wait: anybody can ask for a certificate that an operator decides on.
const MAX_WAITING: i64 = 10_000;

/// Keeps a request. Errors: `queue-full`, `state-conflict` if another took the transaction meanwhile.
pub(super) async fn keep(
    desk: &Desk,
    request: &Request,
    wanted: &Wanted,
    claim: Option<Claim>,
    grant: &Grant,
    alongside: &Unit,
) -> Result<RecordId> {
    let authority = &desk.authority;
    let now = authority.clock.now();
    let record = RequestRecord {
        id: RecordId::new(now, &authority.random)?,
        profile: request.profile.clone(),
        csr: request.csr.der().to_vec(),
        subject: wanted.subject.clone(),
        csr_digest: request.csr.digest(),
        requester: request.actor.to_string(),
        transaction: claim.as_ref().map(Claim::key),
        renews: grant.renews(),
        not_after: request.not_after,
        state: RequestState::Pending,
        comment: None,
        decided_by: None,
    };
    let mut unit = alongside.clone();
    unit.insert(&record)?;
    if let Some(claim) = claim {
        claim.write(&mut unit, TransactionResult::Waiting(record.id))?;
    }
    let counter = unit.items.len();
    unit.items.push(waiting(1));
    unit.event(
        Event::new(now, request.actor.clone(), "request.wait", format!("request:{}", record.id))
            .with("profile", &record.profile)
            .with("subject", &record.subject),
    );
    match authority.db.commit(unit).await {
        Ok(_) => Ok(record.id),
        Err(CommitError::Refused { item, .. }) if item == counter => {
            Err(Error::new(Kind::Busy, "queue-full", "too many requests wait for an operator"))
        }
        Err(e) => Err(e.into()),
    }
}

/// Adds to the count of requests that wait.
pub(super) fn waiting(delta: i64) -> Item {
    let key = RequestRecord::WAITING.to_vec();
    Item::Add { kind: RequestRecord::KIND, key, delta, max: MAX_WAITING }
}
