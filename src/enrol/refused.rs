//! Refused requests: kept for a while, explained in words, and tried again without issuing.
//!
//! What is kept is written together with the refusal's audit entry, in one unit, and only as often as those are
//! ([`crate::enrol::throttle`]): refusing costs no write more than it did. The worker holds the bounds.

use crate::enrol::Desk;
use crate::error::Result;
use crate::keys::Sealer;

pub mod device;
pub mod explain;
mod keep;
pub mod record;
pub mod replay;
mod sweep;
pub mod table;
mod traits;

pub use keep::{Received, Refused, refuse_unread};
pub(super) use keep::{is_refusal, note, note_undecided, refuse};
pub use record::{Asked, MessageRecord, Protocol, RefusedRecord};
pub(super) use sweep::sweep;

/// What the messages are sealed for; part of what is stored.
const PURPOSE: &str = "refused-message";

fn sealer(desk: &Desk) -> Result<Sealer> {
    desk.authority.keys.sealer(PURPOSE)
}
