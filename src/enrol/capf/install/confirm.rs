//! The device holds its certificate: now it is installed, and the one before is superseded.

use crate::ca::records::{CertificateRecord, serials};
use crate::ca::renewal::{self, supersede};
use crate::device::Change;
use crate::device::records::{DeviceRecord, Held, State};
use crate::enrol::Desk;
use crate::enrol::capf::admit::{Admitted, changed};
use crate::enrol::capf::book;
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::refusal::Refusal;
use crate::enrol::capf::service::Service;
use crate::error::Result;
use crate::id::{RecordId, Serial};
use crate::store::Unit;
use crate::x509::cert::Certificate;

/// Writes that the device confirmed. A refusal: its operation is another one meanwhile, or the certificate is.
pub(super) async fn installed(
    service: &Service,
    caller: &Caller,
    admitted: &Admitted,
    certificate: &CertificateRecord,
) -> Result<(), Refusal> {
    let held = Held::of(&Certificate::from_der(&certificate.der)?)?;
    let succession = succession(&service.desk, certificate).await?;
    let issued = State::Issued(certificate.serial.clone());
    write(service, caller, admitted, (held, issued), &succession).await
}

/// Writes that the device holds a certificate, if that is still the one that its operation issued.
pub(super) async fn write(
    service: &Service,
    caller: &Caller,
    admitted: &Admitted,
    (held, issued): (Held, State),
    alongside: &Unit,
) -> Result<(), Refusal> {
    let operation = admitted.operation.id;
    let decide = |device: &DeviceRecord, change: Change| {
        let stands = device.operation.as_ref().filter(|o| o.id == operation && o.state == issued);
        stands.ok_or_else(changed)?;
        Ok(Some(change.installed(held.clone())))
    };
    match book::change(service, caller, admitted.device.value.id, alongside, decide).await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == changed().code() => Err(Refusal::declined(error)),
        Err(error) => Err(Refusal::from(error)),
    }
}

/// What follows from a device's showing this LSC of ours. If it is the one that was issued and never confirmed, to show
/// it confirms it, and the one before is superseded. Errors: `storage`, `not-found`.
pub(in crate::enrol::capf) async fn succession_of_shown(
    service: &Service,
    device: RecordId,
    serial: &Serial,
) -> Result<Unit> {
    let device = service.desk.authority.db.require::<DeviceRecord>(device.as_bytes(), device).await?.value;
    confirmed_by(&service.desk, &device, Some(serial)).await
}

/// The same for a device as it was read, before what it showed was entered.
pub(super) async fn confirmed_by(desk: &Desk, device: &DeviceRecord, shown: Option<&Serial>) -> Result<Unit> {
    let (Some(unconfirmed), Some(shown)) = (&device.unconfirmed, shown) else { return Ok(Unit::new()) };
    if unconfirmed != shown {
        return Ok(Unit::new());
    }
    match serials::all(&desk.authority.db, shown).await?.pop() {
        Some(stored) => succession(desk, &stored.value).await,
        None => Ok(Unit::new()),
    }
}

/// What its profile says of the certificate that the device held until now.
async fn succession(desk: &Desk, certificate: &CertificateRecord) -> Result<Unit> {
    let (authority, mut unit) = (&desk.authority, Unit::new());
    let (profiles, now) = (desk.profiles.current(), authority.clock.now());
    let (Some(renewed), Ok(profile)) = (&certificate.renews, profiles.require(&certificate.profile)) else {
        return Ok(unit);
    };
    let found = serials::all(&authority.db, renewed).await?.into_iter().map(|stored| stored.value);
    for old in found.filter(|old| old.subject.matches(&certificate.subject)) {
        renewal::renewed(&mut unit, &old, profile, &certificate.serial, now)?;
        if let Some(grace) = profile.renewal().revoke_superseded_after {
            let due = (now, now.plus(grace));
            supersede::schedule(&mut unit, &old, &certificate.serial, due, &authority.random)?;
        }
    }
    Ok(unit)
}
