//! `/clusters`: clusters of call control, each with its trust lists.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Caller;
use super::body::Body;
use super::page::Page;
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use super::tokens::located;
use super::{Shared, idempotency, json};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::store::Db;
use crate::trust::records::{AnchorRecord, ClusterRecord, ListKind};
use crate::trust::warning::Warning;
use crate::trust::{anchor, cluster, release};

mod create;
mod settings;
mod types;

pub use types::{Caution, Cluster, ClusterSettings, NewCluster};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list, create::create))
        .routes(routes!(show, delete))
        .routes(routes!(settings::set))
}

/// All clusters, by name.
#[utoipa::path(get, path = "/api/v1/clusters", tag = "trust",
    responses((status = 200, description = "Clusters", body = Page<Cluster>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::TrustRead).await?;
    query.only(&["limit", "cursor"])?;
    let db = &state.desk.authority.db;
    let mut items = Vec::new();
    for record in cluster::all(db).await? {
        let anchors = anchor::of(db, &record.id).await?;
        items.push(described(db, &record, &anchors).await?);
    }
    json::answer(StatusCode::OK, &Page::whole(items))
}

/// One cluster.
#[utoipa::path(get, path = "/api/v1/clusters/{id}", tag = "trust", params(("id" = String, Path)),
    responses((status = 200, description = "The cluster", body = Cluster), Refusals))]
pub async fn show(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::TrustRead).await?;
    shown(&state, StatusCode::OK, &known(&id)?, Vec::new()).await
}

/// Forgets a cluster and its anchors. Its releases stay on record; phones are served its lists no longer.
#[utoipa::path(delete, path = "/api/v1/clusters/{id}", tag = "trust", params(("id" = String, Path)),
    responses((status = 204, description = "It is forgotten"), Refusals))]
pub async fn delete(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::TrustWrite).await?;
    cluster::delete(&state.desk.authority, &known(&id)?, caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Reads the bodies of this resource, and forgets them: for the fuzzer.
pub fn read_any(body: &[u8]) {
    let _outcomes = (create::reads(body), settings::reads(body));
}

/// A name in a path. Errors: `not-found`.
pub(super) fn known(id: &str) -> Result<ClusterId> {
    id.parse().map_err(|_| Error::not_found("cluster", "of that name"))
}

/// What an operator should know, as the API says it.
pub(super) fn cautions(warnings: Vec<Warning>) -> Vec<Caution> {
    let said = warnings.into_iter();
    said.map(|warning| Caution { code: warning.code.to_owned(), detail: warning.text }).collect()
}

/// A cluster as it stands now, with what a change of it would bring about.
async fn shown(state: &Service, status: StatusCode, id: &ClusterId, warnings: Vec<Warning>) -> Answer {
    let db = &state.desk.authority.db;
    let record = cluster::require(db, id).await?.value;
    let anchors = anchor::of(db, id).await?;
    let told = described(db, &record, &anchors).await?;
    let answer = Cluster { warnings: cautions(warnings), ..told };
    let answer = json::answer(status, &answer)?;
    if status == StatusCode::CREATED {
        located(answer, &format!("/api/v1/clusters/{id}"))
    } else {
        Ok(answer)
    }
}

async fn described(db: &Db, record: &ClusterRecord, anchors: &[AnchorRecord]) -> Result<Cluster> {
    let signer = anchors.iter().find(|anchor| anchor.fingerprint == record.signer);
    let signer = signer.and_then(|anchor| anchor.read().ok());
    let number = async |kind: ListKind| -> Result<Option<u32>> {
        Ok(release::current(db, &record.id, kind).await?.map(|release| release.number))
    };
    Ok(Cluster {
        id: record.id.to_string(),
        title: record.title.clone(),
        mode: record.mode.to_string(),
        digest: record.digest.to_string(),
        signer_sha256: json::hex(&record.signer),
        signer: signer.map(|certificate| certificate.subject().to_string()),
        signer_version: record.signer_version.map(|(major, minor)| format!("{major}.{minor}")),
        tvs: record.tvs.clone(),
        tftp: record.tftp.clone(),
        anchors: anchors.len() as u64,
        ctl_release: number(ListKind::Ctl).await?,
        itl_release: number(ListKind::Itl).await?,
        created: record.created.to_string(),
        created_by: record.created_by.clone(),
        changed: record.changed.to_string(),
        warnings: Vec::new(),
    })
}

async fn once(
    state: Arc<Service>,
    caller: Caller,
    body: Body,
    work: impl Future<Output = Answer> + Send + 'static,
) -> Answer {
    idempotency::detached(async move {
        let db = state.desk.authority.db.clone();
        idempotency::once(&db, state.now(), &caller, &body, work).await
    })
    .await
}
