//! Challenges that a RADIUS server judges.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use signet::enrol::source::radius::reply::Unverified;
use signet::enrol::source::radius::request::{AccessRequest, Sent};
use signet::error::Kind;
use signet::random::Random;

use super::fixture::{Client, Office, secret};
use super::judges::{Manner, Radius, profile, radius_lines};

const CN: &str = "gw1.example";
const RIGHT: &str = "open sesame";
const UNAVAILABLE: &str = "challenge-source-unavailable";

async fn office(servers: &[&Radius]) -> (Office, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let text = profile(&radius_lines(dir.path(), servers));
    (Office::with(&[("dialled", &text)]).await, dir)
}

async fn refusal(office: &Office, password: &str) -> (&'static str, String) {
    let client = Client::new();
    office.refusal(client.request("dialled", client.csr(CN, &[]), secret(password))).await
}

#[tokio::test]
async fn the_devices_name_and_challenge_are_put_before_the_server() {
    let server = Radius::start(Manner::Sound).await;
    let (office, _dir) = office(&[&server]).await;
    let client = Client::new();
    let request = client.request("dialled", client.csr(CN, &[]), secret(RIGHT));
    let record = office.issued(office.enrol(request).await);
    let accepted = office.details("challenge.accept").await.remove(0);
    assert_eq!((&*accepted["source"], &accepted["serial"]), ("radius", &record.serial.to_string()));

    let [asked] = server.asked().try_into().unwrap();
    let kinds: Vec<u8> = asked.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [80, 1, 2, 32, 31], "Message-Authenticator stands first");
    assert_eq!(asked[1].1, CN.as_bytes());
    assert_eq!(asked[3].1, b"signet");
    assert_eq!(asked[4].1, b"10.0.0.9");
}

#[tokio::test]
async fn a_reject_is_told_and_counted() {
    let server = Radius::start(Manner::Sound).await;
    let (office, _dir) = office(&[&server]).await;
    let expected = ("challenge-refused", "challenge not accepted: no entry".to_owned());
    assert_eq!(refusal(&office, "guess").await, expected);
    let more = refusal(&office, "more").await;
    assert!(more.0 == "challenge-refused" && more.1.contains("more than a challenge"), "{more:?}");
    assert_eq!(refusal(&office, &"x".repeat(129)).await.0, "challenge-refused");
    let client = Client::new();
    for _ in 0..6 {
        office.refusal(client.request("dialled", client.csr(CN, &[]), secret("guess"))).await;
    }
    let slowed = client.request("dialled", client.csr(CN, &[]), secret(RIGHT));
    assert_eq!(office.refusal(slowed).await.0, "throttled");
    assert!(office.desk.profiles.sources().is_well());
}

#[tokio::test]
async fn what_is_no_authentic_answer_is_none() {
    let expected = [
        (Manner::Silent, "no answer"),
        (Manner::Unauthenticated, "CVE-2024-3596"),
        (Manner::Forging, "same secret"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let mut profiles = Vec::new();
    for (n, (manner, _)) in expected.iter().enumerate() {
        let server = Radius::start(*manner).await;
        profiles.push((format!("dialled-{n}"), profile(&radius_lines(dir.path(), &[&server]))));
    }
    let profiles: Vec<(&str, &str)> = profiles.iter().map(|(name, text)| (&**name, &**text)).collect();
    let office = Office::with(&profiles).await;
    for (n, (name, _)) in profiles.iter().enumerate() {
        let client = Client::new();
        let request = client.request(name, client.csr(CN, &[]), secret(RIGHT));
        let error = office.enrol(request).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Unreachable, UNAVAILABLE), "{name}");
        let fault = office.desk.profiles.sources().health().remove(n).2.unwrap();
        assert!(fault.contains(expected[n].1), "{:?}: {fault}", expected[n].0);
    }
    assert!(office.events("enrol.lockout").await.is_empty());
}

#[tokio::test]
async fn a_silent_server_is_passed_over_and_then_asked_last() {
    let (silent, sound) = (Radius::start(Manner::Silent).await, Radius::start(Manner::Sound).await);
    let (office, _dir) = office(&[&silent, &sound]).await;
    for name in ["gw1", "gw2"] {
        let client = Client::new();
        let request = client.request("dialled", client.csr(name, &[]), secret(RIGHT));
        office.issued(office.enrol(request).await);
    }
    assert_eq!((silent.asked().len(), sound.asked().len()), (1, 2));
}

/// As the fuzz target does, for a moment: whole packets of any attributes, and none is believed.
#[test]
fn packets_of_any_attributes_are_read_and_never_believed() {
    let secret = b"a secret that nobody guesses";
    let mut runner = TestRunner::new(Config { cases: 2000, failure_persistence: None, ..Config::default() });
    let attribute =
        (prop_oneof![Just(18u8), Just(80), any::<u8>()], proptest::collection::vec(any::<u8>(), 0..20));
    let packet = (0u8..12, any::<u8>(), proptest::collection::vec(attribute, 0..6), any::<bool>());
    let whole = std::cell::Cell::new(0);
    runner
        .run(&packet, |(code, id, attributes, authenticated)| {
            let mut bytes = vec![code, id, 0, 0];
            bytes.extend([0; 16]);
            for (kind, value) in &attributes {
                bytes.extend([*kind, value.len() as u8 + 2]);
                bytes.extend(value);
            }
            if authenticated {
                bytes.extend([80, 18]);
                bytes.extend([0; 16]);
            }
            let length = bytes.len() as u16;
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            if let Ok(unverified) = Unverified::read(&bytes) {
                whole.set(whole.get() + 1);
                prop_assert_eq!(unverified.says().is_ok(), matches!(code, 2 | 3 | 11));
                let request =
                    AccessRequest { user: "gw1", password: "x", nas_identifier: "signet", station: None };
                let sent = request.write(secret, &Random::system()).unwrap();
                let sent = Sent { id, ..sent };
                prop_assert!(unverified.verify(&sent, secret).is_err());
            }
            Ok(())
        })
        .unwrap();
    assert!(whole.get() > 200, "only {} were whole", whole.get());
}
