//! `/tokens`: who may come in.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Caller;
use super::body::Body;
use super::idempotency::{Claim, claim};
use super::json::{self, Fields, rules};
use super::page::{self, Cursors, Page};
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use crate::admin::records::{Kept, TokenRecord};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::admin::{MAX_TOKEN_TTL, duration, tokens};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::store::{PRIMARY, Scan};

mod types;

pub use types::{CreatedToken, NewToken, Token};

const DEFAULT_TTL: Duration = Duration::from_hours(24 * 90);

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// Tokens, newest first: all, or those of a role.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens",
    params(("role" = Option<String>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Tokens", body = Page<Token>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::TokensManage).await?;
    let mut query = query.only(&["role", "limit", "cursor"])?;
    let role = query.take("role");
    let cursors = Cursors::new(&caller.token.token_hash, &format!("tokens {role:?}"));
    let limit = page::limit(query.take("limit").as_deref())?;
    let after = query.parsed("cursor", |c| cursors.open(c))?;
    let (db, now) = (&state.desk.authority.db, state.now());
    let of_role = |record: &TokenRecord| role.as_ref().is_none_or(|r| record.role == *r);
    let scan = Scan::all::<TokenRecord>(PRIMARY).backward();
    let (found, next) = page::sift(db, scan, (limit, after), of_role).await?;
    let items = found.iter().map(|record| token(record, now)).collect();
    json::answer(StatusCode::OK, &Page { items, next: next.map(|place| cursors.seal(&place)) })
}

/// Makes a token. It is shown this once; a replay under the same Idempotency-Key is refused.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewToken,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The token", body = CreatedToken), Refusals))]
pub async fn create(State(state): Shared, caller: Caller, body: Body) -> Answer {
    caller.may(Permission::TokensManage).await?;
    let new = check(body.json()?, &state)?;
    let authority = &state.desk.authority;
    let claim = claim(state.now(), &caller, &body, Kept::Secret);
    let alongside = Claim::alongside(claim.as_ref(), &authority.db).await?;
    let mint = tokens::Mint { db: &authority.db, clock: &authority.clock, random: &authority.random };
    let (record, token) = tokens::create(mint, new, caller.actor(), alongside).await?;
    created(&record, &token)
}

/// Revokes a token: it stops working at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", params(("id" = String, Path)),
    responses((status = 204, description = "It is revoked"), Refusals))]
pub async fn revoke(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::TokensManage).await?;
    let id: RecordId = id.parse().map_err(|_| Error::not_found("token", "of that id"))?;
    tokens::revoke(&state.desk.authority.db, state.now(), id, caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

impl json::Body for NewToken {
    const FIELDS: &'static [&'static str] = &["name", "role", "ttl"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let name = fields.required_line("name")?;
        let bad = || {
            Error::invalid(
                "invalid-name",
                "a token's name has 1 to 64 characters, none of them at its ends blank",
            )
        };
        if name.is_empty() || name.chars().count() > 64 || name.trim() != name {
            return Err(fields.at("name", bad()));
        }
        let role = fields.required_line("role")?;
        rules::name(&role).map_err(|e| fields.at("role", e))?;
        Ok(Self { name, role, ttl: fields.line("ttl")? })
    }
}

fn check(new: NewToken, state: &Service) -> Result<tokens::NewToken> {
    let roles = state.roles();
    if roles.find(&new.role).is_none() {
        let names: Vec<_> = roles.names().collect();
        let detail = format!("no such role; they are {}", names.join(", "));
        return Err(Error::invalid("unknown-role", detail).at("/role"));
    }
    let ttl = new.ttl.as_deref().map_or(Ok(DEFAULT_TTL), duration::parse).map_err(|e| e.at("/ttl"))?;
    if ttl > MAX_TOKEN_TTL {
        return Err(Error::invalid("out-of-range", "a token works for five years at most").at("/ttl"));
    }
    Ok(tokens::NewToken { name: new.name, role: new.role, ttl })
}

fn created(record: &TokenRecord, token: &str) -> Answer {
    let answer = CreatedToken {
        id: record.id.to_string(),
        name: record.name.clone(),
        role: record.role.clone(),
        expires: record.expires.to_string(),
        token: token.to_owned(),
    };
    located(json::answer(StatusCode::CREATED, &answer)?, &format!("/api/v1/tokens/{}", record.id))
}

/// The answer with its Location.
pub(super) fn located(mut answer: axum::response::Response, location: &str) -> Answer {
    let value = HeaderValue::from_str(location).map_err(|e| Error::internal("a Location").because(e))?;
    answer.headers_mut().insert(header::LOCATION, value);
    Ok(answer)
}

fn token(record: &TokenRecord, now: Timestamp) -> Token {
    let state = match (record.revoked, record.is_active(now)) {
        (Some(_), _) => "revoked",
        (None, true) => "active",
        (None, false) => "expired",
    };
    Token {
        id: record.id.to_string(),
        name: record.name.clone(),
        role: record.role.clone(),
        created: record.id.made_at().to_string(),
        expires: record.expires.to_string(),
        state: state.to_owned(),
    }
}
