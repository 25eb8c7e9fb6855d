//! Plain HTTP: `/trust/<store>.<format>` and a `.sha512` beside it, with ETag.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::bundle::{self, Format};
use crate::ca::Authority;
use crate::ca::http::{Document, not_found};
use crate::error::Result;

/// A new CA is to be known soon.
const MAX_AGE: u32 = 300;

/// The routes of this room.
pub fn router(authority: Arc<Authority>) -> Router {
    Router::new().route("/trust/{file}", get(bundle)).with_state(authority)
}

async fn bundle(
    State(authority): State<Arc<Authority>>,
    Path(file): Path<String>,
    asked: HeaderMap,
) -> Response {
    match document(&authority, &file) {
        Ok(Some(document)) => document.answer(&asked),
        Ok(None) => not_found("no such bundle: the addresses are /trust/signet.pem and /trust/signet.p7b"),
        Err(error) => {
            tracing::error!(%error, file, "a trust bundle could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn document(authority: &Authority, file: &str) -> Result<Option<Document>> {
    let (name, is_checksum) = file.strip_suffix(".sha512").map_or((file, false), |name| (name, true));
    let Some((store, format)) = Format::split(name) else { return Ok(None) };
    let Some(anchors) = bundle::anchors(&authority.hierarchy(), store) else { return Ok(None) };
    let bytes = bundle::write(&anchors, format)?;
    let (bytes, media_type) = match format {
        _ if is_checksum => (bundle::checksum(&bytes, name).into_bytes(), "text/plain; charset=utf-8"),
        Format::Pem => (bytes, "application/x-pem-file"),
        Format::Pkcs7 => (bytes, "application/x-pkcs7-certificates"),
    };
    Ok(Some(Document { bytes: bytes.into(), media_type, modified: None, max_age: MAX_AGE, tag: None }))
}
