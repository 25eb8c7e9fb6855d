//! What each listener answers.

use axum::Router;

use crate::server::state::State;
use crate::{admin, ca, enrol, trust};

/// Plain HTTP: SCEP, CRLs, CA certificates, trust bundles, health and metrics.
pub fn plain(state: &State) -> Router {
    let authority = state.desk.authority.clone();
    Router::new()
        .merge(ca::http::router(authority.clone()))
        .merge(ca::ocsp::http::router(state.ocsp.clone()))
        .merge(trust::http::router(authority))
        .merge(enrol::scep::http::router(state.desk.clone(), state.identities.clone()))
        .merge(admin::plain_router(state.admin.clone()))
}

/// HTTPS: the API.
pub fn api(state: &State) -> Router {
    admin::router(state.admin.clone())
}
