//! `/healthz`, `/readyz` and `/metrics` on the plain listener: no secrets, and no names but those of CAs.

use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::admin::state::State;
use crate::ca::LoadedCa;
use crate::ca::records::Role;

/// The routes.
pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(state)
}

/// The process runs and answers.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Everything serves: listeners, store and CAs, and the audit log is the one it was.
async fn readyz(Shared(state): Shared<Arc<State>>) -> Response {
    if let Some(fault) = state.inspector.fault() {
        let told = format!("degraded: audit log: {fault}\n");
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "60")], told).into_response();
    }
    if let Some(ca) = state.desk.authority.hierarchy().all().iter().find(|ca| is_mute(ca)) {
        let told = format!("not ready: the key of the CA {} is missing from the key folder\n", ca.record.id);
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "60")], told).into_response();
    }
    if state.is_ready() && state.desk.authority.db.raw().health().is_ok() {
        // Named by nothing but its sort: who asks here gave no token. The rest serves, so it is no 503.
        let well = state.desk.profiles.sources().is_well();
        let told = if well { "ready\n" } else { "ready\ndegraded: a challenge source does not answer\n" };
        return told.into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], "not ready\n").into_response()
}

/// An issuing CA that can neither issue nor revoke; a root's key is not needed every day.
fn is_mute(ca: &LoadedCa) -> bool {
    ca.lacks_key() && ca.record.role == Role::Issuing
}

async fn metrics(Shared(state): Shared<Arc<State>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render())
        .into_response()
}
