//! CA rollover: the next CA is made, announced, takes over, and the one before retires by itself.
//!
//! A CA keeps its name, key and subject as long as it lives. Its successor is another CA of the same subject with a new
//! key and a name of its own (`rsa-issuing-g2`); who follows whom is a record beside them. A profile that names
//! `rsa-issuing` issues from whichever CA is in force under that name. See `docs/decisions/rollover.md`.

mod census;
mod certificate;
mod cross;
mod due;
mod lineage;
mod prepare;
pub mod records;
mod retire;
mod turn;

pub use census::{Leaves, leaves};
pub use cross::CrossCertificate;
pub use due::due;
pub use lineage::Standing;
pub use prepare::{Preparation, prepare};
pub use retire::retire_due;
pub use turn::{ACTIVATE, activate, cancel, schedule, tasks, unschedule};

pub(super) use census::Census;
pub(super) use prepare::forget_orphans;
