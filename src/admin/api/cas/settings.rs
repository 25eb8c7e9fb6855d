//! What an operator sets of a CA.

use axum::extract::State;
use axum::http::StatusCode;

use super::types::{Ca, CaSettings};
use super::{known, shown};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::ca::crl::{CrlChange, configure};
use crate::error::Result;

/// Changes how a CA makes its CRLs, and makes them so; what is left out stays.
#[utoipa::path(post, path = "/api/v1/cas/{id}/settings", tag = "cas", request_body = CaSettings,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The CA", body = Ca), Refusals))]
pub async fn set(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::CasManage).await?;
    let (id, Wanted(change)) = (known(&id)?, body.json()?);
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            configure(authority, &id, change, caller.actor()).await?;
            shown(&state, StatusCode::OK, &id).await
        })
        .await
    })
    .await
}

/// A [`CaSettings`] as it was read.
struct Wanted(CrlChange);

impl json::Body for Wanted {
    const FIELDS: &'static [&'static str] = &["crl_shards", "crl_window_hours", "crl_delta_hours"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let shards = fields.integer("crl_shards", 0..=u64::from(u32::MAX))?;
        Ok(Self(CrlChange {
            shards: shards.map(|shards| u32::try_from(shards).unwrap_or(u32::MAX)),
            window_hours: fields.integer("crl_window_hours", 0..=u64::from(u32::MAX))?,
            delta_hours: fields.integer("crl_delta_hours", 0..=u64::from(u32::MAX))?,
        }))
    }
}

pub(super) fn reads(body: &[u8]) -> bool {
    json::read::<Wanted>(body).is_ok()
}
