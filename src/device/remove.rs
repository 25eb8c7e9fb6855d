//! Devices deleted, unlocked, and rid of what is pending.

use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::ca::records::{CertificateRecord, Status};
use crate::ca::revoke::bulk::{Fate, revoke_all};
use crate::device::campaign::NewsRecord;
use crate::device::change::Change;
use crate::device::inventory::require;
use crate::device::ledger::LedgerRecord;
use crate::device::records::{DeviceRecord, MOST_STEPS, StepRecord};
use crate::device::{DeviceName, records};
use crate::error::{Error, Result};
use crate::store::{CommitError, KeyBuilder, Scan, Stored, Unit, When};
use crate::x509::crl::Reason;

const ATTEMPTS: usize = 8;
/// Certificates of a device that are read at once.
const CERTIFICATES: usize = 250;

/// Deletes a device with its history; all certificates of ours that bear its name are revoked before (cessationOfOperation)
/// if that is asked for, and stay good otherwise. Returns how many were revoked.
/// Errors: `not-found`, `state-conflict`, `storage`, those of a revocation.
pub async fn delete(authority: &Authority, name: &DeviceName, revoke: bool, actor: Actor) -> Result<usize> {
    for _ in 0..ATTEMPTS {
        let stored = require(&authority.db, name).await?;
        let revoked = if revoke { revoke_all_of(authority, name, &actor).await? } else { 0 };
        let mut unit = Unit::new();
        write_deletion(&stored, &mut unit)?;
        let subject = format!("device:{}", stored.value.name);
        unit.event(
            Event::new(authority.clock.now(), actor.clone(), "device.remove", subject)
                .with("revoked", revoked),
        );
        match authority.db.commit(unit).await {
            Ok(_) => return Ok(revoked),
            Err(CommitError::Refused { .. }) => {}
            Err(CommitError::Failed(error)) => return Err(error),
        }
    }
    Err(Error::conflict("state-conflict", "the device is being changed by other requests; try again"))
}

/// Has a device's authentication strings looked at again. Returns the device.
/// Errors: `not-found`, `state-conflict`, `storage`.
pub async fn unlock(authority: &Authority, name: &DeviceName, actor: &Actor) -> Result<DeviceRecord> {
    changed(authority, name, actor, |change| {
        let untouched = change.device().guesses == records::Guesses::default();
        if untouched { change } else { change.unlocked() }
    })
    .await
}

/// Takes back what is pending. Returns the device. Errors: `not-found`, `state-conflict`, `storage`.
pub async fn clear(authority: &Authority, name: &DeviceName, actor: &Actor) -> Result<DeviceRecord> {
    changed(authority, name, actor, Change::cleared).await
}

async fn changed(
    authority: &Authority,
    name: &DeviceName,
    actor: &Actor,
    edit: impl Fn(Change) -> Change,
) -> Result<DeviceRecord> {
    for _ in 0..ATTEMPTS {
        let stored = require(&authority.db, name).await?;
        let change = edit(Change::of(stored, actor.clone(), authority.clock.now()));
        if !change.is_needed() {
            return Ok(change.device().clone());
        }
        let mut unit = Unit::new();
        let device = change.write(&mut unit)?;
        match authority.db.commit(unit).await {
            Ok(_) => return Ok(device),
            Err(CommitError::Refused { .. }) => {}
            Err(CommitError::Failed(error)) => return Err(error),
        }
    }
    Err(Error::conflict("state-conflict", "the device is being changed by other requests; try again"))
}

fn write_deletion(stored: &Stored<DeviceRecord>, unit: &mut Unit) -> Result<()> {
    let device = &stored.value;
    unit.delete::<DeviceRecord>(device.id.as_bytes(), When::Revision(stored.revision));
    unit.delete::<LedgerRecord>(&LedgerRecord::key_of(&device.name), When::Always);
    for number in device.steps.saturating_sub(MOST_STEPS)..device.steps {
        unit.delete::<StepRecord>(&StepRecord::key_of(device.id, number), When::Always);
    }
    if let Some(news) = NewsRecord::of(device, None) {
        unit.put(&news, When::Always)?;
    }
    Ok(())
}

/// Revokes every good certificate that bears the device's name, whatever became of it: what it holds, what it never
/// confirmed, what it had before.
async fn revoke_all_of(authority: &Authority, name: &DeviceName, actor: &Actor) -> Result<usize> {
    let key = KeyBuilder::new().text(&name.as_str().to_lowercase()).build();
    let mut scan =
        Scan::all::<CertificateRecord>(CertificateRecord::BY_DEVICE).prefix(key).limit(CERTIFICATES);
    let mut revoked = 0;
    loop {
        let page = authority.db.scan::<CertificateRecord>(scan.clone()).await?;
        let good = page.items.into_iter().filter(|stored| is_good_of(&stored.value, name)).collect();
        for fate in revoke_all(authority, good, Reason::CessationOfOperation.into(), actor).await? {
            match fate {
                Fate::Revoked => revoked += 1,
                Fate::Known => {}
                Fate::Refused(error) => return Err(error),
            }
        }
        match page.next {
            Some(next) => scan = scan.after(Some(next)),
            None => return Ok(revoked),
        }
    }
}

fn is_good_of(certificate: &CertificateRecord, name: &DeviceName) -> bool {
    let bears = certificate.device.as_deref().is_some_and(|of| of.eq_ignore_ascii_case(name.as_str()));
    bears && certificate.status == Status::Good
}
