//! What enrolment keeps only for a while: refused requests, transactions that no copy of a request can ask for any more,
//! and decided requests.

use std::time::Duration;

use crate::enrol::records::{RequestRecord, RequestState, TransactionRecord, TransactionResult};
use crate::enrol::transaction::KEPT;
use crate::enrol::{Desk, refused};
use crate::error::Result;
use crate::id::RecordId;
use crate::store::{Db, Record, Scan, Stored, Unit, When};

/// A decided request is kept so long after it came in; the audit log keeps the decision itself.
const DECIDED_KEPT: Duration = Duration::from_hours(400 * 24);

/// Removes what is due, `batch` records in each durable write; returns how many. For the server's worker.
pub async fn sweep(desk: &Desk, batch: usize) -> Result<usize> {
    let refused = refused::sweep(desk, batch).await?;
    let transactions = transactions(desk, batch).await?;
    let mut requests = 0;
    for state in RequestRecord::DECIDED {
        requests += decided(desk, batch, state).await?;
    }
    Ok(refused + transactions + requests)
}

/// A transaction is due when its certificate has expired: a copy of its request is then a new request anyway.
async fn transactions(desk: &Desk, batch: usize) -> Result<usize> {
    let (db, now) = (&desk.authority.db, desk.authority.clock.now());
    let due = Scan::all::<TransactionRecord>(TransactionRecord::BY_EXPIRY)
        .range(Vec::new(), Some(now.sort_key().to_vec()))
        .limit(batch);
    let mut gone = 0;
    loop {
        // What is not removed is put off, so that each page is a new one.
        let found = db.scan::<TransactionRecord>(due.clone()).await?.items;
        let mut unit = Unit::new();
        for stored in &found {
            if waits(db, &stored.value).await? {
                let expires = Some(now.plus(KEPT));
                unit.replace(&TransactionRecord { expires, ..stored.value.clone() }, stored.revision)?;
            } else {
                unit.delete::<TransactionRecord>(&stored.value.key(), When::Revision(stored.revision));
                gone += 1;
            }
        }
        if !found.is_empty() {
            db.commit(unit).await?;
        }
        if found.len() < batch {
            return Ok(gone);
        }
    }
}

/// Whether an operator has still to decide.
async fn waits(db: &Db, transaction: &TransactionRecord) -> Result<bool> {
    let TransactionResult::Waiting(id) = &transaction.result else { return Ok(false) };
    let request = db.get::<RequestRecord>(id.as_bytes()).await?;
    Ok(request.is_some_and(|stored| stored.value.state == RequestState::Pending))
}

/// Removes decided requests by age, but not one that its transaction still leads to.
async fn decided(desk: &Desk, batch: usize, state: u8) -> Result<usize> {
    let db = &desk.authority.db;
    let oldest = desk.authority.clock.now().minus(DECIDED_KEPT);
    let mut scan = Scan::all::<RequestRecord>(RequestRecord::BY_STATE).prefix(vec![state]).limit(batch);
    let mut gone = 0;
    loop {
        let page = db.scan::<RequestRecord>(scan.clone()).await?;
        let old = page.items.iter().take_while(|stored| stored.value.id.made_at() < oldest);
        let mut unit = Unit::new();
        for stored in old.clone() {
            if !is_led_to(db, stored).await? {
                unit.delete::<RequestRecord>(&stored.value.key(), When::Revision(stored.revision));
            }
        }
        let all_old = old.count() == page.items.len();
        gone += unit.items.len();
        if !unit.items.is_empty() {
            db.commit(unit).await?;
        }
        match page.next {
            Some(next) if all_old => scan.after = Some(next),
            Some(_) | None => return Ok(gone),
        }
    }
}

async fn is_led_to(db: &Db, request: &Stored<RequestRecord>) -> Result<bool> {
    let Some(key) = &request.value.transaction else { return Ok(false) };
    let id: RecordId = request.value.id;
    let transaction = db.get::<TransactionRecord>(key).await?;
    Ok(transaction.is_some_and(|stored| stored.value.result == TransactionResult::Waiting(id)))
}
