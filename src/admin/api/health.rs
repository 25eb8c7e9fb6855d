//! `GET /health`: what an operator should look at.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Caller;
use super::problem::{Answer, Refusals};
use super::{Shared, json};
use crate::admin::state::{FolderState, ListenerState, Listing, OwnCertificate, State as Service};
use crate::ca::records::Role;
use crate::ca::{LoadedCa, crl, rollover};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::keys::Place;
use crate::store::Scan;
use crate::task::{self, TaskRecord};

/// So many tasks that were given up are counted.
const MOST_FAILED: usize = 100;

const DEGRADED: &str = "degraded";

/// The service's health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok` or `degraded`.
    pub status: String,
    /// What was looked at.
    pub checks: Vec<HealthCheck>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthCheck {
    /// Its name, as `store` or `ca rsa-issuing`.
    pub name: String,
    /// `ok`, `warning` (it serves, and ought not to for long) or `degraded`.
    pub status: String,
    /// More.
    pub detail: String,
}

/// The store, the listeners and each CA. Any token may ask.
#[utoipa::path(get, path = "/api/v1/health", tag = "service",
    responses((status = 200, description = "What was found", body = Health), Refusals))]
pub async fn show(State(state): Shared, _caller: Caller) -> Answer {
    let mut health = look(&state);
    health.add(scheduled_work(&state).await?);
    json::answer(StatusCode::OK, &health)
}

impl Health {
    fn add(&mut self, check: HealthCheck) {
        if check.status != "ok" {
            self.status.clone_from(&check.status);
        }
        self.checks.push(check);
    }
}

/// Work that was given up, until somebody runs it again or cancels it.
async fn scheduled_work(state: &Service) -> Result<HealthCheck> {
    let failed = Scan::all::<TaskRecord>(TaskRecord::BY_STATE).prefix(vec![task::State::Failed.byte()]);
    let found = state.desk.authority.db.scan::<TaskRecord>(failed.backward().limit(MOST_FAILED)).await?.items;
    let fault = found.first().map(|newest| {
        let (count, task) = (found.len(), &newest.value);
        let more = if count == MOST_FAILED { " or more" } else { "" };
        let said = task.said.as_deref().unwrap_or_default();
        format!(
            "{count}{more} given up, the newest {} for {} ({said}): signet task list --state failed, then run or cancel",
            task.kind, task.subject
        )
    });
    Ok(check("tasks", fault))
}

fn look(state: &Service) -> Health {
    let db = &state.desk.authority.db;
    let store = db.raw().health().err().map(|e| e.detail().to_owned());
    let listeners = (!state.is_ready()).then(|| "not everything serves yet".to_owned());
    let mut checks =
        vec![check("store", store), check("listeners", listeners), check("audit", state.inspector.fault())];
    for ca in state.desk.authority.hierarchy().all() {
        checks.push(check(&format!("ca {}", ca.record.id), fault(state, ca)));
    }
    for token in state.desk.authority.keys.tokens() {
        checks.push(check(&format!("token {}", token.name), token.fault));
    }
    for own in state.own_certificates() {
        checks.push(identity(&own, state.now()));
    }
    for (profile, source, fault) in state.desk.profiles.sources().health() {
        checks.push(check(&format!("challenges {profile} ({source})"), fault));
    }
    checks.extend(state.listeners().into_iter().map(listener));
    checks.extend(state.folders().into_iter().map(folder));
    let ok = checks.iter().all(|c| c.status != DEGRADED);
    Health { status: word(ok), checks }
}

/// What is wrong with a CA, if something is. A root's key need not be here.
fn fault(state: &Service, ca: &LoadedCa) -> Option<String> {
    let Some(certificate) = &ca.certificate else { return Some("awaits its certificate".to_owned()) };
    if ca.retired.is_some() {
        return None;
    }
    if !certificate.is_valid_at(state.now()) {
        return Some(format!("its certificate is not valid now (until {})", certificate.not_after()));
    }
    if ca.lacks_key() {
        return Some("its key is missing from the key folder: restore it from the backup".to_owned());
    }
    if ca.record.role == Role::Issuing && lies_in_ill_token(state, ca) {
        return Some("its key lies in a token that is not well: see there".to_owned());
    }
    let late = crl::lateness(&state.desk.authority, ca).map(|late| late.to_string());
    late.or_else(|| due_soon(state, ca))
}

fn lies_in_ill_token(state: &Service, ca: &LoadedCa) -> bool {
    let keys = &state.desk.authority.keys;
    keys.tokens().iter().any(|token| token.fault.is_some()) && keys.place(&ca.record.key) == Place::Token
}

/// An issuing CA at whose end certificates are cut, or will be soon. (A root's successor is a matter of years: `ca list`
/// says it.)
fn due_soon(state: &Service, ca: &LoadedCa) -> Option<String> {
    match ca.record.role {
        Role::Root => None,
        Role::Issuing => {
            rollover::due(&state.desk.authority.hierarchy(), ca, &state.desk.profiles.current(), state.now())
        }
    }
}

/// Our own certificates renew themselves at two thirds of their life: one in its last sixth failed to for long. Those of
/// phones' lists do not, and say themselves what is to be done.
fn identity(own: &OwnCertificate, now: Timestamp) -> HealthCheck {
    let (life, left) = (own.not_after.since(own.not_before), own.not_after.since(now));
    let name = format!("identity {}", own.identity);
    let is_late = left < life / 6;
    let Listing { fault, waits } = own.listing.clone().unwrap_or_default();
    let days = format!("{} days left", left.as_secs() / (24 * 60 * 60));
    match (fault, waits) {
        (Some(fault), _) => check(&name, Some(format!("{days}; {fault}"))),
        (None, Some(waits)) => {
            let status = if is_late { DEGRADED } else { "warning" };
            HealthCheck { name, status: status.to_owned(), detail: format!("{days}; {waits}") }
        }
        (None, None) if is_late => {
            let fault = format!("its certificate ends at {} and was not renewed: see the log", own.not_after);
            check(&name, Some(fault))
        }
        (None, None) => HealthCheck { detail: days, ..check(&name, None) },
    }
}

fn listener(of: ListenerState) -> HealthCheck {
    let name = format!("listener {}", of.name);
    match (of.fault, of.warning) {
        (Some(fault), _) => check(&name, Some(fault)),
        (None, Some(warning)) => {
            HealthCheck { name, status: "warning".to_owned(), detail: format!("{}; {warning}", of.detail) }
        }
        (None, None) => HealthCheck { detail: of.detail, ..check(&name, None) },
    }
}

/// A file that cannot be signed may wait for its phone; the rest is served.
fn folder(of: FolderState) -> HealthCheck {
    let name = format!("files {}", of.cluster).trim_end().to_owned();
    let signed = match of.unsettled {
        0 => format!("{} signed", of.signed),
        unsettled => format!("{} signed, {unsettled} not yet", of.signed),
    };
    match (of.fault, of.first) {
        (Some(fault), _) => check(&name, Some(fault)),
        (None, Some(first)) => {
            let detail = format!("{signed}, {} cannot be, the first {first}", of.refused);
            HealthCheck { name, status: "warning".to_owned(), detail }
        }
        (None, None) => HealthCheck { detail: signed, ..check(&name, None) },
    }
}

fn check(name: &str, fault: Option<String>) -> HealthCheck {
    HealthCheck { name: name.to_owned(), status: word(fault.is_none()), detail: fault.unwrap_or_default() }
}

fn word(ok: bool) -> String {
    if ok { "ok" } else { DEGRADED }.to_owned()
}
