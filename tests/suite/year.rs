//! A year of life in seconds: devices enrol, renew and vanish, one is revoked, the CA is followed by another. At each month
//! everything that lives verifies by what is served then, and nothing of ours has expired.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use signet::clock::Timestamp;
use signet::x509::cert::Certificate;

use crate::openssl::openssl;
use crate::rollover::house::{DAY, House, issuer};
use crate::scep::device::Device;

const MONTH: Duration = Duration::from_hours(24 * 30);
/// The devices renew at this part of their life, as the profile has it.
const DUE: f64 = 2.0 / 3.0;

/// The estate: what devices hold, and what was seen of the CRLs.
struct Estate {
    house: House,
    devices: Vec<Device>,
    numbers: BTreeMap<String, u64>,
}

impl Estate {
    async fn enrol(&mut self, name: &str) {
        let ra = self.house.ca_certificates().await.remove(0);
        let device = self.house.enrol(name, &ra).await;
        self.devices.push(device);
    }

    /// Each device whose certificate is due renews it; returns how many did.
    async fn renew_what_is_due(&mut self) -> usize {
        let now = self.house.clock.now();
        let ra = self.house.ca_certificates().await.remove(0);
        let mut renewed = 0;
        for place in 0..self.devices.len() {
            let held = Certificate::from_der(&self.devices[place].certificate).unwrap();
            let life = held.not_after().since(held.not_before());
            if held.not_before().plus(life.mul_f64(DUE)) <= now {
                self.devices[place] = self.house.renew(&self.devices[place], &ra).await;
                renewed += 1;
            }
        }
        renewed
    }

    /// What must hold at any moment.
    async fn audit(&mut self) {
        let now = self.house.clock.now();
        for device in &self.devices {
            self.house
                .verify(&device.certificate)
                .await
                .unwrap_or_else(|e| panic!("{} at {now}: {e}", device.name));
        }
        for ca in self.house.state.desk.authority.hierarchy().all() {
            self.crl(ca.record.id.as_str(), now).await;
        }
        for own in signet::admin::OwnCertificates::own(&*self.house.state.identities) {
            assert!(own.not_before <= now && now < own.not_after, "{} at {now}", own.identity);
        }
        let health = self.house.call("GET", "/api/v1/health", "").await.1;
        let faults = health["checks"].as_array().unwrap().iter().filter(|check| check["status"] != "ok");
        // The listeners are not started here.
        let faults: Vec<_> = faults.filter(|check| check["name"] != "listeners").collect();
        assert!(faults.is_empty(), "{now}: {faults:?}");
    }

    /// Its CRL is in date, and its number never goes back.
    async fn crl(&mut self, ca: &str, now: Timestamp) {
        let shown = self.house.state.desk.authority.published().of(&ca.parse().unwrap()).unwrap();
        assert!(shown.this_update <= now && now < shown.next_update, "the CRL of {ca} at {now}");
        let (status, der) = self.house.get(&format!("/crl/{ca}.crl")).await;
        assert_eq!((status, &der[..]), (200, &shown.der[..]));
        let before = self.numbers.insert(ca.to_owned(), shown.number);
        assert!(before.is_none_or(|before| before <= shown.number), "{ca}: {before:?}, {}", shown.number);
    }

    /// The serial numbers on a CA's CRL, as openssl reads it.
    async fn listed(&self, ca: &str) -> BTreeSet<String> {
        let (_, der) = self.house.get(&format!("/crl/{ca}.crl")).await;
        let text = String::from_utf8(openssl(&["crl", "-inform", "DER", "-noout", "-text"], &der)).unwrap();
        let serials = text.lines().filter_map(|line| line.trim().strip_prefix("Serial Number: "));
        serials.map(str::to_owned).collect()
    }

    async fn revoke(&self, certificate: &[u8]) -> String {
        let serial = Certificate::from_der(certificate).unwrap().serial().to_string();
        self.house.post(&format!("/api/v1/certificates/{serial}/revoke"), r#"{"reason":"superseded"}"#).await;
        self.house.work().await;
        serial
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_life() {
    let house = House::build().await;
    let mut estate = Estate { house, devices: Vec::new(), numbers: BTreeMap::new() };
    let mut renewed = 0;
    let (mut lost, mut lost_serial): (Option<Device>, Option<String>) = (None, None);
    for month in 0..=14 {
        match month {
            0 => {
                estate.enrol("gateway-1").await;
                estate.enrol("gateway-2").await;
                estate.enrol("lost").await;
            }
            1 => {
                // One is lost: revoked, on the CRL until it expires.
                let device = estate.devices.pop().unwrap();
                lost_serial = Some(estate.revoke(&device.certificate).await);
                lost = Some(device);
            }
            3 => drop(estate.house.prepare("rsa-issuing").await),
            4 => drop(estate.house.activate("rsa-issuing").await),
            5 => estate.enrol("gateway-5").await,
            _ => {}
        }
        if let (Some(device), Some(serial)) = (&lost, &lost_serial) {
            let end = Certificate::from_der(&device.certificate).unwrap().not_after();
            if estate.house.clock.now() < end {
                assert!(estate.listed("rsa-issuing").await.contains(serial), "month {month}");
                assert!(estate.house.verify(&device.certificate).await.is_err());
            }
        }
        estate.audit().await;
        // Notices of what is due, and the revocation of what was superseded, belong here.
        renewed += estate.renew_what_is_due().await;
        estate.audit().await;
        estate.house.live(MONTH, 5 * DAY / 2).await;
    }
    assert!(renewed >= 3, "each device renewed once at least: {renewed}");
    for device in &estate.devices {
        assert_eq!(issuer(&estate.house, &device.certificate), "rsa-issuing-g2", "{}", device.name);
    }
    // After a year nothing of the old CA lives: it retired, and its last CRL carried the entry past its expiry.
    assert_eq!(estate.house.ca("rsa-issuing").await["state"], "retired");
    let of_the_new = estate.listed("rsa-issuing-g2").await;
    assert!(of_the_new.is_empty(), "{of_the_new:?}");
    let report = estate.house.state.admin.inspector.check().unwrap();
    assert!(report.ok, "{report:?}");
}

/// Checklist C: an entry stays until it was on one CRL that was issued after its certificate expired, and then leaves.
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_entry_leaves_the_list_of_a_ca_in_force() {
    let house = House::build().await;
    let mut estate = Estate { house, devices: Vec::new(), numbers: BTreeMap::new() };
    estate.enrol("lost").await;
    let device = estate.devices.pop().unwrap();
    let serial = estate.revoke(&device.certificate).await;
    let end = Certificate::from_der(&device.certificate).unwrap().not_after();
    let mut after_expiry = 0;
    for _ in 0..40 {
        estate.house.live(10 * DAY, 5 * DAY / 2).await;
        let shown =
            estate.house.state.desk.authority.published().of(&"rsa-issuing".parse().unwrap()).unwrap();
        let listed = estate.listed("rsa-issuing").await.contains(&serial);
        if shown.this_update <= end {
            assert!(listed, "not past its expiry yet");
        } else {
            after_expiry += 1;
            if after_expiry > 2 {
                assert!(!listed, "it was on one CRL past its expiry");
                return;
            }
        }
    }
    panic!("the certificate never expired");
}
