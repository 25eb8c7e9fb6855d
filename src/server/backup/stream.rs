//! Backups for the API, while the server serves.

use std::io::Write;

use super::make::Source;
use crate::admin;
use crate::admin::api::backups::BackupMade;
use crate::clock::Clock;
use crate::error::Result;

/// Writes backups of a store that is in use.
pub struct Backups {
    source: Source,
    clock: Clock,
}

impl Backups {
    /// Of what `source` names.
    pub fn new(source: Source, clock: Clock) -> Self {
        Self { source, clock }
    }
}

impl admin::Backups for Backups {
    fn write(&self, out: &mut dyn Write) -> Result<BackupMade> {
        let made = self.source.write(out, self.clock.now())?;
        Ok(BackupMade { records: made.end.records, audit_entries: made.end.audit_entries })
    }
}
