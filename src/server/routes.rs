//! What each listener answers.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::map_response;
use axum::response::Response;

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
        .layer(map_response(async |mut response: Response| {
            set(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
            response
        }))
}

/// HTTPS: the API.
pub fn api(state: &State) -> Router {
    admin::router(state.admin.clone()).layer(map_response(async |mut response: Response| {
        set(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(&mut response, CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
        set(&mut response, STRICT_TRANSPORT_SECURITY, "max-age=31536000");
        set(&mut response, CACHE_CONTROL, "no-store");
        response
    }))
}

/// What a handler said for itself stands.
fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
}
