//! Plain HTTP: `/crl/<ca>.crl` and `/ca/<ca>.crt`, DER, with ETag and caching.

use std::sync::Arc;

use axum::Router;

use crate::ca::Authority;

/// The routes of this room.
pub fn router(_authority: Arc<Authority>) -> Router {
    todo!()
}
