//! `/requests`: what waits for an operator.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Caller;
use super::body::Body;
use super::idempotency;
use super::json::{self, Fields};
use super::page::{self, Cursors, Page};
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use super::{Shared, certificates};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::enrol::queue;
use crate::enrol::records::{RequestRecord, RequestState};
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::store::{PRIMARY, Scan};
use crate::x509::csr::{Csr, Leniency};
use crate::x509::pem;

mod refused;
mod types;

pub use types::{Approved, Decide, Explanation, RefusedRequest, Replayed, Request};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(approve))
        .routes(routes!(deny))
        .routes(routes!(refused::list))
        .routes(routes!(refused::explanation))
        .routes(routes!(refused::run_again))
}

/// Requests, newest first; all, or those in one state.
#[utoipa::path(get, path = "/api/v1/requests", tag = "requests",
    params(("state" = Option<String>, Query, description = "pending, issued or denied"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Requests", body = Page<Request>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::RequestsRead).await?;
    let mut query = query.only(&["state", "limit", "cursor"])?;
    let wanted = query.parsed("state", state_byte)?;
    let cursors = Cursors::new(&caller.token.token_hash, &format!("requests {wanted:?}"));
    let scan = match wanted {
        None => Scan::all::<RequestRecord>(PRIMARY),
        Some(byte) => Scan::all::<RequestRecord>(RequestRecord::BY_STATE).prefix(vec![byte]),
    };
    let scan = scan
        .backward()
        .limit(page::limit(query.take("limit").as_deref())?)
        .after(query.parsed("cursor", |c| cursors.open(c))?);
    let found = state.desk.authority.db.scan::<RequestRecord>(scan).await?;
    let (records, next) = (found.items, found.next);
    let items = state.desk.authority.pool.run(move || records.iter().map(|r| listed(&r.value)).collect());
    json::answer(StatusCode::OK, &Page { items: items.await?, next: next.map(|place| cursors.seal(&place)) })
}

/// One request, with its PKCS#10 as it came.
#[utoipa::path(get, path = "/api/v1/requests/{id}", tag = "requests", params(("id" = String, Path)),
    responses((status = 200, description = "The request", body = Request), Refusals))]
pub async fn show(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::RequestsRead).await?;
    let record = find(&state, known(&id)?).await?;
    let request = state.desk.authority.pool.run(move || shown(&record)).await?;
    json::answer(StatusCode::OK, &request)
}

/// Approves a request: what it asked for is issued.
#[utoipa::path(post, path = "/api/v1/requests/{id}/approve", tag = "requests", request_body = Decide,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The request and its certificate", body = Approved), Refusals))]
pub async fn approve(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::RequestsDecide).await?;
    let (id, Decide { comment }) = (known(&id)?, body.json_or_empty()?);
    idempotency::once(&state.desk.authority.db, state.now(), &caller, &body, async {
        let (record, issued) = queue::approve(&state.desk, id, comment, caller.actor()).await?;
        let certificate = certificates::shown(&issued.record, state.now())?;
        json::answer(StatusCode::OK, &Approved { request: listed(&record), certificate })
    })
    .await
}

/// Denies a request.
#[utoipa::path(post, path = "/api/v1/requests/{id}/deny", tag = "requests", request_body = Decide,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The request", body = Request), Refusals))]
pub async fn deny(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::RequestsDecide).await?;
    let (id, Decide { comment }) = (known(&id)?, body.json_or_empty()?);
    idempotency::once(&state.desk.authority.db, state.now(), &caller, &body, async {
        let record = queue::deny(&state.desk, id, comment, caller.actor()).await?;
        json::answer(StatusCode::OK, &listed(&record))
    })
    .await
}

impl json::Body for Decide {
    const FIELDS: &'static [&'static str] = &["comment"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { comment: fields.line("comment")? })
    }
}

async fn find(state: &Service, id: RecordId) -> Result<RequestRecord> {
    Ok(state.desk.authority.db.require::<RequestRecord>(id.as_bytes(), id).await?.value)
}

fn known(id: &str) -> Result<RecordId> {
    id.parse().map_err(|_| Error::not_found("request", "of that id"))
}

fn state_byte(word: &str) -> Result<u8> {
    match word {
        "pending" => Ok(0),
        "issued" => Ok(1),
        "denied" => Ok(2),
        _ => Err(Error::invalid("invalid-state", "state is one of pending, issued, denied")),
    }
}

fn listed(record: &RequestRecord) -> Request {
    let (state, serial) = match &record.state {
        RequestState::Pending => ("pending", None),
        RequestState::Issued(serial) => ("issued", Some(serial.to_string())),
        RequestState::Denied => ("denied", None),
    };
    Request {
        id: record.id.to_string(),
        profile: record.profile.to_string(),
        subject: record.subject.to_string(),
        sans: names(record),
        requester: record.requester.clone(),
        state: state.to_owned(),
        created: record.id.made_at().to_string(),
        comment: record.comment.clone(),
        decided_by: record.decided_by.clone(),
        serial,
        csr_pem: None,
    }
}

/// The alternative names, read from the request as it came (which was checked then).
fn names(record: &RequestRecord) -> Vec<String> {
    let csr = Csr::from_der(&record.csr, Leniency::KEPT);
    csr.map(|csr| csr.sans().iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// With its PKCS#10.
fn shown(record: &RequestRecord) -> Request {
    Request { csr_pem: Some(pem::encode("CERTIFICATE REQUEST", &record.csr)), ..listed(record) }
}
