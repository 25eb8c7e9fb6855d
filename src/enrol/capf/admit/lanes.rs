//! How many proofs by certificate are looked at: a wrong one costs its sender nothing and us several signatures.
//!
//! Wrong ones are counted by address and by device. Counts alone would let anybody shut out a phone by sending wrong proofs in
//! its name, so a proof may come by several lanes, each with counts of its own, and is looked at while any of them is
//! open: the lane for all; that of this device at this very address; that of a certificate which the device is known to
//! hold, at this very address. Nobody elsewhere closes the latter two, and they are closed for a second at a time.

use std::net::IpAddr;
use std::pin::Pin;

use sha2::{Digest, Sha256};

use crate::ca::records::serials;
use crate::clock::Timestamp;
use crate::device::DeviceName;
use crate::device::records::DeviceRecord;
use crate::enrol::Desk;
use crate::enrol::offline;
use crate::enrol::throttle::{Throttle, Who};
use crate::error::Result;
use crate::x509::cert::Certificate;

/// The lanes by which a proof came; it counts in all of them.
#[derive(Debug)]
pub(super) struct Lanes {
    for_all: [Who; 2],
    own: Vec<Who>,
}

impl Lanes {
    /// Those of a proof that somebody at `address` sends for this device, by a certificate that it is known to hold
    /// (`is_own`, see [`is_own`]) or not.
    pub fn of(device: &DeviceName, address: IpAddr, is_own: bool) -> Self {
        let (name, here) = (device.folded(), address.to_canonical());
        let mut own = vec![Who::ProofsAt(name.clone(), here)];
        if is_own {
            own.push(Who::ProofsByOwn(name.clone(), here));
        }
        Self { for_all: [Who::proofs_from(address), Who::ProofsFor(name)], own }
    }

    /// Lets the proof be looked at if any lane is open. Errors: `throttled`, saying for how many seconds.
    pub fn check(&self, throttle: &Throttle, now: Timestamp) -> Result<()> {
        let is_open = |who: &Who| throttle.check(now, std::slice::from_ref(who)).is_ok();
        if self.own.iter().any(is_open) {
            return Ok(());
        }
        throttle.check(now, &self.for_all)
    }

    /// All that a wrong proof counts against.
    pub fn whos(self) -> Vec<Who> {
        self.for_all.into_iter().chain(self.own).collect()
    }
}

/// Whether it is, or could not be looked up.
type Own<'a> = Pin<Box<dyn Future<Output = Result<bool>> + Send + 'a>>;

/// Whether the device is known to hold this certificate (DER), or was given it and has not confirmed it, by us or by a
/// CA elsewhere. No key is checked for that. Boxed, as it is looked up for few. Errors: `storage`.
pub(super) fn is_own<'a>(desk: &'a Desk, device: &'a DeviceRecord, der: &'a [u8]) -> Own<'a> {
    let shown: [u8; 32] = Sha256::digest(der).into();
    let held = [&device.lsc, &device.mic].into_iter().flatten().any(|held| held.fingerprint == shown);
    Box::pin(async move { Ok(held || was_given(desk, device, der, shown).await?) })
}

async fn was_given(desk: &Desk, device: &DeviceRecord, der: &[u8], shown: [u8; 32]) -> Result<bool> {
    if let Some(serial) = &device.unconfirmed {
        let found = serials::all(&desk.authority.db, serial).await?;
        if found.iter().any(|ours| ours.value.fingerprint == shown) {
            return Ok(true);
        }
    }
    let Ok(certificate) = Certificate::from_der(der) else { return Ok(false) };
    let key = Sha256::digest(certificate.spki()).into();
    let signed = offline::signed_by_key(desk, device, key).await?;
    Ok(signed.is_some_and(|signed| signed.is_signed_for(device, &certificate)))
}
