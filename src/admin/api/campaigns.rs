//! `/campaigns`: the same operation for many devices, so many at a time.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Caller;
use super::body::Body;
use super::page::{self, Cursors, Page};
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use super::{Shared, idempotency, json};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::device::campaign::{self, CampaignRecord, MemberRecord, Step, Word, gather};
use crate::error::{Error, Result};
use crate::id::CampaignName;
use crate::store::{PRIMARY, Scan};

mod asked;
mod shown;
mod types;

use asked::Asked;
pub use types::{
    Campaign, CampaignCounts, CampaignDevice, CampaignPreview, CampaignReport, CampaignWord, NewCampaign,
    ReasonCount, RegionCounts,
};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show))
        .routes(routes!(report))
        .routes(routes!(devices))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(stop))
}

/// Campaigns, newest first.
#[utoipa::path(get, path = "/api/v1/campaigns", operation_id = "list_campaigns", tag = "campaigns",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Campaigns", body = Page<Campaign>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    let mut query = query.only(&["limit", "cursor"])?;
    let cursors = Cursors::new(&caller.token.token_hash, "campaigns");
    let limit = page::limit(query.take("limit").as_deref())?;
    let after = query.parsed("cursor", |c| cursors.open(c))?;
    let scan = Scan::all::<CampaignRecord>(PRIMARY).backward();
    let (found, next) = page::sift(&state.desk.authority.db, scan, (limit, after), |_| true).await?;
    let items = found.iter().map(shown::campaign).collect();
    json::answer(StatusCode::OK, &Page { items, next: next.map(|place| cursors.seal(&place)) })
}

/// Makes a campaign and starts it, or only says which devices it would be about (`dry_run`).
#[utoipa::path(post, path = "/api/v1/campaigns", operation_id = "create_campaign", tag = "campaigns",
    request_body = NewCampaign, params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The campaign", body = Campaign),
        (status = 200, description = "What a dry run found", body = CampaignPreview), Refusals))]
pub async fn create(State(state): Shared, caller: Caller, body: Body) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    let Asked { new, dry_run } = body.json()?;
    new.check()?;
    let authority = &state.desk.authority;
    if dry_run {
        let found = gather::preview(&authority.db, &new.assignment, &new.hours, state.now()).await?;
        let gather::Preview { devices, busy, in_hours, more } = found;
        return json::answer(StatusCode::OK, &CampaignPreview { devices, busy, in_hours, more });
    }
    idempotency::once(&authority.db, state.now(), &caller, &body, async {
        let (db, random) = (&authority.db, &authority.random);
        let made = campaign::create(db, state.now(), random, new, caller.actor()).await?;
        json::answer(StatusCode::CREATED, &shown::campaign(&made))
    })
    .await
}

/// One campaign.
#[utoipa::path(get, path = "/api/v1/campaigns/{name}", operation_id = "show_campaign", tag = "campaigns",
    params(("name" = String, Path)),
    responses((status = 200, description = "The campaign", body = Campaign), Refusals))]
pub async fn show(State(state): Shared, caller: Caller, Named(name): Named) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    let found = campaign::require(&state.desk.authority.db, &known(&name)?).await?;
    json::answer(StatusCode::OK, &shown::campaign(&found.value))
}

/// What came of a campaign so far: by region, by reason, and how long devices took.
#[utoipa::path(get, path = "/api/v1/campaigns/{name}/report", operation_id = "report_campaign", tag = "campaigns",
    params(("name" = String, Path)),
    responses((status = 200, description = "The report", body = CampaignReport), Refusals))]
pub async fn report(State(state): Shared, caller: Caller, Named(name): Named) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    let found = campaign::require(&state.desk.authority.db, &known(&name)?).await?;
    json::answer(StatusCode::OK, &shown::report(&found.value, state.now()))
}

