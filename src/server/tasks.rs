//! Which room does which kind of scheduled work: the only place that knows them all.

use std::sync::Arc;

use crate::enrol::Desk;
use crate::task::Handlers;

/// All kinds of work. Each is idempotent: what a crash cut off is done again.
pub(super) fn handlers(_desk: &Arc<Desk>) -> Handlers {
    Handlers::default()
}
