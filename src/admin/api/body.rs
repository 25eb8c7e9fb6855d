//! A request's body: bounded, of a known type, never compressed.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use zeroize::Zeroizing;

use super::json;
use super::problem::{Answer, Problem, Refusal};
use crate::error::{Error, Kind};

/// The largest body.
pub const MAX_BODY: usize = 64 * 1024;
/// The largest body that holds many things at once; the listener takes no more either.
pub const MAX_BATCH_BODY: usize = 256 * 1024;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// Nothing was sent.
    None,
    /// `application/json`.
    Json,
    /// `application/pkcs10` (RFC 5967).
    Pkcs10,
}

/// A body as it was received.
#[derive(Debug)]
pub struct Body {
    /// Its type.
    pub media: Media,
    /// Its bytes, wiped after use: they may hold a passphrase.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The Idempotency-Key, if one was sent.
    pub key: Option<String>,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: Uri,
}

impl Body {
    /// Reads a JSON body. Errors: 415 for another type, and those of [`json::read`].
    pub fn json<T: json::Body>(&self) -> Answer<T> {
        match self.media {
            Media::Json => Ok(json::read(&self.bytes)?),
            Media::None if self.bytes.is_empty() => {
                Err(Error::malformed("invalid-json", "line 1, column 1: a JSON object is expected").into())
            }
            Media::None | Media::Pkcs10 => Err(unsupported("application/json is expected")),
        }
    }

    /// Reads a JSON body in which nothing is required: none stands for `{}`.
    pub fn json_or_empty<T: json::Body>(&self) -> Answer<T> {
        match self.media {
            Media::None | Media::Json if self.bytes.is_empty() => Ok(json::read(b"{}")?),
            Media::None | Media::Json | Media::Pkcs10 => self.json(),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, _state: &S) -> Answer<Self> {
        receive(request, MAX_BODY).await
    }
}

/// The body of an operation that takes many things at once: up to [`MAX_BATCH_BODY`].
#[derive(Debug)]
pub struct BatchBody(pub Body);

impl<S: Send + Sync> FromRequest<S> for BatchBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, _state: &S) -> Answer<Self> {
        receive(request, MAX_BATCH_BODY).await.map(Self)
    }
}

async fn receive(request: Request, most: usize) -> Answer<Body> {
    let (parts, body) = request.into_parts();
    let media = media(&parts.headers)?;
    refuse_encoding(&parts.headers)?;
    let key = idempotency_key(&parts.headers)?;
    refuse_length(&parts.headers, most)?;
    let bytes = match Limited::new(body, most).collect().await {
        Ok(body) => Zeroizing::new(body.to_bytes().to_vec()),
        Err(e) if e.is::<LengthLimitError>() => return Err(too_large(most)),
        Err(e) => {
            return Err(Error::malformed("body-unreadable", "the body broke off").because(e).into());
        }
    };
    if media == Media::None && !bytes.is_empty() {
        return Err(unsupported("a Content-Type is needed"));
    }
    Ok(Body { media, bytes, key, method: parts.method, target: parts.uri })
}

fn media(headers: &HeaderMap) -> Answer<Media> {
    let mut all = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(first) = all.next() else { return Ok(Media::None) };
    let text = first.to_str().ok().filter(|t| t.len() <= 256 && all.next().is_none());
    let mut parts = text.unwrap_or_default().split(';').map(str::trim);
    let media = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "application/json" => Media::Json,
        "application/pkcs10" => Media::Pkcs10,
        _ => return Err(unsupported("application/json is expected (application/pkcs10 for a certificate)")),
    };
    let parameters: Vec<String> = parts.map(|p| p.to_ascii_lowercase().replace('"', "")).collect();
    match parameters.as_slice() {
        [] => Ok(media),
        [only] if only == "charset=utf-8" => Ok(media),
        _ => Err(unsupported("the only parameter a Content-Type may have is charset=utf-8")),
    }
}

fn refuse_encoding(headers: &HeaderMap) -> Answer<()> {
    let plain = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|v| v.as_bytes().eq_ignore_ascii_case(b"identity"));
    if plain { Ok(()) } else { Err(unsupported("compressed bodies are not taken")) }
}

fn refuse_length(headers: &HeaderMap, most: usize) -> Answer<()> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|n| n > most as u64) { Err(too_large(most)) } else { Ok(()) }
}

fn idempotency_key(headers: &HeaderMap) -> Answer<Option<String>> {
    let mut all = headers.get_all("idempotency-key").iter();
    let Some(first) = all.next() else { return Ok(None) };
    let key = first
        .to_str()
        .ok()
        .filter(|k| (1..=255).contains(&k.len()) && k.bytes().all(|b| b.is_ascii_graphic()));
    match (key, all.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        _ => {
            let detail = "Idempotency-Key is sent once and has 1 to 255 visible ASCII characters";
            Err(Error::malformed("invalid-idempotency-key", detail).into())
        }
    }
}

fn unsupported(detail: &str) -> Refusal {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail).into()
}

fn too_large(most: usize) -> Refusal {
    Error::new(Kind::TooLarge, "body-too-large", format!("a body has at most {most} bytes here")).into()
}