/// The devices of a campaign: all, or those at one step.
#[utoipa::path(get, path = "/api/v1/campaigns/{name}/devices", operation_id = "list_campaign_devices",
    tag = "campaigns",
    params(("name" = String, Path),
        ("step" = Option<String>, Query, description = "waiting, open, done, failed, late, skipped or withdrawn"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Devices", body = Page<CampaignDevice>), Refusals))]
pub async fn devices(State(state): Shared, caller: Caller, Named(name): Named, query: Query) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    let mut query = query.only(&["step", "limit", "cursor"])?;
    let step = query.parsed("step", step_byte)?;
    let id = campaign::require(&state.desk.authority.db, &known(&name)?).await?.value.id;
    let cursors = Cursors::new(&caller.token.token_hash, &format!("campaign {id} {step:?}"));
    let limit = page::limit(query.take("limit").as_deref())?;
    let after = query.parsed("cursor", |c| cursors.open(c))?;
    let scan = match step {
        Some(byte) => {
            Scan::all::<MemberRecord>(MemberRecord::BY_STEP).prefix(MemberRecord::step_prefix(id, byte))
        }
        None => Scan::all::<MemberRecord>(PRIMARY).prefix(id.as_bytes().to_vec()),
    };
    let (found, next) = page::sift(&state.desk.authority.db, scan, (limit, after), |_| true).await?;
    let items = found.iter().map(shown::device).collect();
    json::answer(StatusCode::OK, &Page { items, next: next.map(|place| cursors.seal(&place)) })
}

/// Pauses a campaign: no more operations are set; those that are open are watched on.
#[utoipa::path(post, path = "/api/v1/campaigns/{name}/pause", operation_id = "pause_campaign", tag = "campaigns",
    request_body = CampaignWord,
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The campaign", body = Campaign), Refusals))]
pub async fn pause(state: Shared, caller: Caller, name: Named, body: Body) -> Answer {
    say(state, caller, name, body, Word::Pause).await
}

/// Goes on with a campaign that is paused.
#[utoipa::path(post, path = "/api/v1/campaigns/{name}/resume", operation_id = "resume_campaign", tag = "campaigns",
    request_body = CampaignWord,
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The campaign", body = Campaign), Refusals))]
pub async fn resume(state: Shared, caller: Caller, name: Named, body: Body) -> Answer {
    say(state, caller, name, body, Word::Resume).await
}

/// Stops a campaign for good: operations whose device has not come are taken back.
#[utoipa::path(post, path = "/api/v1/campaigns/{name}/stop", operation_id = "stop_campaign", tag = "campaigns",
    request_body = CampaignWord,
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The campaign", body = Campaign), Refusals))]
pub async fn stop(state: Shared, caller: Caller, name: Named, body: Body) -> Answer {
    say(state, caller, name, body, Word::Stop).await
}

async fn say(State(state): Shared, caller: Caller, Named(name): Named, body: Body, word: Word) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    body.json_or_empty::<CampaignWord>()?;
    let (name, authority) = (known(&name)?, &state.desk.authority);
    idempotency::once(&authority.db, state.now(), &caller, &body, async {
        let (db, random) = (&authority.db, &authority.random);
        let found = campaign::say(db, state.now(), random, (&name, word), caller.actor()).await?;
        json::answer(StatusCode::OK, &shown::campaign(&found))
    })
    .await
}

impl json::Body for CampaignWord {
    const FIELDS: &'static [&'static str] = &[];

    fn from_fields(_fields: &mut json::Fields<'_>) -> Result<Self> {
        Ok(Self {})
    }
}

fn known(name: &str) -> Result<CampaignName> {
    name.parse().map_err(|_| Error::not_found("campaign", "of that name"))
}

fn step_byte(word: &str) -> Result<u8> {
    let place = Step::NAMES.iter().position(|name| *name == word).and_then(|at| u8::try_from(at).ok());
    place.ok_or_else(|| Error::invalid("invalid-state", format!("step is one of {}", Step::NAMES.join(", "))))
}
