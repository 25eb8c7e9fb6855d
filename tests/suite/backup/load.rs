//! A backup while others write: what was acknowledged before it began is in it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::*;

fn csr(name: &str) -> String {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.serialize_request(&key).unwrap().pem().unwrap()
}

fn client(site: &Site) -> reqwest::blocking::Client {
    let pem = std::fs::read(site.home.file("tls-ca.pem")).unwrap();
    let roots = reqwest::Certificate::from_pem_bundle(&pem).unwrap();
    reqwest::blocking::Client::builder().tls_certs_only(roots).build().unwrap()
}

fn serials(site: &Site) -> HashSet<String> {
    let found = site.json(&["cert", "list"]);
    let items = found["items"].as_array().unwrap();
    items.iter().map(|item| item["serial"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn nothing_acknowledged_before_its_instant_is_missing() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let site = Site::new();
    let url = format!("{}/api/v1/certificates", site.server().https_url());
    let token = site.home.read("admin.token").trim().to_owned();
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let (client, url, token) = (client(&site), url.clone(), token.clone());
            let (stop, acknowledged) = (stop.clone(), acknowledged.clone());
            std::thread::spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let csr = csr(&format!("w{writer}-{n}.example.com"));
                    let body = serde_json::json!({"profile": "tls-server", "csr": csr});
                    let answer = client.post(&url).bearer_auth(&token).json(&body).send().unwrap();
                    let made: Value = answer.json().unwrap();
                    acknowledged.lock().unwrap().push(made["serial"].as_str().unwrap().to_owned());
                }
            })
        })
        .collect();
    let mut backups = Vec::new();
    for round in 0..3 {
        while acknowledged.lock().unwrap().len() < (round + 1) * 20 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let before = acknowledged.lock().unwrap().clone();
        backups.push((before, site.backup(&format!("{round}.backup"))));
    }
    stop.store(true, Ordering::Relaxed);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let all: HashSet<String> = acknowledged.lock().unwrap().iter().cloned().collect();
    for (before, file) in backups {
        let (again, _) = site.restored_and_served(&file, &["--without-crl"]);
        let found = serials(&again);
        let lost: Vec<_> = before.iter().filter(|serial| !found.contains(*serial)).collect();
        assert!(lost.is_empty(), "acknowledged before the backup and not in it: {lost:?}");
        assert!(before.len() < all.len(), "nothing was written meanwhile");
        again.is_sound();
    }
}
