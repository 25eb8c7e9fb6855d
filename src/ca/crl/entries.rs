//! What stands on the next CRL of a scope, and what leaves with it. Rows are encoded page by page as they are read: a
//! shard may hold a million.

use std::collections::HashSet;

use crate::ca::import::records::ImportedRevocationRecord;
use crate::ca::records::{RevocationRecord, Scope};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::Serial;
use crate::store::{Db, Record, Stored, Unit, When};
use crate::x509::crl::{EntryList, Revoked};

/// How many expired entries leave with one CRL at most (a unit is bounded); the rest leave with the next.
const MAX_LEAVING: usize = 5_000;
/// So many rows are read at once.
const PAGE: usize = 1_000;

/// The entries of a CRL.
#[derive(Default)]
pub(super) struct Entries {
    pub list: EntryList,
    /// How many changes the counter had seen before they were read.
    pub covers: i64,
    leaving: Leaving,
}

/// The entries that a CRL carries for the last time: it is made after their certificates expired (RFC 5280 §3.3).
#[derive(Default)]
pub(super) struct Leaving {
    /// The keys of their rows.
    own: Vec<Vec<u8>>,
    imported: Vec<Stored<ImportedRevocationRecord>>,
}

impl Entries {
    /// Reads what is to stand on the next CRL. The counter is read before the entries, so that a revocation
    /// in between is at most published twice and never missed.
    pub(super) async fn read(db: &Db, scope: &Scope, now: Timestamp) -> Result<Self> {
        let counter = RevocationRecord::counter_key(&scope.ca, scope.shard);
        let covers = db.raw().counter(RevocationRecord::KIND, &counter).await?;
        let mut entries = Self { covers, ..Self::default() };
        // The imported ones first: one that moves to the others meanwhile is then read twice, and not missed.
        let imported = entries.read_imported(db, scope, now.whole_secs()).await?;
        entries.read_own(db, scope, now.whole_secs(), &imported).await?;
        Ok(entries)
    }

    /// What leaves with the CRL.
    pub(super) fn take_leaving(&mut self) -> Leaving {
        std::mem::take(&mut self.leaving)
    }

    async fn read_imported(&mut self, db: &Db, scope: &Scope, now: Timestamp) -> Result<HashSet<Serial>> {
        let mut scan = ImportedRevocationRecord::scan(&scope.ca, scope.shard).limit(PAGE);
        let mut seen = HashSet::new();
        loop {
            let page = db.scan::<ImportedRevocationRecord>(scan.clone()).await?;
            for row in page.items {
                let ImportedRevocationRecord { serial, at, reason, not_after, .. } = &row.value;
                let entry = Revoked { serial: serial.clone(), at: *at, reason: *reason, invalidity: None };
                self.list.push(&entry)?;
                seen.insert(entry.serial);
                if not_after.is_some_and(|end| end < now) && self.leaving.has_room() {
                    self.leaving.imported.push(row);
                }
            }
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(seen),
            }
        }
    }

    async fn read_own(
        &mut self,
        db: &Db,
        scope: &Scope,
        now: Timestamp,
        listed: &HashSet<Serial>,
    ) -> Result<()> {
        let mut scan = RevocationRecord::scan(&scope.ca, scope.shard).limit(PAGE);
        loop {
            let page = db.scan::<RevocationRecord>(scan.clone()).await?;
            for Stored { value: row, .. } in page.items {
                if row.not_after < now && self.leaving.has_room() {
                    self.leaving.own.push(row.key());
                }
                if !listed.contains(&row.serial) {
                    let RevocationRecord { serial, at, reason, invalidity, .. } = row;
                    self.list.push(&Revoked { serial, at, reason, invalidity })?;
                }
            }
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(()),
            }
        }
    }
}

impl Leaving {
    /// Both sorts share one bound, since they leave in one unit.
    fn has_room(&self) -> bool {
        self.own.len() + self.imported.len() < MAX_LEAVING
    }

    /// Puts into the unit that stores the CRL what leaves with it.
    pub(super) fn leave(&self, unit: &mut Unit) -> Result<()> {
        for key in &self.own {
            unit.delete::<RevocationRecord>(key, When::Always);
        }
        for row in &self.imported {
            unit.replace(&ImportedRevocationRecord { left: true, ..row.value.clone() }, row.revision)?;
        }
        Ok(())
    }
}
