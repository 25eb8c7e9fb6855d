//! Requests that wait for an operator: kept as received, bounded in number.

use crate::audit::{Actor, Event};
use crate::enrol::authorize::Grant;
use crate::enrol::policy::Wanted;
use crate::enrol::records::{RequestRecord, RequestState, TransactionResult};
use crate::enrol::throttle::Who;
use crate::enrol::transaction::Claim;
use crate::enrol::{Desk, Request};
use crate::error::{Error, Kind, Result};
use crate::id::RecordId;
use crate::store::{CommitError, Item, Record, Unit};

/// As many requests may wait: anybody can ask for a certificate that an operator decides on.
const MAX_WAITING: i64 = 10_000;

/// As many of them from one address: or the first to come would take the places of all.
const MAX_WAITING_EACH: i64 = 100;

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
    let from_client = matches!(request.actor, Actor::Client { .. });
    let record = RequestRecord {
        id: RecordId::new(now, &authority.random)?,
        profile: request.profile.clone(),
        csr: request.application.received().to_vec(),
        subject: wanted.subject.clone(),
        csr_digest: request.application.digest(),
        requester: request.actor.to_string(),
        transaction: claim.as_ref().map(Claim::key),
        renews: grant.renews(),
        not_after: request.not_after,
        state: RequestState::Pending,
        comment: None,
        decided_by: None,
        counted_as: request.address.filter(|_| from_client).map(|a| Who::address(a).to_string()),
        issuer: request.issuer.clone(),
    };
    let mut unit = alongside.clone();
    unit.insert(&record)?;
    if let Some(claim) = claim {
        claim.write(&mut unit, TransactionResult::Waiting(record.id))?;
    }
    let counter = unit.items.len();
    unit.items.extend(waiting(1, &record));
    unit.event(
        Event::new(now, request.actor.clone(), "request.wait", format!("request:{}", record.id))
            .with("profile", &record.profile)
            .with("subject", &record.subject),
    );
    match authority.db.commit(unit).await {
        Ok(_) => Ok(record.id),
        Err(CommitError::Refused { item, .. }) if item == counter + 1 => {
            let text = "too many requests from this address wait for an operator";
            Err(Error::new(Kind::Throttled, "queue-full", text))
        }
        Err(CommitError::Refused { item, .. }) if item == counter => {
            Err(Error::new(Kind::Busy, "queue-full", "too many requests wait for an operator"))
        }
        Err(e) => Err(e.into()),
    }
}

/// Adds to the counts of requests that wait: of all, then of the request's address.
pub(super) fn waiting(delta: i64, record: &RequestRecord) -> Vec<Item> {
    let add = |key, max| Item::Add { kind: RequestRecord::KIND, key, delta, max };
    let all = add(RequestRecord::WAITING.to_vec(), MAX_WAITING);
    let each = record.counted_as.as_ref();
    let each = each.map(|address| add(RequestRecord::waiting_from(address), MAX_WAITING_EACH));
    std::iter::once(all).chain(each).collect()
}
