//! Plain HTTP: `/crl/<ca>.crl`, `/crl/<ca>/<shard>.crl`, their delta CRLs, and `/ca/<ca>.crt`, with ETag and caching.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::ca::Authority;
use crate::ca::crl::PublishedCrl;
use crate::ca::records::Scope;
use crate::clock::Timestamp;
use crate::id::CaId;

/// A CRL may change within a second of a revocation: nobody may keep it for long without asking again.
const CRL_MAX_AGE: u32 = 60;
/// A CA's certificate hardly ever changes.
const CERTIFICATE_MAX_AGE: u32 = 3600;
/// RFC 9110 §5.6.7.
const HTTP_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// The routes of this room.
pub fn router(authority: Arc<Authority>) -> Router {
    Router::new()
        .route("/crl/{file}", get(crl))
        .route("/crl/{ca}/{file}", get(part))
        .route("/ca/{file}", get(certificate))
        .with_state(authority)
}

/// A CA's first or only CRL, as DER or PEM.
async fn crl(
    State(authority): State<Arc<Authority>>,
    Path(file): Path<String>,
    asked: HeaderMap,
) -> Response {
    let found = read_form(&file).and_then(|(name, form)| {
        let ca = name.parse::<CaId>().ok()?;
        Some((authority.published().of(&ca)?, form))
    });
    match found {
        None => not_found(NO_CRL),
        Some((crl, form)) => served(&crl, form).await.answer(&asked),
    }
}

/// The CRL of a shard, or a delta CRL.
async fn part(
    State(authority): State<Arc<Authority>>,
    Path((ca, file)): Path<(String, String)>,
    asked: HeaderMap,
) -> Response {
    let Some((scope, is_delta, form)) = read_part(&ca, &file) else { return not_found(NO_CRL) };
    let published = authority.published();
    let Some(complete) = published.complete(&scope) else { return not_found(NO_CRL) };
    let found = if is_delta { published.delta(&scope) } else { Some(complete) };
    match found {
        None => not_found("no base CRL: this CA makes no delta CRLs (signet ca set ID --crl-delta-hours N)"),
        Some(crl) => served(&crl, form).await.answer(&asked),
    }
}

const NO_CRL: &str = "no such CRL: the address is /crl/<ca>.crl, with the name of a CA of this server, or \
    /crl/<ca>/<shard>.crl, as it stands in the certificate; .pem instead of .crl gives PEM";

/// How a CRL is written.
#[derive(Clone, Copy)]
enum Form {
    Der,
    Pem,
}

fn read_form(file: &str) -> Option<(&str, Form)> {
    let der = file.strip_suffix(".crl").map(|name| (name, Form::Der));
    der.or_else(|| file.strip_suffix(".pem").map(|name| (name, Form::Pem)))
}

/// `7.crl`, `7-delta.crl`, and `delta.crl` of the first shard. A number has no sign and no leading zero.
fn read_part(ca: &str, file: &str) -> Option<(Scope, bool, Form)> {
    let (name, form) = read_form(file)?;
    let ca = ca.parse().ok()?;
    if name == "delta" {
        return Some((Scope { ca, shard: 0 }, true, form));
    }
    let (number, is_delta) = name.strip_suffix("-delta").map_or((name, false), |number| (number, true));
    let shard = number.parse::<u32>().ok().filter(|shard| *shard > 0 && shard.to_string() == number)?;
    Some((Scope { ca, shard }, is_delta, form))
}

async fn served(crl: &Arc<PublishedCrl>, form: Form) -> Document {
    let (bytes, media_type, mark) = match form {
        Form::Der => (Bytes::from_owner(Arc::clone(&crl.der)), "application/pkix-crl", ""),
        Form::Pem => (pem(crl).await, "application/x-pem-file", "-pem"),
    };
    Document {
        bytes,
        media_type,
        modified: Some(crl.this_update),
        max_age: CRL_MAX_AGE,
        tag: Some(tag_of(&crl.digest, mark)),
    }
}

