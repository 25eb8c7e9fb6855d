//! `/cas/{id}/rollover`: the next CA is prepared, takes over, or is called off.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::create::{MAX_DAYS, offline_key};
use super::types::{Activation, Ca, NextCa};
use super::{custody, known, shown};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::tokens::located;
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::audit::Actor;
use crate::ca::rollover::{self, Preparation};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::x509::key::KeyAlgorithm;

mod told;

pub(super) use told::{crosses, standing, told};

const DAY: Duration = Duration::from_hours(24);

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(prepare, cancel)).routes(routes!(activate))
}

/// Makes the CA that is to follow this one: same subject, new key, announced from now on.
#[utoipa::path(post, path = "/api/v1/cas/{id}/rollover", tag = "cas", request_body = NextCa,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The next CA", body = Ca), Refusals))]
pub async fn prepare(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::CasManage).await?;
    let (id, draft): (CaId, Draft) = (known(&id)?, body.json_or_empty()?);
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            let next = draft.make(&state, id, caller.actor()).await?;
            // Its registration authority and its OCSP responder, before anybody asks for them.
            state.after_reload.after_reload().await;
            let answer = shown(&state, StatusCode::CREATED, &next).await?;
            located(answer, &format!("/api/v1/cas/{next}"))
        })
        .await
    })
    .await
}

/// Lets the next CA take over: now, or at a date by itself.
#[utoipa::path(post, path = "/api/v1/cas/{id}/rollover/activation", tag = "cas", request_body = Activation,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The CA that takes over", body = Ca), Refusals))]
pub async fn activate(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::CasManage).await?;
    let (id, At(at)) = (known(&id)?, body.json_or_empty()?);
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            let next = match at {
                Some(at) => rollover::schedule(authority, &id, at, caller.actor()).await?,
                None => rollover::activate(authority, &id, caller.actor()).await?,
            };
            state.after_reload.after_reload().await;
            shown(&state, StatusCode::OK, &next).await
        })
        .await
    })
    .await
}

/// Calls a prepared rollover off: the next CA never takes over.
#[utoipa::path(delete, path = "/api/v1/cas/{id}/rollover", tag = "cas", params(("id" = String, Path)),
    responses((status = 200, description = "The CA that was to follow", body = Ca), Refusals))]
pub async fn cancel(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::CasManage).await?;
    let id = known(&id)?;
    idempotency::detached(async move {
        let next = rollover::cancel(&state.desk.authority, &id, caller.actor()).await?;
        shown(&state, StatusCode::OK, &next).await
    })
    .await
}

pub(super) fn reads(body: &[u8]) -> bool {
    json::read::<Draft>(body).is_ok() || json::read::<At>(body).is_ok()
}

/// A [`NextCa`] as it was read; the key is wiped after use.
struct Draft {
    algorithm: Option<KeyAlgorithm>,
    parent: Option<CaId>,
    lifetime: Option<Duration>,
    key: Option<(Zeroizing<String>, Zeroizing<String>)>,
}

impl json::Body for Draft {
    const FIELDS: &'static [&'static str] =
        &["algorithm", "parent", "validity_days", "parent_key_pem", "parent_key_passphrase"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let days = fields.integer("validity_days", 1..=MAX_DAYS)?;
        Ok(Self {
            algorithm: fields.name("algorithm")?,
            parent: fields.name("parent")?,
            lifetime: days.map(|days| DAY * u32::try_from(days).unwrap_or(u32::MAX)),
            key: offline_key(fields)?,
        })
    }
}

impl Draft {
    async fn make(self, state: &Service, ca: CaId, actor: Actor) -> Result<CaId> {
        let authority = &state.desk.authority;
        if let Some(algorithm) = self.algorithm {
            fits(state, &ca, algorithm)?;
        }
        let offline = match self.key {
            None => None,
            Some((pem, passphrase)) => {
                let signer = custody::offline(authority, pem, passphrase).await;
                Some(signer.map_err(|e| e.at("/parent_key_pem"))?)
            }
        };
        let Self { algorithm, parent, lifetime, .. } = self;
        rollover::prepare(authority, Preparation { ca, algorithm, parent, lifetime, offline }, actor).await
    }
}

/// The profiles of the CA must go on with the new key.
fn fits(state: &Service, ca: &CaId, algorithm: KeyAlgorithm) -> Result<()> {
    let hierarchy = state.desk.authority.hierarchy();
    let in_force = hierarchy.in_force(ca)?.record.id.clone();
    let held = state.desk.profiles.current().validate_key(&hierarchy, &in_force, algorithm);
    held.map_err(|faults| {
        let all: Vec<String> = faults.iter().map(Error::to_string).collect();
        Error::invalid("digest-not-supported", all.join("; ")).at("/algorithm")
    })
}

/// An [`Activation`] as it was read.
struct At(Option<Timestamp>);

impl json::Body for At {
    const FIELDS: &'static [&'static str] = &["at"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        fields.parsed("at", Timestamp::parse).map(Self)
    }
}
