//! Backups: one file with everything that a data folder needs to stand again elsewhere, as of one instant.
//!
//! The envelope is that of [`crate::keys::software::archive`]; what lies in it is [`content`]. See docs/decisions/backup.md.

pub mod content;
mod files;
mod make;
mod stream;
mod verify;

pub use make::{Made, Source, offline};
pub use stream::Backups;
pub use verify::{Verified, verify};

use crate::error::Error;

/// An error that came through a reader or writer: ours, or one of the system.
fn inner(e: std::io::Error) -> Error {
    if e.get_ref().is_some_and(|inner| inner.is::<Error>())
        && let Some(Ok(ours)) = e.into_inner().map(|inner| inner.downcast::<Error>())
    {
        return *ours;
    }
    Error::invalid("damaged-backup", "the backup is damaged: its content is cut short")
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::invalid("damaged-backup", format!("the backup is damaged: {what}"))
}
