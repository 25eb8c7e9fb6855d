//! Plain HTTP: `/ocsp` by POST, `/ocsp/<base64>` by GET (RFC 6960 appendix A, RFC 9919).

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Answer, Ocsp};
use crate::ca::http::{entity_tag, http_date};
use crate::x509::ocsp::{Failure, failure};

/// The largest request, in octets.
const MAX_BODY: usize = 16 * 1024;
/// The media type of a request.
const REQUEST: &str = "application/ocsp-request";
/// The media type of an answer.
const RESPONSE: &str = "application/ocsp-response";
/// A revocation is to be seen soon: nobody may keep an answer for long without asking again.
const MAX_AGE: u32 = 60;
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The routes of this room.
pub fn router(ocsp: Arc<Ocsp>) -> Router {
    Router::new()
        .route("/ocsp", post(by_post))
        .route("/ocsp/", post(by_post))
        .route("/ocsp/{*request}", get(by_get))
        .with_state(ocsp)
}

async fn by_post(State(ocsp): State<Arc<Ocsp>>, peer: Peer, headers: HeaderMap, body: Bytes) -> Response {
    let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(REQUEST) {
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the Content-Type is application/ocsp-request");
    }
    if body.len() > MAX_BODY {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "a request has at most 16 KiB");
    }
    answer(&ocsp, &body, peer, &headers).await
}

async fn by_get(State(ocsp): State<Arc<Ocsp>>, peer: Peer, headers: HeaderMap, uri: Uri) -> Response {
    let written = uri.path().strip_prefix("/ocsp/").unwrap_or_default();
    match decode(written) {
        Some(request) => answer(&ocsp, &request, peer, &headers).await,
        None => failed(Failure::MalformedRequest),
    }
}

/// Who asks, if the listener knows.
struct Peer(Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())))
    }
}

/// Base64 as it stands in a path: `/`, `+` and `=` as they are or percent-encoded.
fn decode(written: &str) -> Option<Vec<u8>> {
    let mut bytes = written.bytes();
    let mut text = Vec::with_capacity(written.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|d| char::from(d).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            text.push((high * 16 + low) as u8);
        } else {
            text.push(byte);
        }
    }
    BASE64.decode(text).ok()
}

async fn answer(ocsp: &Ocsp, request: &[u8], Peer(from): Peer, asked: &HeaderMap) -> Response {
    match ocsp.answer(request, from).await {
        Ok(answer) => signed(answer, asked),
        Err(failure) => failed(failure),
    }
}

/// With what caches need (RFC 9919 §6); an answer with a nonce is for one requester.
fn signed(answer: Answer, asked: &HeaderMap) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(RESPONSE));
    if answer.has_nonce {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return (headers, Body::from(Bytes::from_owner(answer.der))).into_response();
    }
    let tag = entity_tag(&answer.der);
    let control = format!("max-age={MAX_AGE}, public, no-transform, must-revalidate");
    put(&mut headers, header::CACHE_CONTROL, Some(control));
    put(&mut headers, header::LAST_MODIFIED, http_date(answer.this_update));
    put(&mut headers, header::EXPIRES, http_date(answer.next_update));
    let is_held = asked.get(header::IF_NONE_MATCH).is_some_and(|held| held.as_bytes() == tag.as_bytes());
    put(&mut headers, header::ETAG, Some(tag));
    if is_held {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, Body::from(Bytes::from_owner(answer.der))).into_response()
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|v| HeaderValue::from_str(&v).ok()) {
        headers.insert(name, value);
    }
}

fn failed(why: Failure) -> Response {
    let headers = [(header::CONTENT_TYPE, RESPONSE), (header::CACHE_CONTROL, "no-store")];
    (headers, failure(why).to_vec()).into_response()
}

fn refused(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revocation_35_36_every_valid_spelling_and_no_other() {
        let der = [0xff, 0xff, 0xfe, 0x3e];
        for written in ["///+Pg==", "%2F%2f%2F%2BPg%3D%3D", "///+Pg", "//%2F+Pg="] {
            assert_eq!(decode(written).as_deref(), Some(&der[..]), "{written}");
        }
        for written in ["___-Pg==", "/// +Pg==", "///%2", "%zz", "../..", "///+Pg==/../x"] {
            assert_eq!(decode(written), None, "{written}");
        }
    }
}
