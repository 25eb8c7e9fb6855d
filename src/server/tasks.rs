//! Which room does which kind of scheduled work.

use std::sync::Arc;

use crate::ca::renewal::supersede;
use crate::ca::rollover;
use crate::device::campaign;
use crate::enrol::Desk;
use crate::notice::{self, Notices};
use crate::task::{Handlers, Retry};

/// All kinds of work. Each is idempotent: what a crash cut off is done again.
pub(super) fn handlers(desk: &Arc<Desk>, notices: &Arc<Notices>) -> Handlers {
    let (authority, notices) = (Arc::clone(&desk.authority), Arc::clone(notices));
    let campaigns = Arc::clone(desk);
    let handlers = Handlers::default()
        .on(supersede::KIND, Retry::default(), move |leased| {
            let authority = Arc::clone(&authority);
            async move { supersede::run(&authority, &leased.task.body).await }
        })
        .on(notice::SEND, Retry::default(), move |leased| {
            let notices = Arc::clone(&notices);
            async move { notice::deliver(&notices, leased).await }
        })
        .on(campaign::KIND, Retry::default(), move |leased| {
            let desk = Arc::clone(&campaigns);
            async move { campaign::run(&desk.authority, &desk.profiles.current(), &leased).await }
        });
    rollover::tasks(handlers, &desk.authority)
}
