//! `GET /version`: open to all.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::json;
use super::problem::Answer;

/// What answers here.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// `signet`.
    pub name: String,
    /// As `0.1.0`.
    pub version: String,
}

/// The program's name and version.
#[utoipa::path(get, path = "/api/v1/version", tag = "service", security(()),
    responses((status = 200, description = "Name and version", body = Version)))]
pub async fn show() -> Answer {
    let version = Version { name: "signet".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    json::answer(StatusCode::OK, &version)
}
