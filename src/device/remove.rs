//! Devices deleted, unlocked, and rid of what is pending.

use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::ca::records::{CertificateRecord, Status, serials};
use crate::ca::revoke::Revocation;
use crate::ca::revoke::bulk::{Fate, revoke_all};
use crate::device::change::Change;
use crate::device::inventory::require;
use crate::device::ledger::LedgerRecord;
use crate::device::records::{DeviceRecord, MOST_STEPS, Operation, State, StepRecord};
use crate::device::{DeviceName, records};
use crate::error::{Error, Result};
use crate::id::Serial;
use crate::store::{CommitError, Stored, Unit, When};
use crate::x509::crl::Reason;

const ATTEMPTS: usize = 8;

/// Deletes a device with its history; the certificates that it got from us are revoked before (cessationOfOperation)
/// if that is asked for, and stay good otherwise. Returns how many were revoked.
/// Errors: `not-found`, `state-conflict`, `storage`, those of a revocation.
pub async fn delete(authority: &Authority, name: &DeviceName, revoke: bool, actor: Actor) -> Result<usize> {
    for _ in 0..ATTEMPTS {
        let stored = require(&authority.db, name).await?;
        let revoked = if revoke { revoke_held(authority, &stored.value, &actor).await? } else { 0 };
        let mut unit = Unit::new();
        write_deletion(&stored, &mut unit);
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

fn write_deletion(stored: &Stored<DeviceRecord>, unit: &mut Unit) {
    let device = &stored.value;
    unit.delete::<DeviceRecord>(device.id.as_bytes(), When::Revision(stored.revision));
    unit.delete::<LedgerRecord>(&LedgerRecord::key_of(&device.name), When::Always);
    for number in device.steps.saturating_sub(MOST_STEPS)..device.steps {
        unit.delete::<StepRecord>(&StepRecord::key_of(device.id, number), When::Always);
    }
}

/// Revokes the LSC, and one that was issued and not confirmed.
async fn revoke_held(authority: &Authority, device: &DeviceRecord, actor: &Actor) -> Result<usize> {
    let issued = match device.operation.as_ref().map(|Operation { state, .. }| state) {
        Some(State::Issued(serial)) => Some(serial),
        Some(State::Pending | State::Done | State::Failed(_)) | None => None,
    };
    let lsc = device.lsc.as_ref().map(|lsc| &lsc.serial);
    let mut certificates = Vec::new();
    for serial in lsc.into_iter().chain(issued) {
        certificates.extend(of_device(authority, serial, &device.name).await?);
    }
    certificates.retain(|stored| stored.value.status == Status::Good);
    let how = Revocation::from(Reason::CessationOfOperation);
    let fates = revoke_all(authority, certificates, how, actor).await?;
    let mut revoked = 0;
    for fate in fates {
        match fate {
            Fate::Revoked => revoked += 1,
            Fate::Known => {}
            Fate::Refused(error) => return Err(error),
        }
    }
    Ok(revoked)
}

/// The certificates of ours that bear the serial number and the device's name.
async fn of_device(
    authority: &Authority,
    serial: &Serial,
    name: &DeviceName,
) -> Result<Vec<Stored<CertificateRecord>>> {
    let found = authority.db.scan::<CertificateRecord>(serials::scan(serial)).await?.items;
    let bears = |stored: &Stored<CertificateRecord>| {
        let device = stored.value.device.as_deref();
        stored.value.serial == *serial
            && device.is_some_and(|device| device.eq_ignore_ascii_case(name.as_str()))
    };
    Ok(found.into_iter().filter(bears).collect())
}
