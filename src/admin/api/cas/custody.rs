//! A CA's key: exported, removed, and brought for one task.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use zeroize::Zeroizing;

use super::crls::listed;
use super::{Crl, ExportKey, ExportedKey, SignCrl, known};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::ca::{Authority, crl, custody};
use crate::error::{Error, Result};
use crate::keys::{Signer, software};

const MIN_PASSPHRASE: usize = 12;

/// Makes and publishes the next CRL now; a root whose key was removed needs its exported key.
#[utoipa::path(post, path = "/api/v1/cas/{id}/crl", tag = "cas", request_body = SignCrl,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The CRL", body = Crl), Refusals))]
pub async fn sign_crl(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::CasManage).await?;
    let (id, Brought(key)) = (known(&id)?, body.json_or_empty()?);
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            let record = match key {
                None => {
                    let hierarchy = authority.hierarchy();
                    let signer = hierarchy.require(&id)?.ready()?.1.clone();
                    crl::sign_crl_with(authority, &id, signer, caller.actor()).await?
                }
                Some((pem, passphrase)) => {
                    let signer = offline(authority, pem, passphrase).await.map_err(|e| e.at("/key_pem"))?;
                    crl::sign_crl_with(authority, &id, signer, caller.actor()).await?
                }
            };
            json::answer(StatusCode::OK, &listed(authority, &record))
        })
        .await
    })
    .await
}

/// The key as an encrypted PKCS#8 PEM that openssl reads.
#[utoipa::path(post, path = "/api/v1/cas/{id}/key/export", tag = "cas", request_body = ExportKey,
    params(("id" = String, Path)),
    responses((status = 200, description = "The key, encrypted", body = ExportedKey), Refusals))]
pub async fn export(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::CasManage).await?;
    let (id, Passphrase(passphrase)) = (known(&id)?, body.json()?);
    idempotency::detached(async move {
        let pem = custody::export_key(&state.desk.authority, &id, passphrase, caller.actor()).await?;
        json::answer(StatusCode::OK, &ExportedKey { pem: pem.to_string() })
    })
    .await
}

/// Removes a root's key from this machine for good, after it was exported.
#[utoipa::path(delete, path = "/api/v1/cas/{id}/key", tag = "cas", params(("id" = String, Path)),
    responses((status = 204, description = "It is removed"), Refusals))]
pub async fn remove(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::CasManage).await?;
    let id = known(&id)?;
    idempotency::detached(async move {
        custody::remove_key(&state.desk.authority, &id, caller.actor()).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// A [`SignCrl`] as it was read.
struct Brought(Option<(Zeroizing<String>, Zeroizing<String>)>);

impl json::Body for Brought {
    const FIELDS: &'static [&'static str] = &["key_pem", "passphrase"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        match (fields.secret("key_pem")?, fields.secret("passphrase")?) {
            (None, None) => Ok(Self(None)),
            (Some(pem), Some(passphrase)) => Ok(Self(Some((pem, passphrase)))),
            (Some(_), None) => Err(fields.missing("passphrase")),
            (None, Some(_)) => Err(fields.missing("key_pem")),
        }
    }
}

/// An [`ExportKey`] as it was read.
struct Passphrase(Zeroizing<String>);

impl json::Body for Passphrase {
    const FIELDS: &'static [&'static str] = &["passphrase"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let passphrase = fields.required_secret("passphrase")?;
        if passphrase.chars().count() < MIN_PASSPHRASE {
            let error = Error::invalid("too-short", format!("at least {MIN_PASSPHRASE} characters"));
            return Err(fields.at("passphrase", error));
        }
        Ok(Self(passphrase))
    }
}

pub(super) fn reads(body: &[u8]) -> bool {
    json::read::<Brought>(body).is_ok() || json::read::<Passphrase>(body).is_ok()
}

/// The signer of a key that was brought, on a thread for that: its passphrase is stretched.
pub(super) async fn offline(
    authority: &Authority,
    pem: Zeroizing<String>,
    passphrase: Zeroizing<String>,
) -> Result<Arc<dyn Signer>> {
    let random = authority.random.clone();
    let task = tokio::task::spawn_blocking(move || software::open_exported(&pem, &passphrase, &random));
    task.await.unwrap_or_else(|e| Err(Error::internal("opening a key").because(e)))
}
