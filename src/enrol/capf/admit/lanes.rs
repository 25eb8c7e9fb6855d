//! How many proofs by certificate are looked at: a wrong one costs its sender nothing and us several signatures.
//!
//! Wrong ones are counted by address and by device. Counts alone would let anybody shut out a phone by sending wrong proofs in
//! its name, so a proof may come by several lanes, each with counts of its own, and is looked at while any of them is
//! open: the lane for all; that of the certificate which the phone is known to hold; that of the address where it last
//! proved itself. Who has neither of the phone's closes the first alone.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::device::records::DeviceRecord;
use crate::enrol::throttle::{Throttle, Who, network};
use crate::error::Result;

/// The lanes by which a proof came; it counts in all of them.
#[derive(Debug)]
pub(super) struct Lanes {
    for_all: [Who; 2],
    own: Vec<Who>,
}

impl Lanes {
    /// Those of a certificate (DER) that somebody at `address` shows for this device.
    pub fn of(device: &DeviceRecord, certificate: &[u8], address: IpAddr) -> Self {
        let name = || device.name.folded();
        let shown: [u8; 32] = Sha256::digest(certificate).into();
        let is_own = [&device.lsc, &device.mic].into_iter().flatten().any(|held| held.fingerprint == shown);
        let home = device.seen.as_ref().map(|seen| network(seen.address));
        let own = [
            is_own.then(|| Who::ProofsByOwn(name())),
            (home == Some(network(address))).then(|| Who::ProofsFromHome(name())),
        ];
        Self {
            for_all: [Who::proofs_from(address), Who::ProofsFor(name())],
            own: own.into_iter().flatten().collect(),
        }
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
