//! Plain HTTP: `/trust/<store>.<format>` and a `.sha512` beside it, with ETag.

use std::sync::Arc;

use axum::Router;

use crate::ca::Authority;

/// The routes of this room.
pub fn router(_authority: Arc<Authority>) -> Router {
    todo!()
}
