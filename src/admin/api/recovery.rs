//! `/recovery-signers`: by whose lists phones follow when every other certificate changed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::auth::Caller;
use super::body::Body;
use super::json::{self, Fields};
use super::page::Page;
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use super::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::error::{Error, Result};
use crate::trust::records::RecoveryRecord;
use crate::trust::recovery::{self, Form};
use crate::x509::key::KeyAlgorithm;

mod types;

pub use types::{ExportRecovery, ExportedRecovery, NewRecovery, RecoverySigner};

const MIN_PASSPHRASE: usize = 12;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(export))
}

/// The recovery signers, newest (which is in force) first.
#[utoipa::path(get, path = "/api/v1/recovery-signers", tag = "trust",
    responses((status = 200, description = "Recovery signers", body = Page<RecoverySigner>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::TrustRead).await?;
    query.only(&["limit", "cursor"])?;
    let all = recovery::all(&state.desk.authority.db).await?;
    let items = all.iter().rev().map(described).collect::<Result<_>>()?;
    json::answer(StatusCode::OK, &Page::<RecoverySigner>::whole(items))
}

/// Makes the next recovery signer and puts it into every cluster as sast, beside the one before, which goes on
/// signing until a cluster's settings say otherwise.
#[utoipa::path(post, path = "/api/v1/recovery-signers", tag = "trust", request_body = NewRecovery,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The recovery signer", body = RecoverySigner), Refusals))]
pub async fn create(State(state): Shared, caller: Caller, body: Body) -> Answer {
    caller.may(Permission::TrustWrite).await?;
    let Draft(algorithm) = body.json_or_empty()?;
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            // An attempt that was cut off may have left it out of some.
            if let Some(standing) = recovery::current(&authority.db).await? {
                recovery::spread(authority, &standing.value, &caller.actor()).await?;
            }
            let made = recovery::make(authority, algorithm, caller.actor()).await?;
            recovery::spread(authority, &made, &caller.actor()).await?;
            json::answer(StatusCode::CREATED, &described(&made)?)
        })
        .await
    })
    .await
}

/// A recovery signer's key, encrypted, and its certificate: PEM or PKCS#12, as openssl reads them. `current` names the
/// one in force.
#[utoipa::path(post, path = "/api/v1/recovery-signers/{generation}/export", tag = "trust",
    request_body = ExportRecovery, params(("generation" = String, Path)),
    responses((status = 200, description = "The recovery signer, encrypted", body = ExportedRecovery), Refusals))]
pub async fn export(State(state): Shared, caller: Caller, Named(which): Named, body: Body) -> Answer {
    // Who holds this key signs lists that every phone takes: it leaves as a CA's does.
    caller.may(Permission::CasManage).await?;
    let unknown = || Error::not_found("recovery signer", "of that generation");
    let generation = match which.as_str() {
        "current" => None,
        number => Some(number.parse().map_err(|_| unknown())?),
    };
    let Leaving { form, passphrase } = body.json()?;
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        let (record, sealed) =
            recovery::export(authority, generation, (form, passphrase), caller.actor()).await?;
        let (pem, pkcs12) = match form {
            Form::Pem => (Some(String::from_utf8_lossy(&sealed).into_owned()), None),
            Form::Pkcs12 => (None, Some(STANDARD.encode(&*sealed))),
        };
        json::answer(StatusCode::OK, &ExportedRecovery { generation: record.generation, pem, pkcs12 })
    })
    .await
}

/// Reads the bodies of this resource, and forgets them: for the fuzzer.
pub fn read_any(body: &[u8]) {
    let _outcomes = (json::read::<Draft>(body).is_ok(), json::read::<Leaving>(body).is_ok());
}

fn described(record: &RecoveryRecord) -> Result<RecoverySigner> {
    let certificate = record.read()?;
    Ok(RecoverySigner {
        generation: record.generation,
        sha256: json::hex(&record.read()?.fingerprint()),
        subject: certificate.subject().to_string(),
        serial: certificate.serial().to_string(),
        key: certificate.public_key()?.kind().to_string(),
        not_before: certificate.not_before().to_string(),
        not_after: certificate.not_after().to_string(),
        made: record.made.to_string(),
        exported: record.exported.map(|at| at.to_string()),
        pem: certificate.pem(),
    })
}

/// A [`NewRecovery`] as it was read.
struct Draft(KeyAlgorithm);

impl json::Body for Draft {
    const FIELDS: &'static [&'static str] = &["algorithm"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self(fields.name("algorithm")?.unwrap_or(KeyAlgorithm::Rsa2048)))
    }
}

/// An [`ExportRecovery`] as it was read.
struct Leaving {
    form: Form,
    passphrase: Zeroizing<String>,
}

impl json::Body for Leaving {
    const FIELDS: &'static [&'static str] = &["passphrase", "format"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let passphrase = fields.required_secret("passphrase")?;
        if passphrase.chars().count() < MIN_PASSPHRASE {
            let error = Error::invalid("too-short", format!("at least {MIN_PASSPHRASE} characters"));
            return Err(fields.at("passphrase", error));
        }
        Ok(Self { form: fields.name("format")?.unwrap_or_default(), passphrase })
    }
}
