//! `/profiles`: what may be issued, to whom.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Caller;
use super::body::Body;
use super::page::Page;
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use super::{Shared, json};
use crate::admin::policies;
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::ca::profile::{Approval, Profile as Policy};
use crate::error::{Error, Kind};
use crate::id::{CaId, ProfileId};

mod types;

pub use types::{PolicyFault, PolicyFaults, Profile, Reloaded};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(reload))
        .routes(routes!(check))
}

/// The profiles in force: all, or those that issue by one CA.
#[utoipa::path(get, path = "/api/v1/profiles", tag = "profiles", params(("ca" = Option<String>, Query)),
    responses((status = 200, description = "Profiles", body = Page<Profile>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::ProfilesRead).await?;
    let ca = query.only(&["ca", "limit", "cursor"])?.parsed("ca", str::parse::<CaId>)?;
    let set = state.desk.profiles.current();
    let wanted = set.all().iter().filter(|profile| ca.as_ref().is_none_or(|ca| profile.ca() == ca));
    json::answer(StatusCode::OK, &Page::whole(wanted.map(profile).collect()))
}

/// One profile, with its file.
#[utoipa::path(get, path = "/api/v1/profiles/{id}", tag = "profiles", params(("id" = String, Path)),
    responses((status = 200, description = "The profile", body = Profile), Refusals))]
pub async fn show(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::ProfilesRead).await?;
    let id: ProfileId = id.parse().map_err(|_| Error::not_found("profile", "of that name"))?;
    let set = state.desk.profiles.current();
    let policy = set.require(&id)?;
    json::answer(StatusCode::OK, &Profile { source: Some(policy.source().to_owned()), ..profile(policy) })
}

/// Reads the policies folder and puts it in force as a whole, or says what is wrong and changes nothing.
#[utoipa::path(post, path = "/api/v1/profiles/reload", tag = "profiles",
    responses((status = 200, description = "In force", body = Reloaded), Refusals))]
pub async fn reload(State(state): Shared, caller: Caller, _body: Body) -> Answer {
    caller.may(Permission::ProfilesReload).await?;
    let count = policies::reload(&state, caller.actor()).await.map_err(refused)?;
    json::answer(StatusCode::OK, &Reloaded { profiles: count as u64 })
}

/// Reads the policies folder and says what is wrong, changing nothing.
#[utoipa::path(post, path = "/api/v1/profiles/check", tag = "profiles",
    responses((status = 200, description = "What was found", body = PolicyFaults), Refusals))]
pub async fn check(State(state): Shared, caller: Caller, _body: Body) -> Answer {
    caller.may(Permission::ProfilesReload).await?;
    let faults = policies::check(&state).await.err().unwrap_or_default();
    json::answer(StatusCode::OK, &PolicyFaults { faults: faults.iter().map(fault).collect() })
}

fn profile(policy: &Arc<Policy>) -> Profile {
    let approval = match policy.approval() {
        Approval::Automatic => "automatic",
        Approval::Challenge => "challenge",
        Approval::Manual => "manual",
    };
    Profile {
        id: policy.id().to_string(),
        description: policy.description().to_owned(),
        enabled: policy.is_enabled(),
        ca: policy.ca().to_string(),
        approval: approval.to_owned(),
        challenge_source: challenge_source(policy),
        keys: policy.key_names().into_iter().map(str::to_owned).collect(),
        validity_days: policy.validity().as_secs() / 86_400,
        scep: policy.scep().is_some(),
        source: None,
    }
}

fn challenge_source(policy: &Policy) -> Option<String> {
    match policy.approval() {
        Approval::Challenge => Some(policy.challenge_source().as_str().to_owned()),
        Approval::Automatic | Approval::Manual => None,
    }
}

/// One error out of all faults; a fault of ours stays one.
fn refused(faults: Vec<Error>) -> Error {
    if let [only] = faults.as_slice()
        && matches!(only.kind(), Kind::Storage | Kind::Internal | Kind::Busy)
    {
        return faults.into_iter().next().unwrap_or_else(|| Error::internal("no fault"));
    }
    let all: Vec<_> = faults.iter().map(|f| fault_line(&fault(f))).collect();
    Error::invalid("bad-policies", format!("the old policies stay in force: {}", all.join("; ")))
}

fn fault_line(fault: &PolicyFault) -> String {
    format!("{}:{}: {}", fault.file, fault.line, fault.reason)
}

/// An error's `file:line` and its reason.
fn fault(error: &Error) -> PolicyFault {
    let place = error.field().unwrap_or_default();
    let (file, line) = place.rsplit_once(':').unwrap_or((place, "0"));
    PolicyFault { file: file.to_owned(), line: line.parse().unwrap_or(0), reason: error.detail().to_owned() }
}
