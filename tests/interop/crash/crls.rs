//! Every CRL that was served, over all kills: no number names two lists, and no entry is taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use signet::x509::crl::Crl;

use crate::server::Server;

/// Where the certificates of the storm are listed: each address is a scope with numbers of its own.
const PATHS: [&str; 2] = ["/crl/ec-issuing.crl", "/crl/ec-root.crl"];

/// The lists by address and number, as they were served.
#[derive(Default)]
pub(super) struct Collector(Mutex<BTreeMap<(&'static str, u64), Vec<u8>>>);

impl Collector {
    /// Fetches over and over until `stop`, or until the server is gone.
    pub(super) fn watch(self: &Arc<Self>, http: String, stop: Arc<AtomicBool>) -> JoinHandle<()> {
        let collector = self.clone();
        std::thread::spawn(move || {
            let client = reqwest::blocking::Client::new();
            while !stop.load(Ordering::Relaxed) {
                for path in PATHS {
                    let Ok(answer) = client.get(format!("http://{http}{path}")).send() else { return };
                    let Ok(der) = answer.bytes() else { return };
                    collector.note(path, der.to_vec());
                }
            }
        })
    }

    /// Waits until a list has all of these entries; the lists seen meanwhile count too.
    pub(super) fn lists(&self, server: &Server, revoked: &[String]) {
        let start = Instant::now();
        let client = reqwest::blocking::Client::new();
        loop {
            let mut found = BTreeSet::new();
            for path in PATHS {
                let der = client.get(server.url(path)).send().unwrap().bytes().unwrap().to_vec();
                found.extend(entries(&der));
                self.note(path, der);
            }
            let missing: Vec<_> = revoked.iter().filter(|serial| !found.contains(*serial)).collect();
            if missing.is_empty() {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "revoked and on no CRL: {missing:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// How many different lists were served.
    pub(super) fn seen(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// How many entries the last list of the storm has.
    pub(super) fn entries(&self) -> usize {
        let all = self.0.lock().unwrap();
        all.range((PATHS[0], 0)..=(PATHS[0], u64::MAX)).next_back().map_or(0, |(_, der)| entries(der).len())
    }

    fn note(&self, path: &'static str, der: Vec<u8>) {
        let number = Crl::from_der(&der).unwrap().number().unwrap();
        let mut all = self.0.lock().unwrap();
        if let Some(known) = all.get(&(path, number)) {
            assert!(*known == der, "{path}: the number {number} names two lists");
            return;
        }
        let own = entries(&der);
        // No certificate of the storm expires meanwhile: a later list has every entry of an earlier one.
        if let Some((_, before)) = all.range((path, 0)..(path, number)).next_back() {
            assert!(entries(before).is_subset(&own), "{path}: number {number} lost an entry");
        }
        if let Some((_, after)) = all.range((path, number + 1)..=(path, u64::MAX)).next() {
            assert!(own.is_subset(&entries(after)), "{path}: after number {number} an entry was lost");
        }
        all.insert((path, number), der);
    }
}

/// The serial numbers that a list has.
fn entries(der: &[u8]) -> BTreeSet<String> {
    Crl::from_der(der).unwrap().entries().iter().map(|entry| entry.serial.to_string()).collect()
}
