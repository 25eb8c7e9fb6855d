//! Which room does which kind of scheduled work: the only place that knows them all.

use std::sync::Arc;

use crate::enrol::Desk;
use crate::notice::{self, Notices};
use crate::task::{Handlers, Retry};

/// All kinds of work. Each is idempotent: what a crash cut off is done again.
pub(super) fn handlers(_desk: &Arc<Desk>, notices: &Arc<Notices>) -> Handlers {
    let notices = notices.clone();
    Handlers::default().on(notice::SEND, Retry::default(), move |leased| {
        let notices = notices.clone();
        async move { notice::deliver(&notices, leased).await }
    })
}
