//! Certificates that a CA elsewhere signs, which is offline: a device's key waits here, requests go out in bulk and
//! certificates come in, each held against what was asked. The device comes back later for its certificate.

use std::pin::Pin;

use crate::audit::{Actor, Event};
use crate::ca::records::{Status, serials};
use crate::ca::revoke;
use crate::device::Change;
use crate::device::records::{DeviceRecord, State};
use crate::enrol::authorize::authorize;
use crate::enrol::{Desk, Proof, Request, policy};
use crate::error::{Error, Kind, Result};
use crate::id::RecordId;
use crate::store::{Page, Scan, Stored, Unit, When};
use crate::x509::cert::Certificate;
use crate::x509::crl::Reason;

mod fits;
pub mod lists;
pub mod records;
mod wishes;

use records::OfflineRequestRecord;
pub use wishes::request_message;

/// What became of the key that a device sent for an operation.
#[derive(Debug)]
pub enum Standing {
    /// It sent none yet.
    None,
    /// It waits for the CA elsewhere.
    Waiting,
    /// This is the certificate: for the device to store.
    Signed(Box<Certificate>),
}

/// What became of a certificate that came in.
#[derive(Debug)]
pub enum Brought {
    /// It lies ready for its device.
    Taken(OfflineRequestRecord),
    /// It did before.
    Known(OfflineRequestRecord),
}

/// How far the request of an operation has come. Errors: `storage`.
pub async fn standing(desk: &Desk, operation: RecordId) -> Result<Standing> {
    let found = desk.authority.db.get::<OfflineRequestRecord>(operation.as_bytes()).await?;
    Ok(match found.map(|stored| stored.value.certificate) {
        None => Standing::None,
        Some(None) => Standing::Waiting,
        Some(Some(der)) => Standing::Signed(Box::new(Certificate::from_der(&der)?)),
    })
}

/// Keeps a device's key for the CA elsewhere, once policy and its operation allow the certificate (as with
/// [`super::enrol`]). Durable when it returns. Errors: those of a request, `bad-csr` for another device's key,
/// `state-conflict`.
pub async fn ask(desk: &Desk, request: &Request, operation: RecordId) -> Result<()> {
    let set = desk.profiles.current();
    let profile = policy::usable(&set, &request.profile, &request.proof)?;
    if profile.offline().is_none() {
        return Err(Error::internal("a profile without [offline] asks no CA elsewhere"));
    }
    let wanted = policy::hold(desk, &set, profile, &request.application, &request.proof).await?;
    let key_reuse = wanted.profile.renewal().key_reuse;
    let Proof::Device(proof) = &request.proof else {
        return Err(Error::internal("a CA elsewhere signs for devices alone"));
    };
    authorize(desk, request, &wanted).await?;
    let (key, now) = (request.application.public_key(), desk.authority.clock.now());
    let record = OfflineRequestRecord {
        operation,
        device: proof.device.value.name.clone(),
        profile: request.profile.clone(),
        subject: wanted.subject,
        sans: wanted.sans,
        spki: key.spki().to_vec(),
        key_fingerprint: key.fingerprint(),
        asked: now,
        certificate: None,
    };
    let mut unit = Unit::new();
    free_key(desk, key_reuse, &record, &mut unit).await?;
    unit.insert(&record)?;
    let change = Change::of(proof.device.clone(), request.actor.clone(), now).proven();
    request.address.into_iter().fold(change, Change::seen).write(&mut unit)?;
    let event =
        Event::new(now, request.actor.clone(), "device.ask-offline", format!("device:{}", record.device))
            .with("profile", &record.profile)
            .with("subject", &record.subject)
            .with("proof-of-possession", "none");
    unit.event(event);
    desk.authority.db.commit(unit).await?;
    Ok(())
}

/// A device may send one key for several operations, one after the other: the request before gives way to the new one,
/// unless the profile wants a new key for each certificate (`reuse`).
async fn free_key(desk: &Desk, reuse: bool, record: &OfflineRequestRecord, unit: &mut Unit) -> Result<()> {
    let (db, key) = (&desk.authority.db, &record.key_fingerprint);
    let Some(before) = db.find::<OfflineRequestRecord>(OfflineRequestRecord::BY_KEY, key).await? else {
        return Ok(());
    };
    if before.value.device != record.device {
        return Err(Error::bad_csr("key in use"));
    }
    if before.value.certificate.is_some() && before.value.operation != record.operation && !reuse {
        let rule = "the profile wants a new key on renewal";
        return Err(Error::new(Kind::Forbidden, "operation-refused", rule));
    }
    if before.value.operation != record.operation {
        let key = before.value.operation;
        unit.delete::<OfflineRequestRecord>(key.as_bytes(), When::Revision(before.revision));
    }
    Ok(())
}

/// Requests that wait, oldest first. Those whose operation was taken back or replaced meanwhile are among them, and
/// refused when their certificate comes: [`is_waiting`] tells them apart.
pub async fn waiting(
    desk: &Desk,
    limit: usize,
    after: Option<Vec<u8>>,
) -> Result<Page<Stored<OfflineRequestRecord>>> {
    let scan = Scan::all::<OfflineRequestRecord>(OfflineRequestRecord::BY_STATE)
        .prefix(OfflineRequestRecord::state_key(false).to_vec())
        .limit(limit)
        .after(after);
    desk.authority.db.scan(scan).await
}

