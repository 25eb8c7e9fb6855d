//! `POST /certificates/batch`: many requests at once, each decided on its own.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::issue::{Wanted, described, moment, request};
use super::types::{BatchItem, BatchOutcome, BatchReport, NewBatch};
use crate::admin::api::Shared;
use crate::admin::api::auth::Caller;
use crate::admin::api::body::{BatchBody, Body};
use crate::admin::api::idempotency::{Claim, claim};
use crate::admin::api::json::{self, Fields};
use crate::admin::api::problem::{Answer, Problem, Refusals};
use crate::admin::records::Kept;
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::enrol::{self, Desk, Outcome, Transaction};
use crate::error::{Error, Result};
use crate::id::ProfileId;
use crate::store::Unit;

/// Requests of one batch.
pub const MOST: usize = 100;
/// Requests of one batch that are worked on at once: enough for the committer to group, too few to fill the pool's
/// queue alone.
const AT_ONCE: usize = 32;

/// Issues up to 100 certificates, each decided on its own: one that is refused stops no other. A repeated
/// Idempotency-Key answers with the same certificates. The answer names them in the order of the request.
#[utoipa::path(post, path = "/api/v1/certificates/batch", tag = "certificates", request_body = NewBatch,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "What became of each", body = BatchReport), Refusals))]
pub async fn create(State(state): Shared, caller: Caller, BatchBody(body): BatchBody) -> Answer {
    caller.may(Permission::CertificatesIssue).await?;
    let batch: NewBatch = body.json()?;
    let claim = claim(state.now(), &caller, &body, Kept::Enrolment);
    reserve(&state, claim.as_ref()).await?;
    let outcomes = work(&state, &Arc::new(caller), &body, claim.as_ref(), batch).await?;
    json::answer(StatusCode::OK, &report(outcomes))
}

/// Binds the key to this body, before any of its requests is decided.
async fn reserve(state: &Service, claim: Option<&Claim>) -> Answer<()> {
    let db = &state.desk.authority.db;
    let unit = Claim::alongside(claim, db).await?;
    if !unit.items.is_empty() {
        db.commit(unit).await.map_err(Error::from)?;
    }
    Ok(())
}

async fn work(
    state: &Arc<Service>,
    caller: &Arc<Caller>,
    body: &Body,
    claim: Option<&Claim>,
    batch: NewBatch,
) -> Result<Vec<BatchOutcome>> {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut outcomes: Vec<_> =
        batch.items.iter().map(|item| BatchOutcome::named(item.name.clone())).collect();
    let mut running = JoinSet::new();
    for (place, item) in batch.items.into_iter().enumerate() {
        let transaction = body.key.as_deref().zip(claim).map(|(key, claim)| Transaction {
            id: format!("api:{}:{key}:{place}", caller.token.id),
            signer_key: claim.request(),
        });
        let (state, caller, turns) = (state.clone(), caller.clone(), turns.clone());
        running.spawn(async move {
            let _turn = turns.acquire_owned().await;
            (place, one(&state, &caller, item, transaction).await)
        });
    }
    while let Some(ended) = running.join_next().await {
        let (place, outcome) = ended.map_err(|e| Error::internal("a request's work broke off").because(e))?;
        outcomes[place].set(&state.desk, outcome);
    }
    Ok(outcomes)
}

async fn one(
    state: &Service,
    caller: &Caller,
    item: BatchItem,
    transaction: Option<Transaction>,
) -> Result<Outcome> {
    let profile = item.profile.unwrap_or_default();
    let wanted = Wanted {
        profile: profile.parse().map_err(|e: Error| e.at("/profile"))?,
        csr: item.csr.into_bytes(),
        not_after: moment(item.not_after.as_deref())?,
        renews: None,
    };
    let _attended = state.desk.authority.pool.attend();
    let request = request(&state.desk, wanted, caller, transaction).await?;
    enrol::enrol_with(&state.desk, request, Unit::new()).await
}

fn report(items: Vec<BatchOutcome>) -> BatchReport {
    let count = |outcome: &str| items.iter().filter(|i| i.outcome == outcome).count();
    BatchReport { issued: count(ISSUED), pending: count(PENDING), refused: count(REFUSED), items }
}

const ISSUED: &str = "issued";
const PENDING: &str = "pending";
const REFUSED: &str = "refused";

impl BatchOutcome {
    fn named(name: Option<String>) -> Self {
        Self { name, outcome: REFUSED.to_owned(), certificate: None, request: None, problem: None }
    }

    fn set(&mut self, desk: &Desk, outcome: Result<Outcome>) {
        match outcome {
            Ok(Outcome::Issued(issued)) => {
                self.outcome = ISSUED.to_owned();
                self.certificate = Some(described(desk, &issued));
            }
            Ok(Outcome::Pending(id)) => {
                self.outcome = PENDING.to_owned();
                self.request = Some(id.to_string());
            }
            Err(e) => self.problem = Some(Problem::from(e)),
        }
    }
}

impl json::Body for NewBatch {
    const FIELDS: &'static [&'static str] = &["profile", "items"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let profile = fields.name::<ProfileId>("profile")?.map(String::from);
        let items = fields.objects("items", MOST, &["name", "profile", "csr", "not_after"])?;
        if items.is_empty() {
            return Err(fields.missing("items"));
        }
        let items =
            items.into_iter().map(|item| read_item(item, profile.as_deref())).collect::<Result<_>>()?;
        Ok(Self { profile, items })
    }
}

fn read_item(mut fields: Fields<'_>, profile: Option<&str>) -> Result<BatchItem> {
    let own = fields.name::<ProfileId>("profile")?.map(String::from);
    let profile = own.or_else(|| profile.map(str::to_owned)).ok_or_else(|| fields.missing("profile"))?;
    Ok(BatchItem {
        name: fields.line("name")?,
        profile: Some(profile),
        csr: fields.required_pem("csr")?,
        not_after: fields.line("not_after")?,
    })
}
