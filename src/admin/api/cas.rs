//! `/cas`: the certificate authorities and their keys.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Caller;
use super::page::Page;
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use super::{Shared, json};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::ca::records::Role;
use crate::ca::{Hierarchy, LoadedCa};
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::x509::pem;

mod create;
mod crls;
mod custody;
mod import;
mod revoke;
mod rollover;
mod settings;
mod types;

pub use import::{
    CertificateBatch, ImportActivated, ImportActivation, ImportBegun, ImportFinding, ImportOutcome,
    NewImport, RevocationBatch, RevokedBefore,
};
pub use revoke::{CaStops, LiveOfProfile, RevokeCa, RevokedCa};
pub use types::{
    Activation, Ca, CaSettings, Crl, CrlSettings, Cross, DeltaCrl, ExportKey, ExportedKey, ExternalChain,
    NewCa, NextCa, Rollover, SignCrl,
};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list, create::create))
        .routes(routes!(show))
        .routes(routes!(chain))
        .routes(routes!(create::install))
        .routes(routes!(settings::set))
        .routes(routes!(custody::sign_crl))
        .routes(routes!(custody::export))
        .routes(routes!(custody::remove))
        .routes(routes!(revoke::revoke))
        .merge(rollover::routes())
        .merge(import::routes())
}

/// All CAs, issuing CAs first.
#[utoipa::path(get, path = "/api/v1/cas", tag = "cas",
    responses((status = 200, description = "CAs", body = Page<Ca>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::CasRead).await?;
    query.only(&["limit", "cursor"])?;
    let mut items = Vec::new();
    let hierarchy = state.desk.authority.hierarchy();
    for ca in hierarchy.all() {
        items.push(described(&state, &hierarchy, ca).await?);
    }
    json::answer(StatusCode::OK, &Page::whole(items))
}

/// One CA, with its certificate.
#[utoipa::path(get, path = "/api/v1/cas/{id}", tag = "cas", params(("id" = String, Path)),
    responses((status = 200, description = "The CA", body = Ca), Refusals))]
pub async fn show(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::CasRead).await?;
    shown(&state, StatusCode::OK, &known(&id)?).await
}

/// A CA's chain as PEM: its own certificate first, the root last.
#[utoipa::path(get, path = "/api/v1/cas/{id}/chain", tag = "cas", params(("id" = String, Path)),
    responses((status = 200, description = "The chain", body = String, content_type = "text/plain"), Refusals))]
pub async fn chain(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::CasRead).await?;
    let hierarchy = state.desk.authority.hierarchy();
    let ca = hierarchy.require(&known(&id)?)?;
    let text: String = ca.chain.iter().map(|c| c.pem()).collect();
    Ok(([("content-type", "text/plain; charset=utf-8")], text).into_response())
}

/// Reads the bodies that hold secrets, each a type of this module alone, and forgets them: for the fuzzer.
pub fn read_any(body: &[u8]) {
    let _outcomes = (create::reads(body), custody::reads(body), import::reads(body));
    let _outcomes = (settings::reads(body), rollover::reads(body), revoke::reads(body));
}

fn known(id: &str) -> Result<CaId> {
    id.parse().map_err(|_| Error::not_found("CA", "of that name"))
}

/// A CA as it stands now, with its certificate or its request.
async fn shown(state: &Service, status: StatusCode, id: &CaId) -> Answer {
    let hierarchy = state.desk.authority.hierarchy();
    let ca = hierarchy.require(id)?;
    let request = ca.record.request.as_ref().filter(|_| ca.certificate.is_none());
    let told = described(state, &hierarchy, ca).await?;
    let cross_certificates = rollover::crosses(state, &hierarchy, ca);
    let answer = Ca {
        rollover: told.rollover.clone().map(|told| Rollover { cross_certificates, ..told }),
        pem: ca.certificate.as_ref().map(|c| c.pem()),
        request_pem: request.map(|der| pem::encode("CERTIFICATE REQUEST", der)),
        crls: crls::all(&state.desk.authority, ca),
        ..told
    };
    json::answer(status, &answer)
}

async fn described(state: &Service, hierarchy: &Hierarchy, ca: &LoadedCa) -> Result<Ca> {
    let authority = &state.desk.authority;
    let certificate = ca.certificate.as_ref();
    Ok(Ca {
        id: ca.record.id.to_string(),
        role: match ca.record.role {
            Role::Root => "root",
            Role::Issuing => "issuing",
        }
        .to_owned(),
        subject: ca.record.subject.to_string(),
        algorithm: ca.record.algorithm.to_string(),
        parent: ca.record.parent.as_ref().map(ToString::to_string),
        serial: certificate.map(|c| c.serial().to_string()),
        not_before: certificate.map(|c| c.not_before().to_string()),
        not_after: certificate.map(|c| c.not_after().to_string()),
        key: key_state(ca).to_owned(),
        key_store: authority.keys.place(&ca.record.key).to_string(),
        state: state_of(hierarchy, ca).to_owned(),
        revoked_at: ca.revoked.as_ref().map(|revoked| revoked.at.to_string()),
        reason: ca.revoked.as_ref().map(|revoked| revoked.reason.as_str().to_owned()),
        rollover: rollover::told(state, hierarchy, ca).await?,
        crl: authority.published().of(&ca.record.id).map(|crl| crls::listed(authority, &crl)),
        crl_state: crls::state(authority, ca).to_owned(),
        crl_settings: crls::settings(ca),
        crls: None,
        fingerprint_sha256: certificate.map(|c| json::hex(&c.fingerprint())),
        pem: None,
        request_pem: None,
    })
}

fn state_of(hierarchy: &Hierarchy, ca: &LoadedCa) -> &'static str {
    if ca.revoked.is_some() { "revoked" } else { rollover::standing(hierarchy, ca) }
}

/// A key that was removed on purpose is told from one that is lost.
fn key_state(ca: &LoadedCa) -> &'static str {
    match (&ca.signer, ca.record.key_removed) {
        (Some(_), _) => "present",
        (None, Some(_)) => "removed",
        (None, None) => "missing",
    }
}
