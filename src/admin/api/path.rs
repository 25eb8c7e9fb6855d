//! The part of a path that names a thing.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::problem::Refusal;
use crate::error::{Error, Kind};

/// The name in the path, percent-decoded. What cannot be decoded names nothing: 404.
#[derive(Debug)]
pub struct Named(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Error::new(Kind::NotFound, "not-found", "no such resource").into()),
        }
    }
}
