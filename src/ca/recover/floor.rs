//! Where the numbers of a CA's CRLs go on that the backup does not know: those of shards that it had not then.

use crate::audit::{Actor, Event};
use crate::ca::records::CrlSettingsRecord;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CaId;
use crate::store::{Db, Unit, When};

/// Has every CRL of the CA that is made from now on numbered above what `above` makes of the floor that stands. Errors:
/// `storage`.
pub(super) async fn raise(db: &Db, now: Timestamp, ca: &CaId, above: impl Fn(u64) -> u64) -> Result<()> {
    let stored = db.get::<CrlSettingsRecord>(&CrlSettingsRecord::key_of(ca)).await?;
    let (mut settings, when) = match stored {
        Some(stored) => (stored.value, When::Revision(stored.revision)),
        None => (CrlSettingsRecord::default_of(ca), When::Absent),
    };
    let floor = above(settings.floor);
    if floor <= settings.floor {
        return Ok(());
    }
    settings.floor = floor;
    let mut unit = Unit::new();
    unit.put(&settings, when)?;
    unit.event(Event::new(now, Actor::System, "crl.floor", format!("ca:{ca}")).with("number", floor));
    db.commit(unit).await?;
    Ok(())
}
