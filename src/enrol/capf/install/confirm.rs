//! The device holds its certificate: now it is installed, and the one before is superseded.

use crate::ca::records::{CertificateRecord, serials};
use crate::ca::renewal::{self, supersede};
use crate::device::Change;
use crate::device::records::{DeviceRecord, Held, State};
use crate::enrol::Desk;
use crate::enrol::capf::admit::Admitted;
use crate::enrol::capf::book;
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::refusal::Refusal;
use crate::enrol::capf::service::Service;
use crate::error::{Error, Kind, Result};
use crate::store::Unit;
use crate::x509::cert::Certificate;

const CHANGED: &str = "operation-changed";

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
        Err(error) if error.code() == CHANGED => Err(Refusal::declined(error)),
        Err(error) => Err(Refusal::from(error)),
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

fn changed() -> Error {
    Error::new(Kind::Conflict, CHANGED, "the device's operation was changed meanwhile")
}
