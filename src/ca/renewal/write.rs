//! Changes of many records, each on its own terms: one that was overtaken by a request is left to the next round.

use crate::ca::renewal::records::RenewalRecord;
use crate::error::{Error, Result};
use crate::store::{CommitError, Db, Record, Unit, When};

/// One change.
pub(super) enum Change {
    /// Write it, under a condition.
    Put(RenewalRecord, When),
    /// Remove the one that was read at this revision.
    Delete(RenewalRecord, u64),
}

impl Change {
    fn add(&self, unit: &mut Unit) -> Result<()> {
        match self {
            Self::Put(record, when) => unit.put(record, *when).map(drop),
            Self::Delete(record, revision) => {
                unit.delete::<RenewalRecord>(&record.key(), When::Revision(*revision));
                Ok(())
            }
        }
    }
}

/// Writes them together; if one does not hold, each alone, and those that hold. Errors: `storage`.
pub(super) async fn write(db: &Db, changes: &[Change]) -> Result<()> {
    let mut unit = Unit::new();
    changes.iter().try_for_each(|change| change.add(&mut unit))?;
    if unit.items.is_empty() {
        return Ok(());
    }
    match db.commit(unit).await {
        Ok(_) => Ok(()),
        Err(CommitError::Failed(error)) => Err(error),
        Err(CommitError::Refused { .. }) => write_each(db, changes).await,
    }
}

async fn write_each(db: &Db, changes: &[Change]) -> Result<()> {
    for change in changes {
        let mut unit = Unit::new();
        change.add(&mut unit)?;
        match db.commit(unit).await {
            Ok(_) | Err(CommitError::Refused { .. }) => {}
            Err(e @ CommitError::Failed(_)) => return Err(Error::from(e)),
        }
    }
    Ok(())
}
