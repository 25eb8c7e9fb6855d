//! HTTP for phones (TCP 6970, and over TLS 6971 and 6972): lists and signed files by their names, with ETag.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::fetch::{Depot, Served};
use super::ledger::Over;
use crate::ca::http::{is_held, not_found};

const NOTHING: &str =
    "no such file for this device; files are named as ITLSEP0123456789AB.tlv or SEP0123456789AB.cnf.xml.sgn";

/// The files; `over` says over what they are fetched, for the ledger.
pub fn router(depot: Arc<Depot>, over: Over) -> Router {
    Router::new().route("/{file}", get(file)).fallback(async || not_found(NOTHING)).with_state((depot, over))
}

async fn file(
    State((depot, over)): State<(Arc<Depot>, Over)>,
    Path(name): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    asked: HeaderMap,
) -> Response {
    match depot.find(&name).await {
        Ok(None) => not_found(NOTHING),
        Ok(Some(served)) => {
            let answer = answer(&served, &asked);
            if method == Method::GET {
                depot.note(served, peer.ip(), over);
            }
            answer
        }
        Err(error) => {
            tracing::error!(%error, name, "a file could not be served");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// The file, or 304 to who holds it (RFC 9110 §13.1.2).
fn answer(served: &Served, asked: &HeaderMap) -> Response {
    let mut response = if is_held(asked, &served.tag, None) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = Body::from(Bytes::from_owner(Arc::clone(&served.bytes)));
        let octets = [(header::CONTENT_TYPE, "application/octet-stream")];
        (octets, body).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(&served.tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
