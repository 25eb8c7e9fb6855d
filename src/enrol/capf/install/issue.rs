//! The certificate for a device's key: decided and issued where all are, in one write with the device's record.

use crate::ca::profile::Profile;
use crate::ca::records::{CertificateRecord, Status, serials};
use crate::ca::revoke;
use crate::device::records::Reason::RequestLate as Late;
use crate::device::records::{DeviceRecord, Operation, State};
use crate::enrol::capf::admit::{Admitted, changed, late};
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::install::confirm;
use crate::enrol::capf::refusal::Refusal;
use crate::enrol::capf::service::Service;
use crate::enrol::{Application, Desk, DeviceProof, Outcome, Proof, Request, enrol_with};
use crate::error::{Error, Kind, Result};
use crate::id::Serial;
use crate::store::{Stored, Unit};
use crate::x509::crl::Reason;
use crate::x509::key::PublicKey;
use crate::x509::name::{Attribute, Name, attribute};

/// How often a device's record that was written to meanwhile is read again.
const ATTEMPTS: usize = 8;
const CONFLICT: &str = "state-conflict";

/// The certificate for this key. A device that comes back after the connection broke gets the same one for the same
/// key; for another key, or for another operation, the one that it never confirmed is revoked in the same write as the
/// new one is issued, so that there are never two.
pub(super) async fn certificate(
    service: &Service,
    caller: &Caller,
    admitted: &Admitted,
    public_key: PublicKey,
) -> Result<CertificateRecord, Refusal> {
    for _ in 1..ATTEMPTS {
        match Box::pin(decided_now(service, caller, admitted, public_key.clone())).await {
            Err(refusal) if refusal.error.code() == CONFLICT => {}
            ended => return ended,
        }
    }
    Box::pin(decided_now(service, caller, admitted, public_key)).await
}

/// The same with the device's record as it is now: it may have been written to while the device made its key, and may be
/// again (`state-conflict`).
async fn decided_now(
    service: &Service,
    caller: &Caller,
    admitted: &Admitted,
    public_key: PublicKey,
) -> Result<CertificateRecord, Refusal> {
    let desk = &service.desk;
    let (admitted, mut alongside) = current(service, admitted).await?;
    let admitted = &admitted;
    if let Some(serial) = &admitted.device.value.unconfirmed {
        let unconfirmed = issued(desk, serial).await?;
        let again = admitted.operation.state == State::Issued(serial.clone())
            && unconfirmed.value.key_fingerprint == public_key.fingerprint();
        let now = desk.authority.clock.now();
        match &unconfirmed.value.status {
            Status::Good if again && unconfirmed.value.is_live(now) => return Ok(unconfirmed.value),
            Status::Revoked { .. } if again => return Err(Refusal::from(revoked())),
            // One on hold might come back.
            Status::Good | Status::Revoked { reason: Reason::CertificateHold, .. } => {
                revoke::write(&mut alongside, unconfirmed, Reason::Superseded, &caller.actor(), now)?;
            }
            Status::Revoked { .. } => {}
        }
    }
    refuse_late(desk, &admitted.operation)?;
    let request = request(desk, caller, admitted, public_key).await?;
    match enrol_with(desk, request, alongside).await {
        Ok(Outcome::Issued(issued)) => Ok(issued.record),
        Ok(Outcome::Pending(_)) => Err(Refusal::from(Error::internal("a device's request was kept waiting"))),
        Err(error) if error.code() == CONFLICT => Err(Refusal::declined(error)),
        Err(error) => Err(Refusal::from(error)),
    }
}

/// The device as it stands now, with what it showed, and what that confirms. Declined if its operation is another one
/// meanwhile, or stands elsewhere: another session of the device was faster, or an operator (CAPF-33).
pub(super) async fn current(service: &Service, admitted: &Admitted) -> Result<(Admitted, Unit), Refusal> {
    let (desk, before) = (&service.desk, &admitted.device.value);
    let mut device = desk.authority.db.require::<DeviceRecord>(before.id.as_bytes(), before.id).await?;
    let confirmed = confirm::confirmed_by(desk, &device.value, admitted.shown.as_ref()).await?;
    if let (Some(_), Some(lsc)) = (&admitted.shown, &before.lsc) {
        device.value.holds(lsc.clone());
    }
    device.value.mic = before.mic.clone().or(device.value.mic);
    let unchanged = device.value.unconfirmed == before.unconfirmed && device.value.profile == before.profile;
    let asked = &admitted.operation;
    let stands = |now: &Operation| unchanged && now.id == asked.id && now.state == asked.state;
    let Some(operation) = device.value.operation.clone().filter(stands) else {
        return Err(Refusal::declined(changed()));
    };
    let (version, shown) = (admitted.version, admitted.shown.clone());
    Ok((Admitted { device, operation, version, shown }, confirmed))
}

