//! Certificates revoked, put on hold and released.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Certificate, known, shown};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::ca::revoke::{self, Revocation};
use crate::error::Result;
use crate::x509::crl::Reason;

pub mod bulk;
mod selection;
mod types;

pub use types::{BulkRevocation, RevocationOutcome, RevocationReport, Selected};

/// A revocation to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Revoke {
    /// `key-compromise`, `superseded` … (RFC 5280 §5.3.1); `certificate-hold` can be released again.
    pub reason: String,
    /// When, in whole seconds (RFC 3339); now without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Since when the key is thought to have been invalid, in whole seconds (RFC 5280 §5.3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalidity_date: Option<String>,
    /// Whether a certificate of Signet's own is meant; needs `cas:manage` too.
    #[serde(default)]
    pub own: bool,
}

/// Revokes a certificate; its CA's CRL follows within a second. What is on hold may be revoked for another reason, and
/// counts as revoked since the hold began.
#[utoipa::path(post, path = "/api/v1/certificates/{serial}/revoke", tag = "certificates", request_body = Revoke,
    params(("serial" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The certificate", body = Certificate), Refusals))]
pub async fn withdraw(State(state): Shared, caller: Caller, Named(serial): Named, body: Body) -> Answer {
    caller.may(Permission::CertificatesRevoke).await?;
    let Asked(how) = body.json()?;
    may_name_own(&caller, &how).await?;
    let authority = &state.desk.authority;
    idempotency::once(&authority.db, state.now(), &caller, &body, async {
        let record = revoke::revoke_named(authority, &known(&serial)?, how, caller.actor()).await?;
        json::answer(StatusCode::OK, &shown(&record, state.now())?)
    })
    .await
}

/// Releases a certificate from hold: OCSP calls it good at once, and the next CRL leaves it out.
#[utoipa::path(post, path = "/api/v1/certificates/{serial}/release", tag = "certificates",
    params(("serial" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The certificate", body = Certificate), Refusals))]
pub async fn release(State(state): Shared, caller: Caller, Named(serial): Named, body: Body) -> Answer {
    caller.may(Permission::CertificatesRevoke).await?;
    let Nothing = body.json_or_empty()?;
    let authority = &state.desk.authority;
    idempotency::once(&authority.db, state.now(), &caller, &body, async {
        let record = revoke::release(authority, &known(&serial)?, caller.actor()).await?;
        json::answer(StatusCode::OK, &shown(&record, state.now())?)
    })
    .await
}

/// Reason and dates of a revocation. Errors: `missing-field`, `invalid-reason`, `invalid-time`.
pub fn how(fields: &mut Fields<'_>) -> Result<Revocation> {
    let reason = fields.required_line("reason")?;
    Ok(Revocation {
        reason: reason.parse::<Reason>().map_err(|e| fields.at("reason", e))?,
        at: fields.parsed("date", revoke::parse_date)?,
        invalidity: fields.parsed("invalidity_date", revoke::parse_date)?,
        own: false,
    })
}

/// Reads the bodies of this resource, and forgets them: for the fuzzer.
pub fn read_any(body: &[u8]) {
    let _outcomes = (json::read::<Asked>(body).is_ok(), bulk::reads(body));
}

/// Signet's own certificates are revoked by who manages its CAs.
async fn may_name_own(caller: &Caller, how: &Revocation) -> Answer<()> {
    if how.own { caller.may(Permission::CasManage).await } else { Ok(()) }
}

/// A [`Revoke`] as it was read.
struct Asked(Revocation);

impl json::Body for Asked {
    const FIELDS: &'static [&'static str] = &["reason", "date", "invalidity_date", "own"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self(Revocation { own: fields.flag("own")?, ..how(fields)? }))
    }
}

/// A body that says nothing.
struct Nothing;

impl json::Body for Nothing {
    const FIELDS: &'static [&'static str] = &[];

    fn from_fields(_: &mut Fields<'_>) -> Result<Self> {
        Ok(Self)
    }
}
