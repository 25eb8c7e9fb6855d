//! Looking through a whole backup without writing anything.

use std::io::Read;

use super::content::{Begin, End, Entry, Reader};
use crate::error::Result;
use crate::keys::software::archive;
use crate::storage::Report;
use crate::storage::load::Load;

/// A backup that was read to its end.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What it says of itself.
    pub begin: Begin,
    /// What it holds.
    pub end: End,
    /// What is wrong with the store in it; it was so when the backup was made.
    pub report: Report,
}

/// Reads a backup to its end: every frame, every count, the audit log's chain. Blocking.
/// Errors: `not-a-backup`, `backup-newer`, `damaged-backup`, `wrong-password`, `unreadable-backup`.
pub fn verify(source: impl Read, password: &str) -> Result<Verified> {
    let (mut reader, begin) = Reader::begin(archive::open(source, password)?)?;
    let mut load = Load::looking();
    loop {
        match reader.entry()? {
            Entry::File(_) => {}
            Entry::Row(part, key, value) => load.row(part, key, value)?,
            Entry::End(end) => return Ok(Verified { begin, end, report: load.finish()? }),
        }
    }
}
