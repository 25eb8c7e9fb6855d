//! Revocations of a CA from before it moved in, also of certificates that did not come with it.

use std::collections::HashMap;

use super::certificates::{REQUESTER, SHARD, note_compromise};
use super::records::{ImportRecord, ImportedRevocationRecord};
use super::{Fate, MOST_REVOCATIONS, serial, standing, unit_of};
use crate::audit::Actor;
use crate::ca::Authority;
use crate::ca::anew::{self, Decided};
use crate::ca::records::{CertificateRecord, RevocationRecord, Status, serials};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CaId, Serial};
use crate::store::{Stored, Unit};
use crate::x509::crl::Reason;

/// A revocation as a CRL or an index tells it.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// The certificate's serial number.
    pub serial: Serial,
    /// When it was revoked.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
    /// When the certificate expires, if that is known.
    pub not_after: Option<Timestamp>,
}

/// Takes in a batch of at most [`MOST_REVOCATIONS`] of the CA `id`: one durable write for those that are new. A
/// certificate that is here becomes a revoked one; of another the serial number is kept.
/// Returns what became of each, in order. Errors: `not-found`, `too-many-items`, `state-conflict`, `storage`.
pub async fn revocations(
    authority: &Authority,
    id: &CaId,
    batch: &[Revocation],
    actor: Actor,
) -> Result<Vec<Fate>> {
    if batch.len() > MOST_REVOCATIONS {
        return Err(Error::invalid(
            "too-many-items",
            format!("at most {MOST_REVOCATIONS} revocations at once"),
        ));
    }
    let (actor, batch) = (&actor, batch);
    let decide = || async move {
        let (import, own) = standing(authority, id).await?;
        let (fates, unit) = sort(authority, &import, own.serial(), batch, actor).await?;
        let changes = fates.iter().any(|fate| matches!(fate, Fate::Imported));
        Ok(Decided { unit: changes.then_some(unit), outcome: fates })
    };
    anew::commit(&authority.db, decide).await
}

async fn sort(
    authority: &Authority,
    import: &Stored<ImportRecord>,
    own: &Serial,
    batch: &[Revocation],
    actor: &Actor,
) -> Result<(Vec<Fate>, Unit)> {
    let id = &import.value.id;
    let (mut fates, mut here) = (Vec::with_capacity(batch.len()), HashMap::new());
    let (mut items, mut count) = (Unit::new(), 0);
    for one in batch {
        let fate = match here.insert(&one.serial, one.reason) {
            _ if one.serial == *own => Fate::Refused(own_serial()),
            Some(earlier) => {
                here.insert(&one.serial, earlier);
                same(one, earlier)
            }
            None => take(authority, id, one, &mut items).await?,
        };
        count += usize::from(matches!(fate, Fate::Imported));
        fates.push(fate);
    }
    let mut unit = unit_of(import, "ca.import-revocations", count, actor, authority.clock.now())?;
    if count > 0 {
        items.items.push(RevocationRecord::count(id, SHARD, i64::try_from(count).unwrap_or(i64::MAX)));
    }
    unit.append(items);
    Ok((fates, unit))
}

async fn take(authority: &Authority, id: &CaId, one: &Revocation, unit: &mut Unit) -> Result<Fate> {
    if let Some(found) = serials::of(&authority.db, id, &one.serial).await? {
        return revoke(found, one, unit);
    }
    let key = ImportedRevocationRecord::key_of(id, &one.serial);
    if let Some(found) = authority.db.get::<ImportedRevocationRecord>(&key).await? {
        return Ok(same(one, found.value.reason));
    }
    let Revocation { serial, at, reason, not_after } = one.clone();
    unit.insert(&ImportedRevocationRecord {
        ca: id.clone(),
        serial,
        at,
        reason,
        not_after,
        left: false,
        shard: SHARD,
    })?;
    Ok(Fate::Imported)
}

fn revoke(found: Stored<CertificateRecord>, one: &Revocation, unit: &mut Unit) -> Result<Fate> {
    let Stored { value: mut record, revision } = found;
    match record.status {
        Status::Revoked { reason, .. } => return Ok(same(one, reason)),
        Status::Good if !record.requester.starts_with(REQUESTER) => {
            return Ok(Fate::Refused(issued_here(one)));
        }
        Status::Good => {}
    }
    record.status = Status::Revoked { at: one.at, reason: one.reason, invalidity: None };
    unit.replace(&record, revision)?;
    unit.insert(&RevocationRecord::of(&record, one.at, one.reason, None))?;
    note_compromise(unit, &record, one.reason)?;
    Ok(Fate::Imported)
}

fn same(one: &Revocation, standing: Reason) -> Fate {
    if one.reason == standing {
        return Fate::Known;
    }
    let detail =
        format!("{} is revoked already, with the reason {}", serial::text(&one.serial), standing.as_str());
    Fate::Refused(Error::conflict("already-revoked", detail))
}

fn own_serial() -> Error {
    Error::invalid("ca-certificate", "this is the serial number of the CA's own certificate")
}

fn issued_here(one: &Revocation) -> Error {
    let detail = format!("{} was issued here: signet cert revoke revokes it", serial::text(&one.serial));
    Error::conflict("issued-here", detail)
}
