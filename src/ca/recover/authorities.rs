//! CAs that a published CRL of their parent revokes: they are stopped, as by the revocation itself.

use crate::audit::{Actor, Event};
use crate::ca::records::{CaRecord, CaRevocationRecord, CompromisedKeyRecord, RevocationRecord};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{CaId, RecordId};
use crate::random::Random;
use crate::store::{Db, Unit, When};
use crate::x509::cert::Certificate;
use crate::x509::crl::{Reason, Revoked};

/// A CA below the one whose CRL was given.
pub(super) struct Below<'a> {
    pub id: &'a CaId,
    pub parent: &'a CaId,
    pub certificate: &'a Certificate,
}

/// Revokes a CA as the entry says, unless the store knows it. Returns whether that was new. Errors: `storage`.
pub(super) async fn revoke(
    db: &Db,
    now: Timestamp,
    ca: &Below<'_>,
    entry: &Revoked,
    unit: &mut Unit,
) -> Result<bool> {
    let standing = db.get::<CaRevocationRecord>(&CaRevocationRecord::key_of(ca.id)).await?;
    let (id, when) = match standing {
        Some(standing) if standing.value.reason == entry.reason => return Ok(false),
        Some(standing) => (standing.value.certificate, When::Revision(standing.revision)),
        None => (RecordId::new(now, &Random::system())?, When::Absent),
    };
    let record = CaRevocationRecord {
        ca: ca.id.clone(),
        certificate: id,
        serial: entry.serial.clone(),
        parent: Some(ca.parent.clone()),
        at: entry.at,
        reason: entry.reason,
        invalidity: entry.invalidity,
        not_after: ca.certificate.not_after(),
    };
    unit.put(&record, when)?;
    write(&record, ca, now, unit)?;
    Ok(true)
}

/// What goes with the record: its row on the parent's CRL, and the key if it was compromised.
fn write(record: &CaRevocationRecord, ca: &Below<'_>, now: Timestamp, unit: &mut Unit) -> Result<()> {
    unit.check::<CaRecord>(&CaRecord::key_of(ca.id), When::Present);
    if let Some(row) = record.row() {
        unit.put(&row, When::Always)?;
        unit.items.push(RevocationRecord::count(&row.ca, row.shard, 1));
    }
    if matches!(record.reason, Reason::KeyCompromise | Reason::CaCompromise) {
        let key_fingerprint = ca.certificate.public_key()?.fingerprint();
        let (serial, at) = (record.serial.clone(), record.at);
        unit.put(&CompromisedKeyRecord { key_fingerprint, serial, at }, When::Always)?;
    }
    unit.event(
        Event::new(now, Actor::System, "ca.revoke", format!("ca:{}", record.ca))
            .with("reason", record.reason.as_str())
            .with("serial", &record.serial)
            .with("parent", ca.parent),
    );
    Ok(())
}
