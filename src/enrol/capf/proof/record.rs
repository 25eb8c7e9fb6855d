//! What is on record of a certificate that a device shows: by its very octets, since a signature alone is not enough.

use std::pin::Pin;

use super::{Refusal, Sort, Unproven};
use crate::ca::Authority;
use crate::ca::records::{CertificateRecord, CompromisedKeyRecord, Status, serials};
use crate::device::DeviceName;
use crate::device::records::DeviceRecord;
use crate::enrol::offline::records::OfflineRequestRecord;
use crate::error::Result as Outcome;
use crate::store::Stored;
use crate::x509::cert::Certificate;

/// Holds that an LSC is on record and not revoked. Returns our record of one of ours. Errors: `NotOnRecord`, `Revoked`.
pub(super) async fn on_record(
    authority: &Authority,
    certificate: &Certificate,
    sort: Sort,
    device: &str,
) -> Result<Option<Stored<CertificateRecord>>, Refusal> {
    match sort {
        Sort::Mic => return Ok(None),
        Sort::Offline => {
            let known = brought(authority, certificate, device).await.map_err(Refusal::Failed)?;
            return known.map(|()| None).map_err(Refusal::Unproven);
        }
        Sort::Lsc => {}
    }
    let found = serials::all(&authority.db, certificate.serial()).await.map_err(Refusal::Failed)?;
    let ours = found.into_iter().find(|stored| *stored.value.der == *certificate.der());
    let ours = ours.ok_or(Refusal::Unproven(Unproven::NotOnRecord))?;
    match ours.value.status {
        Status::Good => Ok(Some(ours)),
        Status::Revoked { .. } => Err(Refusal::Unproven(Unproven::Revoked)),
    }
}

/// Whether it is known, or could not be looked up.
type Known<'a> = Pin<Box<dyn Future<Output = Outcome<Result<(), Unproven>>> + Send + 'a>>;

/// What a CA elsewhere signed was brought in for this device, or the device is known to hold it; and nobody reported its
/// key as compromised. Boxed: few conversations come to it.
fn brought<'a>(authority: &'a Authority, certificate: &'a Certificate, device: &'a str) -> Known<'a> {
    Box::pin(look_up(authority, certificate, device))
}

async fn look_up(
    authority: &Authority,
    certificate: &Certificate,
    device: &str,
) -> Outcome<Result<(), Unproven>> {
    let key = certificate.public_key()?.fingerprint();
    if authority.db.get::<CompromisedKeyRecord>(&key).await?.is_some() {
        return Ok(Err(Unproven::Revoked));
    }
    let name: DeviceName = device.parse()?;
    let request = authority.db.find::<OfflineRequestRecord>(OfflineRequestRecord::BY_KEY, &key).await?;
    let found =
        authority.db.find::<DeviceRecord>(DeviceRecord::BY_NAME, &DeviceRecord::name_key(&name)).await?;
    let Some(device) = found.map(|found| found.value) else { return Ok(Err(Unproven::NotOnRecord)) };
    let was_brought = request.is_some_and(|request| request.value.is_signed_for(&device, certificate));
    // The request may be gone: a device that sends the same key again begins a new one.
    let holds = device.lsc.is_some_and(|held| held.fingerprint == certificate.fingerprint());
    Ok(if was_brought || holds { Ok(()) } else { Err(Unproven::NotOnRecord) })
}
