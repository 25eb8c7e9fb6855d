//! `/challenges`: one-time passwords for devices that enrol.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Caller;
use super::body::Body;
use super::idempotency::{Claim, claim};
use super::json::{self, Fields};
use super::page::{self, Cursors, Page};
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use super::tokens::located;
use crate::admin::duration;
use crate::admin::records::Kept;
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::clock::Timestamp;
use crate::enrol::challenge;
use crate::enrol::records::ChallengeRecord;
use crate::error::{Error, Result};
use crate::id::{ProfileId, RecordId};
use crate::store::{PRIMARY, Scan};
use crate::x509::name::Name;
use crate::x509::san::San;

mod batch;
mod types;

pub use types::{
    Challenge, ChallengeFault, ChallengeFaults, CreatedChallenge, CreatedChallenges, NewChallenge,
    NewChallenges,
};

const DEFAULT_TTL: Duration = Duration::from_hours(1);
const MAX_TTL: Duration = Duration::from_hours(24 * 30);
const MAX_SANS: usize = 250;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(batch::create))
        .routes(routes!(withdraw))
}

/// Challenges, newest first, all or those of a profile or in a state; never their secrets.
#[utoipa::path(get, path = "/api/v1/challenges", tag = "challenges",
    params(("profile" = Option<String>, Query),
        ("state" = Option<String>, Query, description = "unused, used or expired"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Challenges", body = Page<Challenge>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::ChallengesRead).await?;
    let mut query = query.only(&["profile", "state", "limit", "cursor"])?;
    let profile = query.parsed("profile", str::parse::<ProfileId>)?;
    let wanted = query.parsed("state", known_state)?;
    let list = format!("challenges {profile:?} {wanted:?}");
    let cursors = Cursors::new(&caller.token.token_hash, &list);
    let limit = page::limit(query.take("limit").as_deref())?;
    let after = query.parsed("cursor", |c| cursors.open(c))?;
    let (db, now) = (&state.desk.authority.db, state.now());
    let (found, next) = page::sift(
        db,
        Scan::all::<ChallengeRecord>(PRIMARY).backward(),
        (limit, after),
        |record: &ChallengeRecord| {
            profile.as_ref().is_none_or(|p| record.profile == *p)
                && wanted.is_none_or(|word| state_of(record, now) == word)
        },
    )
    .await?;
    let items = found.iter().map(|record| listed(record, now)).collect();
    json::answer(StatusCode::OK, &Page { items, next: next.map(|place| cursors.seal(&place)) })
}

/// Makes a challenge. It is shown this once; a replay under the same Idempotency-Key is refused.
#[utoipa::path(post, path = "/api/v1/challenges", tag = "challenges", request_body = NewChallenge,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The challenge", body = CreatedChallenge), Refusals))]
pub async fn create(State(state): Shared, caller: Caller, body: Body) -> Answer {
    caller.may(Permission::ChallengesCreate).await?;
    let new = check(body.json()?)?;
    let db = &state.desk.authority.db;
    let claim = claim(state.now(), &caller, &body, Kept::Secret);
    let alongside = Claim::alongside(claim.as_ref(), db).await?;
    let (record, secret) = challenge::create_with(&state.desk, new, caller.actor(), alongside).await?;
    located(
        json::answer(StatusCode::CREATED, &created(&record, &secret))?,
        &format!("/api/v1/challenges/{}", record.id),
    )
}

/// Withdraws an unused challenge.
#[utoipa::path(delete, path = "/api/v1/challenges/{id}", tag = "challenges", params(("id" = String, Path)),
    responses((status = 204, description = "It is withdrawn"), Refusals))]
pub async fn withdraw(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::ChallengesCreate).await?;
    let id: RecordId = id.parse().map_err(|_| Error::not_found("challenge", "of that id"))?;
    challenge::withdraw(&state.desk, id, caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

impl json::Body for NewChallenge {
    const FIELDS: &'static [&'static str] = &["profile", "subject", "sans", "ttl"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let profile: ProfileId = fields.required_name("profile")?;
        Ok(Self {
            profile: profile.into(),
            subject: fields.required_line("subject")?,
            sans: fields.lines("sans", MAX_SANS)?,
            ttl: fields.line("ttl")?,
        })
    }
}

fn check(new: NewChallenge) -> Result<challenge::NewChallenge> {
    let san = |(i, text): (usize, &String)| San::parse(text).map_err(|e| e.at(format!("/sans/{i}")));
    let ttl = new.ttl.as_deref().map_or(Ok(DEFAULT_TTL), duration::parse).map_err(|e| e.at("/ttl"))?;
    if ttl > MAX_TTL {
        return Err(Error::invalid("out-of-range", "a challenge works for 30 days at most").at("/ttl"));
    }
    Ok(challenge::NewChallenge {
        profile: new.profile.parse::<ProfileId>().map_err(|e| e.at("/profile"))?,
        subject: Name::parse(&new.subject).map_err(|e| e.at("/subject"))?,
        sans: new.sans.iter().enumerate().map(san).collect::<Result<_>>()?,
        ttl,
    })
}

fn created(record: &ChallengeRecord, secret: &str) -> CreatedChallenge {
    CreatedChallenge {
        id: record.id.to_string(),
        challenge: secret.to_owned(),
        expires: record.expires.to_string(),
        profile: record.profile.to_string(),
        subject: record.subject.to_string(),
        sans: record.sans.iter().map(ToString::to_string).collect(),
    }
}

const STATES: [&str; 3] = ["unused", "used", "expired"];

fn known_state(word: &str) -> Result<&'static str> {
    let known = STATES.into_iter().find(|state| *state == word);
    known.ok_or_else(|| Error::invalid("invalid-state", format!("state is one of {}", STATES.join(", "))))
}

fn state_of(record: &ChallengeRecord, now: Timestamp) -> &'static str {
    match (&record.used_for, now < record.expires) {
        (Some(_), _) => "used",
        (None, true) => "unused",
        (None, false) => "expired",
    }
}

fn listed(record: &ChallengeRecord, now: Timestamp) -> Challenge {
    Challenge {
        id: record.id.to_string(),
        profile: record.profile.to_string(),
        subject: record.subject.to_string(),
        sans: record.sans.iter().map(ToString::to_string).collect(),
        expires: record.expires.to_string(),
        created_by: record.created_by.clone(),
        state: state_of(record, now).to_owned(),
        used_for: record.used_for.as_ref().map(ToString::to_string),
    }
}
