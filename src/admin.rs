//! Operators: tokens, roles and the REST API under `/api/v1`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use crate::error::{Error, Result};

pub mod api;
pub mod duration;
mod plain;
pub mod policies;
pub mod records;
pub mod roles;
pub mod state;
pub mod tokens;

pub use state::{Inspector, Parts, State};

/// The API, for the HTTPS listener.
pub fn router(state: Arc<State>) -> Router {
    api::router(state)
}

/// `/healthz`, `/readyz` and `/metrics`, for the plain listener.
pub fn plain_router(state: Arc<State>) -> Router {
    plain::router(state)
}

/// Removes what is kept only for a while (answers to repeated requests), at most `most` of them; returns how
/// many. For the server's worker.
pub async fn sweep(state: &State, most: usize) -> Result<usize> {
    api::idempotency::sweep(&state.desk.authority.db, state.now(), most).await
}

/// The longest life that may be asked of a token.
pub const MAX_TOKEN_TTL: Duration = Duration::from_hours(24 * 366 * 5);

pub(crate) fn already_exists(what: &str, name: &str) -> Error {
    Error::conflict("already-exists", format!("there is a {what} of that name already: {name}"))
}
