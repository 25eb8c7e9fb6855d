//! Plain HTTP: `/scep`, `/scep/<profile>` and any path below them.

use std::sync::Arc;

use axum::Router;

use crate::enrol::Desk;
use crate::enrol::scep_ra::RaSource;

/// The routes of this room.
pub fn router(_desk: Arc<Desk>, _ra: Arc<dyn RaSource>) -> Router {
    todo!()
}
