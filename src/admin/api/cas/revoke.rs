//! `POST /cas/{id}/revoke`: a CA is revoked, or what that would stop is told.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{create, known};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::certificates::how;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::ca::Authority;
use crate::ca::revoke::Revocation;
use crate::ca::revoke::authority::{self, Preflight, Revoked};
use crate::error::Result;
use crate::id::CaId;
use crate::keys::Signer;

/// A CA to be revoked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevokeCa {
    /// `ca-compromise`, `superseded` … (RFC 5280 §5.3.1); not `certificate-hold`.
    pub reason: String,
    /// When, in whole seconds (RFC 3339); now without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Since when its key is thought to have been invalid, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalidity_date: Option<String>,
    /// Only say what it would stop.
    #[serde(default)]
    pub dry_run: bool,
    /// The parent's exported key, when it is not kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_key_pem: Option<String>,
    /// The passphrase of `parent_key_pem`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_key_passphrase: Option<String>,
}

/// A CA that was revoked, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevokedCa {
    /// Its name.
    pub id: String,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// Why.
    pub reason: String,
    /// Our CA whose CRL names it; null under an external root: its owner revokes it there.
    pub parent: Option<String>,
    /// The number of that CRL.
    pub crl_number: Option<u64>,
    /// What it would stop; only of a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops: Option<CaStops>,
}

/// What the revocation of a CA would stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaStops {
    /// The CAs that would issue nothing more.
    pub cas: Vec<String>,
    /// Their live certificates by profile.
    pub live: Vec<LiveOfProfile>,
    /// Whether all were counted; of a large estate only 200,000 certificates are looked at.
    pub complete: bool,
}

/// Live certificates of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveOfProfile {
    /// Which profile.
    pub profile: String,
    /// How many.
    pub certificates: u64,
}

/// Revokes a CA: its certificate goes onto its parent's CRL at once, and neither it nor a CA below it issues anything
/// more. Its own CRL goes on. A root cannot be revoked so. A parent whose key was removed needs its exported key.
#[utoipa::path(post, path = "/api/v1/cas/{id}/revoke", operation_id = "revoke_ca", tag = "cas", request_body = RevokeCa,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "What was done", body = RevokedCa), Refusals))]
pub async fn revoke(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::CasManage).await?;
    let (id, asked) = (known(&id)?, body.json::<Asked>()?);
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        if asked.dry_run {
            let preflight = authority::preflight(authority, &id).await?;
            return json::answer(StatusCode::OK, &rehearsed(authority, &id, &asked.how, &preflight)?);
        }
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            let (how, key) = (asked.how, asked.key(authority).await?);
            let revoked = authority::revoke_ca(authority, &id, how, key, caller.actor()).await?;
            json::answer(StatusCode::OK, &done(&revoked))
        })
        .await
    })
    .await
}

fn done(Revoked { record, crl }: &Revoked) -> RevokedCa {
    RevokedCa {
        id: record.ca.to_string(),
        dry_run: false,
        revoked_at: Some(record.at.to_string()),
        reason: record.reason.as_str().to_owned(),
        parent: record.parent.as_ref().map(ToString::to_string),
        crl_number: *crl,
        stops: None,
    }
}

fn rehearsed(authority: &Authority, id: &CaId, how: &Revocation, preflight: &Preflight) -> Result<RevokedCa> {
    let hierarchy = authority.hierarchy();
    let live = preflight.live.iter();
    let live =
        live.map(|(profile, count)| LiveOfProfile { profile: profile.to_string(), certificates: *count });
    Ok(RevokedCa {
        id: id.to_string(),
        dry_run: true,
        revoked_at: None,
        reason: how.reason.as_str().to_owned(),
        parent: hierarchy.require(id)?.record.parent.as_ref().map(ToString::to_string),
        crl_number: None,
        stops: Some(CaStops {
            cas: preflight.stopped.iter().map(ToString::to_string).collect(),
            live: live.collect(),
            complete: preflight.complete,
        }),
    })
}

/// A [`RevokeCa`] as it was read; the parent's key is wiped after use.
struct Asked {
    how: Revocation,
    dry_run: bool,
    parent_key: Option<(Zeroizing<String>, Zeroizing<String>)>,
}

impl json::Body for Asked {
    const FIELDS: &'static [&'static str] =
        &["reason", "date", "invalidity_date", "dry_run", "parent_key_pem", "parent_key_passphrase"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            how: how(fields)?,
            dry_run: fields.flag("dry_run")?,
            parent_key: create::offline_key(fields)?,
        })
    }
}

impl Asked {
    async fn key(self, authority: &Authority) -> Result<Option<Arc<dyn Signer>>> {
        let Some((pem, passphrase)) = self.parent_key else { return Ok(None) };
        let signer = super::custody::offline(authority, pem, passphrase).await;
        signer.map(Some).map_err(|e| e.at("/parent_key_pem"))
    }
}

pub(super) fn reads(body: &[u8]) -> bool {
    json::read::<Asked>(body).is_ok()
}
