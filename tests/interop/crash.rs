//! kill -9 under load: every certificate and every revocation that was acknowledged is there afterwards, and no published
//! CRL is taken back.

mod backup;
mod campaign;
mod capf;
mod crls;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::crls::Collector;
use crate::server::Server;

/// Rounds of kill and restart; the soak command asks for 200.
fn rounds() -> usize {
    std::env::var("SIGNET_CRASH_ROUNDS").ok().map_or(15, |text| text.parse().expect("SIGNET_CRASH_ROUNDS"))
}

fn client(server: &Server) -> reqwest::blocking::Client {
    let pem = std::fs::read(server.data().join("tls-ca.pem")).unwrap();
    let roots = reqwest::Certificate::from_pem_bundle(&pem).unwrap();
    reqwest::blocking::Client::builder()
        .tls_certs_only(roots)
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

/// One new key and request for `name`.
fn csr(name: &str) -> String {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.serialize_request(&key).unwrap().pem().unwrap()
}

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    issued: Mutex<Vec<String>>,
    revoked: Mutex<Vec<String>>,
}

/// Issues as fast as it can until `stop`, and revokes every fourth; what is acknowledged is noted.
fn writer(
    client: &reqwest::blocking::Client,
    (url, token): (&str, &str),
    name: &str,
    stop: &AtomicBool,
    acknowledged: &Acknowledged,
) {
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let body =
            serde_json::json!({"profile": "tls-server", "csr": csr(&format!("{name}-{n}.example.com"))});
        let answer = client.post(url).bearer_auth(token).json(&body).send();
        let Ok(answer) = answer else { return };
        assert_eq!(answer.status().as_u16(), 201);
        let Ok(answer) = answer.json::<serde_json::Value>() else { return };
        let serial = answer["serial"].as_str().unwrap().to_owned();
        acknowledged.issued.lock().unwrap().push(serial.clone());
        if n % 4 == 0 {
            let body = serde_json::json!({"reason": "superseded"});
            let answer = client.post(format!("{url}/{serial}/revoke")).bearer_auth(token).json(&body).send();
            let Ok(answer) = answer else { return };
            assert_eq!(answer.status().as_u16(), 200);
            if answer.bytes().is_ok() {
                acknowledged.revoked.lock().unwrap().push(serial);
            }
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut server = Server::start();
    let token = std::fs::read_to_string(server.data().join("admin.token")).unwrap().trim().to_owned();
    let acknowledged = Arc::new(Acknowledged::default());
    let crls = Arc::new(Collector::default());
    let mut pause = 7u64;
    for round in 0..rounds() {
        let url = format!("https://{}/api/v1/certificates", server.https);
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..8)
            .map(|w| {
                let (client, url, token) = (client(&server), url.clone(), token.clone());
                let (stop, acknowledged) = (stop.clone(), acknowledged.clone());
                std::thread::spawn(move || {
                    writer(&client, (&url, &token), &format!("r{round}-w{w}"), &stop, &acknowledged);
                })
            })
            .collect();
        let watcher = crls.watch(server.http.clone(), stop.clone());
        pause = pause.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(150 + pause % 700));
        server.kill();
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|w| w.join().unwrap());
        watcher.join().unwrap();
        server.launch();
        check(&server, &acknowledged.issued.lock().unwrap(), round);
        crls.lists(&server, &acknowledged.revoked.lock().unwrap());
    }
    println!("{} CRLs served, {} entries on the last", crls.seen(), crls.entries());
    let all = acknowledged.issued.lock().unwrap();
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "a serial was given twice");
    assert!(all.len() > 100, "the storm wrote only {}", all.len());
    println!("{} certificates acknowledged over {} kills, none lost", all.len(), rounds());
}

fn check(server: &Server, acknowledged: &[String], round: usize) {
    let stored: HashSet<String> = all_serials(server);
    let lost: Vec<_> = acknowledged.iter().filter(|s| !stored.contains(*s)).collect();
    assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
    server.signet(&["check"]).ok();
    server.signet(&["audit", "verify"]).ok();
}

fn all_serials(server: &Server) -> HashSet<String> {
    let (mut found, mut cursor) = (HashSet::new(), String::new());
    loop {
        let path = format!("/certificates?limit=1000{cursor}");
        let (status, body) = server.api(&[], &path);
        assert_eq!(status, 200);
        let page: serde_json::Value = serde_json::from_slice(&body).unwrap();
        for item in page["items"].as_array().unwrap() {
            let serial = item["serial"].as_str().unwrap().to_owned();
            assert!(found.insert(serial), "a serial is listed twice: {item}");
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}
