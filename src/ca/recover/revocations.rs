//! Entries of a published CRL that the store may not know.

use crate::audit::{Actor, Event};
use crate::ca::import::note_compromise;
use crate::ca::import::records::ImportedRevocationRecord;
use crate::ca::records::{CertificateRecord, RevocationRecord, Status, serials};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CaId;
use crate::store::{Db, Stored, Unit, When};
use crate::x509::crl::Revoked;

use super::authorities::{self, Below};

/// The most entries of one durable write.
const BATCH: usize = 400;

/// Revokes what the entries of a shard's CRL name and the store does not know as revoked. Returns how many those were.
/// Errors: `storage`.
pub(super) async fn merge(
    db: &Db,
    now: Timestamp,
    (ca, shard): (&CaId, u32),
    below: &[Below<'_>],
    entries: &[Revoked],
) -> Result<usize> {
    let mut all = 0;
    for batch in entries.chunks(BATCH) {
        let (mut unit, mut new) = (Unit::new(), 0);
        for entry in batch {
            let authority = below.iter().find(|ca| ca.certificate.serial() == &entry.serial);
            new += usize::from(match authority {
                Some(authority) => authorities::revoke(db, now, authority, entry, &mut unit).await?,
                None => take(db, (ca, shard), entry, &mut unit).await?,
            });
        }
        if !unit.items.is_empty() {
            let event = Event::new(now, Actor::System, "crl.recover", format!("ca:{ca}"));
            unit.event(event.with("revocations", new));
            db.commit(unit).await?;
        }
        all += new;
    }
    Ok(all)
}

async fn take(db: &Db, (ca, shard): (&CaId, u32), entry: &Revoked, unit: &mut Unit) -> Result<bool> {
    if let Some(found) = serials::of(db, ca, &entry.serial).await? {
        return revoke(found, entry, unit);
    }
    let key = ImportedRevocationRecord::key_of(ca, &entry.serial);
    if let Some(standing) = db.get::<ImportedRevocationRecord>(&key).await? {
        return put_on(standing, shard, unit).map(|()| false);
    }
    // Its certificate was issued after the backup: until it is brought in again, its number is what is known.
    let Revoked { serial, at, reason, .. } = entry.clone();
    let (ca_of, not_after) = (ca.clone(), None);
    unit.insert(&ImportedRevocationRecord { ca: ca_of, serial, at, reason, not_after, left: false, shard })?;
    let lists = if shard == 0 { &[0][..] } else { &[0, shard] };
    unit.items.extend(lists.iter().map(|shard| RevocationRecord::count(ca, *shard, 1)));
    Ok(true)
}

/// It is known, but perhaps by the first CRL alone, which lists what stands on the others too.
fn put_on(standing: Stored<ImportedRevocationRecord>, shard: u32, unit: &mut Unit) -> Result<()> {
    let Stored { value: mut row, revision } = standing;
    if row.shard == 0 && shard > 0 && !row.left {
        row.shard = shard;
        unit.replace(&row, revision)?;
        unit.items.push(RevocationRecord::count(&row.ca, shard, 1));
    }
    Ok(())
}

/// What was published goes before what the backup says: it is later.
fn revoke(found: Stored<CertificateRecord>, entry: &Revoked, unit: &mut Unit) -> Result<bool> {
    let Stored { value: mut record, revision } = found;
    if let Status::Revoked { reason, .. } = record.status
        && reason == entry.reason
    {
        return Ok(false);
    }
    record.status = Status::Revoked { at: entry.at, reason: entry.reason, invalidity: entry.invalidity };
    unit.replace(&record, revision)?;
    unit.put(&RevocationRecord::of(&record, entry.at, entry.reason, entry.invalidity), When::Always)?;
    unit.items.push(RevocationRecord::count(&record.ca, record.shard, 1));
    note_compromise(unit, &record, entry.reason)?;
    Ok(true)
}