/// A long one is written on another thread.
async fn pem(crl: &Arc<PublishedCrl>) -> Bytes {
    let crl = Arc::clone(crl);
    let pem = tokio::task::spawn_blocking(move || crl.pem()).await;
    pem.map_or_else(|_| Bytes::new(), Bytes::from_owner)
}

async fn certificate(
    State(authority): State<Arc<Authority>>,
    Path(file): Path<String>,
    asked: HeaderMap,
) -> Response {
    let hierarchy = authority.hierarchy();
    let own = named(&file, ".crt").and_then(|id| hierarchy.require(&id).ok()?.certificate.clone());
    let found = own.or_else(|| {
        let name = file.strip_suffix(".crt")?;
        let mut trusted = hierarchy.cross_certificates().filter(|cross| cross.is_trusted(&hierarchy));
        trusted.find(|cross| cross.name() == name).map(|cross| Arc::clone(&cross.certificate))
    });
    match found {
        None => not_found(
            "no such certificate: the address is /ca/<ca>.crt, with the name of a CA of this server",
        ),
        Some(certificate) => Document {
            bytes: Bytes::copy_from_slice(certificate.der()),
            media_type: "application/pkix-cert",
            modified: Some(certificate.not_before()),
            max_age: CERTIFICATE_MAX_AGE,
            tag: None,
        }
        .answer(&asked),
    }
}

fn named(file: &str, suffix: &str) -> Option<CaId> {
    file.strip_suffix(suffix)?.parse().ok()
}

/// A document that is the same for everyone until it changes.
pub(crate) struct Document {
    /// The body.
    pub bytes: Bytes,
    /// Content-Type.
    pub media_type: &'static str,
    /// Last-Modified.
    pub modified: Option<Timestamp>,
    /// Cache-Control: max-age, in seconds.
    pub max_age: u32,
    /// ETag, where it is known already; otherwise it is made of the body.
    pub tag: Option<String>,
}

impl Document {
    /// 200 with the body, or 304 if the client has it (RFC 9110 §13.1: If-None-Match goes before
    /// If-Modified-Since).
    pub fn answer(self, asked: &HeaderMap) -> Response {
        let tag = self.tag.unwrap_or_else(|| entity_tag(&self.bytes));
        let modified = self.modified.and_then(http_date);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        let max_age = format!("public, max-age={}", self.max_age);
        for (name, value) in [
            (header::ETAG, Some(tag.clone())),
            (header::LAST_MODIFIED, modified.clone()),
            (header::CACHE_CONTROL, Some(max_age)),
        ] {
            if let Some(value) = value.and_then(|v| HeaderValue::from_str(&v).ok()) {
                headers.insert(name, value);
            }
        }
        if is_held(asked, &tag, modified.as_deref()) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        (headers, Body::from(self.bytes)).into_response()
    }
}

/// A strong validator: the beginning of the body's SHA-256.
pub(super) fn entity_tag(bytes: &[u8]) -> String {
    tag_of(&Sha256::digest(bytes).into(), "")
}

fn tag_of(digest: &[u8; 32], mark: &str) -> String {
    let hex: String = digest[..16].iter().map(|b| format!("{b:02x}")).collect();
    format!("\"{hex}{mark}\"")
}

/// A moment as HTTP writes it (RFC 9110 §5.6.7).
pub(super) fn http_date(at: Timestamp) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(at.secs()).ok()?.format(HTTP_DATE).ok()
}

/// Whether who asks holds what the tag or the time says already (RFC 9110 §13.1).
pub(crate) fn is_held(asked: &HeaderMap, tag: &str, modified: Option<&str>) -> bool {
    let mut tags = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok()).peekable();
    if tags.peek().is_some() {
        return tags
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag);
    }
    let since = asked.get(header::IF_MODIFIED_SINCE).and_then(|v| v.to_str().ok());
    since.is_some() && since == modified
}

/// 404 as a problem document (RFC 9457) with a hint.
pub(crate) fn not_found(hint: &str) -> Response {
    let problem = serde_json::json!({
        "type": "about:blank", "title": "Not Found", "status": 404, "code": "not-found", "detail": hint,
    });
    let media_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (StatusCode::NOT_FOUND, media_type, problem.to_string()).into_response()
}
