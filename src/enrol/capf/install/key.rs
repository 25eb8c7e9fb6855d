//! The device's new key: asked for, waited for, and checked.

use crate::device::records::Reason;
use crate::enrol::capf::admit::Admitted;
use crate::enrol::capf::frame::malformed;
use crate::enrol::capf::link::Stream;
use crate::enrol::capf::message::{
    Curve, FromDevice, KeyRequest, KeyResponse, Reason as Said, ToDevice, Version,
};
use crate::enrol::capf::refusal::Refusal;
use crate::enrol::capf::service::Service;
use crate::enrol::capf::talk::Talk;
use crate::error::{Error, Kind};
use crate::keys::pool::Pool;
use crate::x509::key::{DeviceKey, PublicKey};

/// What a device answers in the end.
enum Made {
    Key(Vec<u8>),
    None(Said),
}

/// Asks for the operation's key, and for its backup from a device that cannot make it. All of it together takes no longer
/// than the service's patience for keys.
pub(super) async fn ask<S: Stream>(
    talk: &mut Talk<'_, S>,
    admitted: &Admitted,
    service: &Service,
) -> Result<PublicKey, Refusal> {
    let all = ask_in_turn(talk, admitted, service);
    match tokio::time::timeout(service.patience.key, all).await {
        Ok(key) => key.map_err(|refusal| refusal.or_late(Reason::KeyGenerationTimeout)),
        Err(_) => Err(too_long("the device took too long to make its key")),
    }
}

async fn ask_in_turn<S: Stream>(
    talk: &mut Talk<'_, S>,
    admitted: &Admitted,
    service: &Service,
) -> Result<PublicKey, Refusal> {
    let order = admitted.operation.key;
    let mut wanted = match (order.preferred.is_rsa(), admitted.version) {
        (true, Version::Two | Version::Three) | (false, Version::Three) => order.preferred,
        // Jabber knows of RSA alone.
        (false, Version::Two) => order.backup.ok_or_else(no_ec)?,
    };
    let mut at_work = 0;
    loop {
        talk.tell(&ToDevice::MakeKey(request(wanted), admitted.version)).await?;
        match made(talk, service, &mut at_work).await? {
            Made::Key(spki) => return check(&service.desk.authority.pool, spki, wanted).await,
            Made::None(_) if !wanted.is_rsa() => wanted = order.backup.ok_or_else(no_ec)?,
            Made::None(said) => {
                let text = format!("the device made no key: {said}");
                let error = Error::new(Kind::Conflict, "capf-no-key", text);
                return Err(Refusal::trouble(error, Reason::KeyGenerationFailed));
            }
        }
    }
}

/// Waits while the device says that it is at work (CAPF-52).
async fn made<S: Stream>(
    talk: &mut Talk<'_, S>,
    service: &Service,
    at_work: &mut u32,
) -> Result<Made, Refusal> {
    loop {
        match talk.hear(service.patience.key).await? {
            FromDevice::Key(KeyResponse::Made(spki)) => return Ok(Made::Key(spki)),
            FromDevice::Key(KeyResponse::Failed(said)) => return Ok(Made::None(said)),
            FromDevice::InProgress if *at_work < service.patience.in_progress => *at_work += 1,
            FromDevice::InProgress => return Err(too_long("the device says too often that it is at work")),
            FromDevice::Auth(_) | FromDevice::Stored(_) | FromDevice::Fetched(_) | FromDevice::Deleted(_) => {
                return Err(Refusal::unexpected());
            }
        }
    }
}

fn too_long(text: &str) -> Refusal {
    Refusal::trouble(Error::new(Kind::Conflict, "capf-key-late", text), Reason::KeyGenerationTimeout)
}

fn no_ec() -> Refusal {
    let text = "the device makes no EC key, and the operation allows no other";
    Refusal::failed(Error::new(Kind::Conflict, "capf-no-ec", text), Reason::NoEcSupport)
}

fn request(key: DeviceKey) -> KeyRequest {
    match key {
        DeviceKey::Rsa1024 => KeyRequest::Rsa(1024),
        DeviceKey::Rsa2048 => KeyRequest::Rsa(2048),
        DeviceKey::Rsa3072 => KeyRequest::Rsa(3072),
        DeviceKey::Rsa4096 => KeyRequest::Rsa(4096),
        DeviceKey::P256 => KeyRequest::Ec(Curve::P256),
        DeviceKey::P384 => KeyRequest::Ec(Curve::P384),
        DeviceKey::P521 => KeyRequest::Ec(Curve::P521),
    }
}

/// Reads the key where such work is done, and holds it against what was asked for.
async fn check(pool: &Pool, spki: Vec<u8>, wanted: DeviceKey) -> Result<PublicKey, Refusal> {
    let checked = pool.run(move || fits(&spki, wanted)).await?;
    if checked.is_ok() && wanted == DeviceKey::Rsa1024 {
        metrics::counter!("signet_legacy_uses_total", "what" => wanted.as_str()).increment(1);
    }
    checked.map_err(|error| Refusal::trouble(error, Reason::KeyGenerationFailed))
}

/// CAPF-47, -49, -50.
fn fits(spki: &[u8], wanted: DeviceKey) -> Result<PublicKey, Error> {
    let key = wanted.read(spki).map_err(|error| match error.detail() {
        "invalid EC point" | "curve not allowed" => malformed("invalid EC point"),
        other => malformed(format!("bad public key: {other}")),
    })?;
    let (made, asked) = (key.kind(), wanted.kind());
    // A compressed point was re-coded.
    if made == asked && key.spki() == spki {
        return Ok(key);
    }
    Err(malformed(match made == asked {
        _ if !made.is_rsa() && !asked.is_rsa() => "invalid EC point",
        true => "bad public key: not DER",
        false => "key does not match request",
    }))
}

#[cfg(test)]
mod tests;
