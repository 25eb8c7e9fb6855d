//! What each listener answers.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

use crate::server::listen::Field;
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

/// What every answer of plain HTTP says.
pub static PLAIN_FIELDS: [Field; 1] = [(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))];

/// HTTPS: the API.
pub fn api(state: &State) -> Router {
    admin::router(state.admin.clone())
}

/// What every answer of the API says.
pub static API_FIELDS: [Field; 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];
