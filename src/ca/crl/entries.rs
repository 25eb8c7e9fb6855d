//! What stands on a CA's next CRL, and what leaves with it.

use std::collections::HashSet;

use crate::ca::import::records::ImportedRevocationRecord;
use crate::ca::records::RevocationRecord;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{CaId, Serial};
use crate::store::{Db, Record, Scan, Stored, Unit, When};
use crate::x509::crl::{Reason, Revoked};

/// How many expired entries leave with one CRL at most (a unit is bounded); the rest leave with the next.
const MAX_LEAVING: usize = 5_000;

/// The entries of a CRL.
pub(super) struct Entries {
    pub revoked: Vec<Revoked>,
    /// How many revocations the counter had seen before they were read.
    pub covers: i64,
    leaving: Leaving,
}

/// The entries that a CRL carries for the last time: it is made after their certificates expired (RFC 5280 §3.3).
#[derive(Default)]
pub(super) struct Leaving {
    own: Vec<RevocationRecord>,
    imported: Vec<Stored<ImportedRevocationRecord>>,
}

impl Entries {
    /// Those of a new CA.
    pub(super) fn none() -> Self {
        Self { revoked: Vec::new(), covers: 0, leaving: Leaving::default() }
    }

    /// Reads what is to stand on the next CRL. The counter is read before the entries, so that a revocation
    /// in between is at most published twice and never missed.
    pub(super) async fn read(db: &Db, ca: &CaId, now: Timestamp) -> Result<Self> {
        let covers = db.raw().counter(RevocationRecord::KIND, &RevocationRecord::counter_key(ca, 0)).await?;
        // The imported ones first: one that moves to the others meanwhile is then read twice, and not missed.
        let scan = Scan::all::<ImportedRevocationRecord>(ImportedRevocationRecord::BY_LISTED)
            .prefix(ImportedRevocationRecord::prefix(ca))
            .limit(1000);
        let imports = db.all::<ImportedRevocationRecord>(scan).await?;
        let rows = db.all::<RevocationRecord>(RevocationRecord::scan(ca, 0).limit(1000)).await?;
        let now = now.whole_secs();
        let own = rows.iter().map(|r| entry(&r.value.serial, r.value.at, r.value.reason));
        let listed: HashSet<&Serial> = rows.iter().map(|r| &r.value.serial).collect();
        let theirs = imports
            .iter()
            .filter(|r| !listed.contains(&r.value.serial))
            .map(|r| entry(&r.value.serial, r.value.at, r.value.reason));
        let revoked = own.chain(theirs).collect();
        Ok(Self { revoked, covers, leaving: Leaving::of(rows, imports, now) })
    }

    /// What leaves with the CRL.
    pub(super) fn take_leaving(&mut self) -> Leaving {
        std::mem::take(&mut self.leaving)
    }
}

impl Leaving {
    fn of(
        rows: Vec<Stored<RevocationRecord>>,
        imports: Vec<Stored<ImportedRevocationRecord>>,
        now: Timestamp,
    ) -> Self {
        let own = rows.into_iter().map(|row| row.value).filter(|row| row.not_after < now);
        let imported = imports.into_iter().filter(|row| row.value.not_after.is_some_and(|end| end < now));
        Self { own: own.take(MAX_LEAVING).collect(), imported: imported.take(MAX_LEAVING).collect() }
    }

    /// Puts into the unit that stores the CRL what leaves with it.
    pub(super) fn leave(&self, unit: &mut Unit) -> Result<()> {
        for row in &self.own {
            unit.delete::<RevocationRecord>(&row.key(), When::Always);
        }
        for row in &self.imported {
            unit.replace(&ImportedRevocationRecord { left: true, ..row.value.clone() }, row.revision)?;
        }
        Ok(())
    }
}

fn entry(serial: &Serial, at: Timestamp, reason: Reason) -> Revoked {
    Revoked { serial: serial.clone(), at, reason }
}
