//! `/cas/import`: a CA of another program is brought in, with what it issued and revoked, in bounded steps.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::crls::listed;
use super::known;
use crate::admin::api::Shared;
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::json;
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::ca::import::{self, Fate};
use crate::ca::records::Role;
use crate::error::Error;
use crate::id::CaId;

mod read;
mod types;

pub use types::{
    CertificateBatch, ImportActivated, ImportActivation, ImportBegun, ImportFinding, ImportOutcome,
    NewImport, RevocationBatch, RevokedBefore,
};

pub(super) use read::reads;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(certificates))
        .routes(routes!(revocations))
        .routes(routes!(activate))
}

/// Begins an import: key and chain are checked and kept. Nothing is signed until it is activated; again for the same
/// CA it answers how far that is.
#[utoipa::path(post, path = "/api/v1/cas/import", operation_id = "begin_import", tag = "cas", request_body = NewImport,
    responses((status = 200, description = "How far it is", body = ImportBegun), Refusals))]
pub async fn begin(State(state): Shared, caller: Caller, body: Body) -> Answer {
    caller.may(Permission::CasImport).await?;
    let read::Draft { new, dry_run } = body.json()?;
    let id = new.id.clone();
    let begun =
        import::begin(&state.desk.authority, new, dry_run, caller.actor()).await.map_err(read::inner)?;
    json::answer(StatusCode::OK, &begun_as(&id, &begun))
}

/// Takes in at most 100 certificates that the CA issued. What is here already is left as it is.
#[utoipa::path(post, path = "/api/v1/cas/import/{id}/certificates", operation_id = "import_certificates", tag = "cas",
    request_body = CertificateBatch, params(("id" = String, Path)),
    responses((status = 200, description = "What became of each", body = ImportOutcome), Refusals))]
pub async fn certificates(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::CasImport).await?;
    let (id, batch) = (known(&id)?, body.json::<read::Certificates>()?);
    let profile = match &batch.profile {
        Some(profile) => Some(read::profile(&state, profile)?),
        None => None,
    };
    let fates = import::certificates(&state.desk.authority, &id, batch.ders, profile, caller.actor()).await?;
    json::answer(StatusCode::OK, &outcome(fates))
}

/// Takes in at most 400 revocations of the CA, also of certificates that did not come. What is revoked already is left
/// as it is.
#[utoipa::path(post, path = "/api/v1/cas/import/{id}/revocations", operation_id = "import_revocations", tag = "cas",
    request_body = RevocationBatch, params(("id" = String, Path)),
    responses((status = 200, description = "What became of each", body = ImportOutcome), Refusals))]
pub async fn revocations(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::CasImport).await?;
    let (id, read::Revocations(batch)) = (known(&id)?, body.json()?);
    let fates = import::revocations(&state.desk.authority, &id, &batch, caller.actor()).await?;
    json::answer(StatusCode::OK, &outcome(fates))
}

/// Ends an import: the CA becomes one of ours and its first CRL is published, with a number above its last one.
#[utoipa::path(post, path = "/api/v1/cas/import/{id}/activate", operation_id = "activate_import", tag = "cas",
    request_body = ImportActivation, params(("id" = String, Path)),
    responses((status = 200, description = "The CA's CRL", body = ImportActivated), Refusals))]
pub async fn activate(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::CasImport).await?;
    let (id, activation) = (known(&id)?, body.json_or_empty::<ImportActivation>()?);
    let done =
        import::activate(&state.desk.authority, &id, activation.last_crl_number, caller.actor()).await?;
    let answer = ImportActivated {
        id: id.to_string(),
        crl: listed(&state.desk.authority, &done.crl),
        jumped: done.jumped,
    };
    json::answer(StatusCode::OK, &answer)
}

fn begun_as(id: &CaId, begun: &import::Begun) -> ImportBegun {
    let certificate = &begun.certificate;
    ImportBegun {
        id: id.to_string(),
        state: match begun.state {
            import::State::Checked => "checked",
            import::State::Running => "running",
            import::State::Active => "active",
        }
        .to_owned(),
        role: match begun.role {
            Role::Root => "root",
            Role::Issuing => "issuing",
        }
        .to_owned(),
        subject: certificate.subject().to_string(),
        not_after: certificate.not_after().to_string(),
        certificate_pem: certificate.pem(),
    }
}

fn outcome(fates: Vec<Fate>) -> ImportOutcome {
    let mut told = ImportOutcome::default();
    for (index, fate) in fates.into_iter().enumerate() {
        match fate {
            Fate::Imported => told.imported += 1,
            Fate::Known => told.known += 1,
            Fate::Skipped(reason) => {
                told.skipped += 1;
                told.findings.push(finding(index, "skipped", "skipped", &reason));
            }
            Fate::Refused(error) => {
                told.refused += 1;
                told.findings.push(refused(index, &error));
            }
        }
    }
    told
}

fn refused(index: usize, error: &Error) -> ImportFinding {
    finding(index, "refused", error.code(), error.detail())
}

fn finding(index: usize, outcome: &str, code: &str, reason: &str) -> ImportFinding {
    ImportFinding { index, outcome: outcome.to_owned(), code: code.to_owned(), reason: reason.to_owned() }
}