/// Takes in a certificate of the CA elsewhere: it is found by its key, held against its request, and lies ready for the
/// device. The same again changes nothing. Errors: `offline-unknown-key`, `offline-misfit` naming the rule,
/// `offline-superseded`, `state-conflict`.
pub async fn bring(desk: &Desk, certificate: &Certificate, actor: Actor) -> Result<Brought> {
    let db = &desk.authority.db;
    let key = certificate.public_key()?.fingerprint();
    let found = db.find::<OfflineRequestRecord>(OfflineRequestRecord::BY_KEY, &key).await?;
    let Some(stored) = found else {
        let text = "no device asked for a certificate of this key; export the requests anew";
        return Err(Error::conflict("offline-unknown-key", text));
    };
    if stored.value.certificate.as_deref() == Some(certificate.der()) {
        return Ok(Brought::Known(stored.value));
    }
    let set = desk.profiles.current();
    let lists = desk.profiles.offline_lists();
    fits::hold(
        set.require(&stored.value.profile)?,
        &stored.value,
        certificate,
        (&lists, desk.authority.clock.now()),
    )?;
    let device = expecting(desk, &stored.value).await?;
    let (mut unit, now) = (Unit::new(), desk.authority.clock.now());
    let record = OfflineRequestRecord { certificate: Some(certificate.der().to_vec()), ..stored.value };
    unit.replace(&record, stored.revision)?;
    supersede_unconfirmed(desk, &device.value, &actor, &mut unit).await?;
    // It is none of ours: nothing that follows it is to revoke it.
    let change = Change::of(device, actor.clone(), now).issued(certificate.serial().clone());
    change.facts(|device| device.unconfirmed = None).write(&mut unit)?;
    let event = Event::new(now, actor, "device.bring-offline", format!("device:{}", record.device))
        .with("serial", certificate.serial())
        .with("issuer", certificate.issuer());
    unit.event(event);
    db.commit(unit).await?;
    Ok(Brought::Taken(record))
}

/// Revokes the certificate of ours that the device never confirmed: another takes its place.
async fn supersede_unconfirmed(
    desk: &Desk,
    device: &DeviceRecord,
    actor: &Actor,
    unit: &mut Unit,
) -> Result<()> {
    let Some(serial) = &device.unconfirmed else { return Ok(()) };
    for found in serials::all(&desk.authority.db, serial).await? {
        let bears = found.value.device.as_deref();
        let is_its = bears.is_some_and(|name| name.eq_ignore_ascii_case(device.name.as_str()));
        if is_its && found.value.status == Status::Good {
            revoke::write(unit, found, Reason::Superseded, actor, desk.authority.clock.now())?;
        }
    }
    Ok(())
}

/// The device, if it still waits for this very certificate. Errors: `offline-superseded`.
async fn expecting(desk: &Desk, record: &OfflineRequestRecord) -> Result<Stored<DeviceRecord>> {
    device_that_waits(desk, record).await?.ok_or_else(|| {
        let text = format!(
            "{} does not wait for it any more: its operation was taken back or done, or another certificate \
             came for it",
            record.device
        );
        Error::conflict("offline-superseded", text)
    })
}

/// The request of the device for this key (SHA-256), if a CA elsewhere signed it. Boxed: few conversations come to it.
/// Errors: `storage`.
pub(super) fn signed_by_key<'a>(desk: &'a Desk, device: &'a DeviceRecord, key: [u8; 32]) -> Found<'a> {
    Box::pin(async move {
        let found =
            desk.authority.db.find::<OfflineRequestRecord>(OfflineRequestRecord::BY_KEY, &key).await?;
        let asked = found.map(|found| found.value);
        Ok(asked.filter(|asked| asked.is_of(device) && asked.certificate.is_some()))
    })
}

/// A request, if there is one.
type Found<'a> = Pin<Box<dyn Future<Output = Result<Option<OfflineRequestRecord>>> + Send + 'a>>;

/// Whether the device still waits for the certificate that it asked for. Errors: `storage`.
pub async fn is_waiting(desk: &Desk, record: &OfflineRequestRecord) -> Result<bool> {
    device_that_waits(desk, record).await.map(|device| device.is_some())
}

async fn device_that_waits(
    desk: &Desk,
    record: &OfflineRequestRecord,
) -> Result<Option<Stored<DeviceRecord>>> {
    let key = DeviceRecord::name_key(&record.device);
    let found = desk.authority.db.find::<DeviceRecord>(DeviceRecord::BY_NAME, &key).await?;
    let waits = |device: &Stored<DeviceRecord>| {
        let operation = device.value.operation.as_ref();
        operation
            .is_some_and(|o| o.id == record.operation && matches!(o.state, State::Pending | State::Issued(_)))
    };
    Ok(found.filter(waits).filter(|_| record.certificate.is_none()))
}
