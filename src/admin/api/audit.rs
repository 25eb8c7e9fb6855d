//! `/audit`: what happened, and whether the log is whole.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Caller;
use super::body::Body;
use super::json::{self, Fields};
use super::look::{self, Looking};
use super::page::{self, Page};
use super::problem::{Answer, Refusals};
use super::query::Query;
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::audit::{Entry, Outcome};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::AuditFilter;

mod types;
mod window;

pub use types::{AuditEntry, AuditFinding, SignedHead, Verified, Verify};

use window::Window;

const NAME: &str = "audit-verify";

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify, verified)).routes(routes!(head))
}

/// Entries, newest first; by subject or by action, exactly, and by time.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit",
    params(("subject" = Option<String>, Query), ("action" = Option<String>, Query),
        ("since" = Option<String>, Query), ("until" = Option<String>, Query),
        ("before" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, description = "Entries", body = Page<AuditEntry>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::AuditRead).await?;
    let (filter, window) = filter(query)?;
    let (entries, next) = window.entries(&state.desk.authority.db, filter).await?;
    let next = next.map(|seq| seq.to_string());
    json::answer(StatusCode::OK, &Page { items: entries.into_iter().map(entry).collect(), next })
}

/// Verifies the chain, and the log against a head that was kept elsewhere.
#[utoipa::path(post, path = "/api/v1/audit/verify", tag = "audit", request_body = Verify,
    responses((status = 200, description = "What was found", body = Verified),
        (status = 202, description = "It goes on: ask for its end", body = Looking), Refusals))]
pub async fn verify(State(state): Shared, caller: Caller, body: Body) -> Answer {
    caller.may(Permission::AuditRead).await?;
    let Verify { head } = body.json_or_empty()?;
    look::begin(&state, NAME, |inspector| inspector.verify(head)).await
}

/// The end of the newest verification.
#[utoipa::path(get, path = "/api/v1/audit/verify", tag = "audit",
    responses((status = 200, description = "What was found", body = Verified),
        (status = 202, description = "It goes on: ask again", body = Looking), Refusals))]
pub async fn verified(State(state): Shared, caller: Caller) -> Answer {
    caller.may(Permission::AuditRead).await?;
    look::newest(&state, NAME).await
}

/// The last signed head, to be kept elsewhere.
#[utoipa::path(get, path = "/api/v1/audit/head", tag = "audit",
    responses((status = 200, description = "The head", body = SignedHead), Refusals))]
pub async fn head(State(state): Shared, caller: Caller) -> Answer {
    caller.may(Permission::AuditRead).await?;
    let inspector = state.inspector.clone();
    let task = tokio::task::spawn_blocking(move || inspector.head());
    let head = task.await.unwrap_or_else(|e| Err(Error::internal("reading the head").because(e)))?;
    json::answer(StatusCode::OK, &head)
}

impl json::Body for Verify {
    const FIELDS: &'static [&'static str] = &["head"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let known = ["seq", "hash", "at", "key_id", "signature"];
        let Some(mut head) = fields.object("head", &known)? else { return Ok(Self { head: None }) };
        let seq = head.integer("seq", 0..=u64::MAX)?.ok_or_else(|| head.missing("seq"))?;
        Ok(Self {
            head: Some(SignedHead {
                seq,
                hash: head.required_line("hash")?,
                at: head.required_line("at")?,
                key_id: head.required_line("key_id")?,
                signature: head.required_line("signature")?,
            }),
        })
    }
}

fn filter(query: Query) -> Result<(AuditFilter, Window)> {
    let mut query = query.only(&["subject", "action", "since", "until", "before", "limit"])?;
    let bad = || Error::invalid("invalid-cursor", "before is an entry's number");
    let filter = AuditFilter {
        subject: query.take("subject"),
        action: query.take("action"),
        before: query.parsed("before", |b| b.parse().map_err(|_| bad()))?,
        limit: page::limit(query.take("limit").as_deref())?,
    };
    if filter.subject.is_some() && filter.action.is_some() {
        let hint = "filter by subject or by action, not by both";
        return Err(Error::invalid("unsupported-filter", hint));
    }
    let window = Window {
        since: query.parsed("since", Timestamp::parse)?,
        until: query.parsed("until", Timestamp::parse)?,
    };
    Ok((filter, window))
}

fn entry(entry: Entry) -> AuditEntry {
    let outcome = match entry.event.outcome {
        Outcome::Done => "done",
        Outcome::Refused => "refused",
        Outcome::Warning => "warning",
    };
    AuditEntry {
        seq: entry.seq,
        at: entry.event.at.to_string(),
        actor: entry.event.actor.to_string(),
        action: entry.event.action,
        subject: entry.event.subject,
        outcome: outcome.to_owned(),
        details: entry.event.details,
        hash: json::lower_hex(&entry.hash),
    }
}
