//! Which room does which kind of scheduled work: the only place that knows them all.

use std::sync::Arc;

use crate::ca::renewal::supersede;
use crate::enrol::Desk;
use crate::task::{Handlers, Retry};

/// All kinds of work. Each is idempotent: what a crash cut off is done again.
pub(super) fn handlers(desk: &Arc<Desk>) -> Handlers {
    let authority = Arc::clone(&desk.authority);
    Handlers::default().on(supersede::KIND, Retry::default(), move |leased| {
        let authority = Arc::clone(&authority);
        async move { supersede::run(&authority, &leased.task.body).await }
    })
}
