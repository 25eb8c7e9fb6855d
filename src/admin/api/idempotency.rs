//! Idempotency-Key on POST: what was done once is not done twice.
//!
//! A key is reserved before the work (absent by precondition: of two requests at once one works), and keeps the
//! answer of a success for a day. A refusal frees it. A secret is never kept: its replay is refused.

use std::future::Future;
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::body::Body as HttpBody;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};

use super::auth::Caller;
use super::body::Body;
use super::problem::{Answer, Refusal};
use crate::admin::records::{IdempotencyRecord, Kept};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::{CommitError, Db, Record, Stored, Unit, When};

mod claim;

pub use claim::{Claim, claim};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_hours(24);
/// After this, work that never ended (the process stopped) may be begun anew.
const ABANDONED: Duration = Duration::from_secs(60);

/// Does `work` to its end, even if the client goes away meanwhile. Errors: those of `work`.
pub async fn detached(work: impl Future<Output = Answer> + Send + 'static) -> Answer {
    let broken = |e| Err(Error::internal("a request's work broke off").because(e).into());
    tokio::spawn(work).await.unwrap_or_else(broken)
}

/// Does `work`, or answers as the first time if the same request came before under the same key.
/// Errors: those of `work`; 422 `idempotency-mismatch`; 409 `idempotency-replay`, `idempotency-running`.
pub async fn once(
    db: &Db,
    now: Timestamp,
    caller: &Caller,
    body: &Body,
    work: impl Future<Output = Answer>,
) -> Answer {
    match claim(now, caller, body, Kept::Running) {
        None => work.await,
        Some(claim) => match claim.reserve(db).await? {
            Some(earlier) => Ok(earlier),
            None => {
                let answer = work.await;
                claim.settle(db, answer).await
            }
        },
    }
}

/// The replay of a kept answer.
fn replay(kept: Kept) -> Result<Response> {
    match kept {
        Kept::Answer { status, content_type, location, body } => {
            let mut response = Response::new(HttpBody::from(body));
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let headers = response.headers_mut();
            let damaged = |_| Error::storage("an idempotency record is damaged");
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&content_type).map_err(damaged)?);
            if let Some(location) = location {
                headers.insert(header::LOCATION, HeaderValue::from_str(&location).map_err(damaged)?);
            }
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
            Ok(response)
        }
        Kept::Secret => Err(Error::conflict(
            "idempotency-replay",
            "this was done under the same Idempotency-Key; its secret was shown then and is not repeated",
        )),
        Kept::Running | Kept::Enrolment => Err(Error::conflict(
            "idempotency-running",
            "a request with this Idempotency-Key is being worked on; repeat it in a moment",
        )),
    }
}

/// Takes an answer apart so that it can be kept; the answer goes on as it was.
async fn keep(answer: Response) -> Result<(Response, Kept)> {
    let (parts, body) = answer.into_parts();
    let bytes =
        body.collect().await.map_err(|e| Error::internal("an answer broke off").because(e))?.to_bytes();
    let text = |name| parts.headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).map(str::to_owned);
    let kept = Kept::Answer {
        status: parts.status.as_u16(),
        content_type: text(header::CONTENT_TYPE).unwrap_or_default(),
        location: text(header::LOCATION),
        body: bytes.to_vec(),
    };
    Ok((Response::from_parts(parts, HttpBody::from(bytes)), kept))
}

/// A MAC over the request, under the bearer token: kept bodies cannot be guessed from the store.
fn request_mac(caller: &Caller, body: &Body) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, caller.bearer.as_bytes());
    let mut mac = hmac::Context::with_key(&key);
    mac.update(b"signet request 1\0");
    mac.update(format!("{} {}", body.method, body.target).as_bytes());
    mac.update(&[0, body.media as u8]);
    mac.update(&body.bytes);
    let mut out = [0; 32];
    out.copy_from_slice(mac.sign().as_ref());
    out
}

fn key_hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn mismatch() -> Refusal {
    Error::invalid("idempotency-mismatch", "this Idempotency-Key was used for another request").into()
}
