//! A device's operation as what allows a certificate.

use crate::audit::{Event, Outcome};
use crate::clock::Timestamp;
use crate::device::Change;
use crate::device::records::{Action, DeviceRecord, Operation, State};
use crate::enrol::policy::Wanted;
use crate::enrol::{Desk, DeviceProof, Request, offline};
use crate::error::{Error, Kind, Result};
use crate::id::Serial;
use crate::store::Unit;
use crate::x509::key::{DeviceKey, KeyKind};

/// A device's pending installation, and what is written of it with the certificate.
#[derive(Debug)]
pub(super) struct Installation {
    change: Change,
    events: Vec<Event>,
    replaces: Option<Serial>,
}

impl Installation {
    /// The certificate that the new one is to replace.
    pub fn replaces(&self) -> Option<Serial> {
        self.replaces.clone()
    }

    /// Adds to a unit: the device's operation has led to this serial.
    pub fn write(&self, unit: &mut Unit, serial: &Serial) -> Result<()> {
        self.change.clone().issued(serial.clone()).write(unit)?;
        unit.events.extend(self.events.iter().map(|event| event.clone().with("serial", serial)));
        Ok(())
    }
}

/// The device's operation is what allows the certificate: by its own profile, in its own name, once.
/// Errors: `operation-refused`.
pub(super) async fn by_device(
    desk: &Desk,
    proof: &DeviceProof,
    request: &Request,
    wanted: &Wanted,
) -> Result<Installation> {
    let (device, now) = (&proof.device.value, desk.authority.clock.now());
    let refused = |text| Err(Error::new(Kind::Forbidden, "operation-refused", text));
    let Some(operation) = &device.operation else {
        return refused("no operation is pending for this device");
    };
    if operation.action != Action::Install || !matches!(operation.state, State::Pending | State::Issued(_)) {
        return refused("no installation is pending for this device");
    }
    if operation.is_past_deadline(now) {
        return refused("the operation's deadline has passed");
    }
    if device.profile != request.profile {
        return refused("the device gets its certificates by another profile");
    }
    if !wanted.subject.common_name().is_some_and(|cn| cn.eq_ignore_ascii_case(device.name.as_str())) {
        return refused("the certificate would not bear the device's name");
    }
    let key = request.application.public_key();
    if key.kind() == KeyKind::Rsa(1024) && !wanted.profile.allows(DeviceKey::Rsa1024) {
        return refused("the profile allows keys of 1024 bits to no device that speaks CAPF");
    }
    let key = key.fingerprint();
    let had_key = proof.replaces.as_ref().is_some_and(|old| old.key_fingerprint == key);
    if !wanted.profile.renewal().key_reuse
        && (had_key || signed_elsewhere(desk, device, operation, key).await?)
    {
        return refused("the profile wants a new key on renewal");
    }
    let (change, event) = record(proof, operation, request, now);
    let events = std::iter::once(event).chain(old_key(proof, request, now)).collect();
    let replaces = proof.replaces.as_ref().map(|certificate| certificate.serial.clone());
    Ok(Installation { change, events, replaces })
}

/// Whether a CA elsewhere signed a certificate of this key for the device, by an operation before this one.
async fn signed_elsewhere(
    desk: &Desk,
    device: &DeviceRecord,
    operation: &Operation,
    key: [u8; 32],
) -> Result<bool> {
    let before = offline::signed_by_key(desk, device, key).await?;
    Ok(before.is_some_and(|before| before.operation != operation.id))
}

/// What the device's record and the audit log will say.
fn record(proof: &DeviceProof, operation: &Operation, request: &Request, now: Timestamp) -> (Change, Event) {
    let mut change = Change::of(proof.device.clone(), request.actor.clone(), now);
    if let Some(address) = request.address {
        change = change.seen(address);
    }
    // CAPF has no proof that the device has the other half of its new key: that is said, not passed over.
    let subject = format!("device:{}", proof.device.value.name);
    let event = Event::new(now, request.actor.clone(), "device.certify", subject)
        .with("operation", operation.id)
        .with("authentication", operation.authentication.as_str())
        .with("proof-of-possession", "none");
    (change, event)
}

/// A key of 1024 bits: who still has such a device stands in the audit log as a warning.
fn old_key(proof: &DeviceProof, request: &Request, now: Timestamp) -> Option<Event> {
    let kind = request.application.public_key().kind();
    (kind == KeyKind::Rsa(1024)).then(|| {
        let subject = format!("device:{}", proof.device.value.name);
        let event = Event::new(now, request.actor.clone(), "capf.legacy", subject).outcome(Outcome::Warning);
        event.with("algorithms", kind).with("profile", &request.profile)
    })
}