/// After the deadline the device may confirm what it was given, and gets nothing new.
fn refuse_late(desk: &Desk, operation: &Operation) -> Result<(), Refusal> {
    if !operation.is_past_deadline(desk.authority.clock.now()) {
        return Ok(());
    }
    Err(match operation.state {
        State::Issued(_) => Refusal::trouble(late(), Late),
        State::Pending | State::Done | State::Failed(_) => Refusal::failed(late(), Late),
    })
}

/// The certificate that was issued for the device's operation, where the device proves itself by that very certificate:
/// then it holds it, though its word for that was lost.
pub(super) async fn held_already(
    service: &Service,
    admitted: &Admitted,
) -> Result<Option<CertificateRecord>, Refusal> {
    match (&admitted.operation.state, &admitted.shown) {
        (State::Issued(serial), Some(shown)) if serial == shown => {
            let held = admitted.device.value.lsc.as_ref().map(|held| held.fingerprint);
            let ours = issued(&service.desk, serial).await?.value;
            // A CA elsewhere may have given the same number.
            Ok(Some(ours).filter(|ours| held == Some(ours.fingerprint)))
        }
        (State::Pending | State::Issued(_) | State::Done | State::Failed(_), _) => Ok(None),
    }
}

async fn issued(desk: &Desk, serial: &Serial) -> Result<Stored<CertificateRecord>> {
    let found = serials::all(&desk.authority.db, serial).await?.pop();
    found.ok_or_else(|| Error::internal("a device's operation names a certificate that is not there"))
}

/// What the device asks for by its key, in its own name.
pub(super) async fn request(
    desk: &Desk,
    caller: &Caller,
    admitted: &Admitted,
    public_key: PublicKey,
) -> Result<Request> {
    let device = &admitted.device.value;
    let profiles = desk.profiles.current();
    let profile = profiles.require(&device.profile)?;
    let subject = subject(desk, profile, device)?;
    let proof = DeviceProof { device: admitted.device.clone(), replaces: replaced(desk, device).await? };
    Ok(Request {
        profile: device.profile.clone(),
        application: Application::Key { public_key, subject, sans: Vec::new() },
        proof: Proof::Device(Box::new(proof)),
        transaction: None,
        actor: caller.actor(),
        address: Some(caller.address),
        not_after: None,
        issuer: None,
    })
}

/// The certificate of ours that the device holds, if it is live.
async fn replaced(desk: &Desk, device: &DeviceRecord) -> Result<Option<Box<CertificateRecord>>> {
    let Some(held) = &device.lsc else { return Ok(None) };
    let found = serials::all(&desk.authority.db, &held.serial).await?;
    let now = desk.authority.clock.now();
    let ours = found.into_iter().map(|stored| stored.value);
    Ok(ours.into_iter().find(|c| c.fingerprint == held.fingerprint && c.is_live(now)).map(Box::new))
}

/// The device's name, under the issuer's organization and place as far as the profile lets a request name them.
fn subject(desk: &Desk, profile: &Profile, device: &DeviceRecord) -> Result<Name> {
    let name = Attribute { oid: attribute::COMMON_NAME, value: device.name.as_str().to_owned() };
    let hierarchy = desk.authority.hierarchy();
    let issuer = match profile.offline() {
        Some(elsewhere) => elsewhere.subject(),
        None => &hierarchy.in_force(profile.ca())?.record.subject,
    };
    let mut attributes: Vec<Attribute> =
        issuer.attributes().filter(|a| attribute::OF_PLACE.contains(&a.oid)).cloned().collect();
    attributes.push(name.clone());
    let whole = Name::from_attributes(&attributes)?;
    if profile.subject_for(&whole).is_ok() { Ok(whole) } else { Name::from_attributes(&[name]) }
}

fn revoked() -> Error {
    Error::new(Kind::Forbidden, "revoked", "the certificate of this operation was revoked")
}
