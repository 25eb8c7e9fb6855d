//! One-time challenges: bound to identity and profile, counted, consumed with the certificate.

use std::time::Duration;

use signet::audit::Outcome as Ended;
use signet::enrol::{Proof, challenge};
use signet::error::Kind;
use signet::store::{PRIMARY, Scan};

use super::fixture::{Client, DAY, HOUR, Office, operator, secret};

const CN: &str = "gw1.example";

#[tokio::test]
async fn scep_35_a_challenge_is_required_where_none_is_given() {
    let office = Office::open().await;
    let client = Client::new();
    for (profile, csr) in [
        ("scep-device", client.csr(CN, &[])),
        ("tls-server", client.csr(CN, &[])),
        ("dot1x-device", client.csr(CN, &[])),
    ] {
        for proof in [Proof::None, secret("")] {
            let request = client.request(profile, csr.clone(), proof);
            assert_eq!(office.refusal(request).await, ("challenge-required", "challenge required".into()));
        }
    }
}

#[tokio::test]
async fn scep_38_a_challenge_is_for_one_identity_and_profile() {
    let office = Office::open().await;
    let client = Client::new();
    let password = office.challenge("GW1.example", &["dns:gw1.example", "dns:gw2.example"]).await;
    let sans = ["dns:gw2.example", "dns:gw1.example"];
    for (cn, sans) in [("gw9.example", &sans[..]), (CN, &sans[..1]), (CN, &[])] {
        let request = client.request("scep-device", client.csr(cn, sans), secret(&password));
        let expected = ("challenge-refused", "challenge not valid for this identity".into());
        assert_eq!(office.refusal(request).await, expected);
    }
    let request = client.request("dot1x-device", client.csr(CN, &sans), secret(&password));
    assert_eq!(office.refusal(request).await, ("challenge-refused", "challenge not accepted".into()));
    let request = client.request("scep-device", client.csr(CN, &sans), secret(&password));
    office.issued(office.enrol(request).await);
}

#[tokio::test]
async fn wrong_expired_and_withdrawn_challenges_are_refused_alike() {
    let office = Office::open().await;
    let client = Client::new();
    let expired = office.challenge(CN, &[]).await;
    office.desk.authority.clock.advance(HOUR);
    let withdrawn = office.challenge(CN, &[]).await;
    let scan = Scan::all::<signet::enrol::records::ChallengeRecord>(PRIMARY).backward();
    let newest = office.desk.authority.db.scan(scan).await.unwrap().items.remove(0);
    let newest: signet::enrol::records::ChallengeRecord = newest.value;
    challenge::withdraw(&office.desk, newest.id, operator("ann")).await.unwrap();
    for password in [expired.as_str(), withdrawn.as_str(), "guess"] {
        let request = client.request("scep-device", client.csr(CN, &[]), secret(password));
        assert_eq!(office.refusal(request).await, ("challenge-refused", "challenge not accepted".into()));
    }
    assert!(office.certificates("scep-device").await.is_empty());
}

#[tokio::test]
async fn scep_37_a_challenge_used_again_for_another_key_raises_the_alarm() {
    let office = Office::open().await;
    let (client, thief) = (Client::new(), Client::new());
    let password = office.challenge(CN, &[]).await;
    let request = client.request("scep-device", client.csr(CN, &[]), secret(&password));
    let serial = office.issued(office.enrol(request).await).serial;

    let again = client.request("scep-device", client.csr(CN, &[]), secret(&password));
    assert_eq!(office.refusal(again).await.0, "challenge-refused");
    assert!(office.events("challenge.reuse").await.is_empty());

    let stolen = thief.request("scep-device", thief.csr(CN, &[]), secret(&password));
    assert_eq!(office.refusal(stolen).await, ("challenge-refused", "challenge not accepted".into()));
    let alarm = office.events("challenge.reuse").await.remove(0).event;
    assert_eq!(alarm.outcome, Ended::Warning);
    assert_eq!(alarm.details["used-for"], serial.to_string());
    assert_eq!(office.certificates("scep-device").await.len(), 1);
}

#[tokio::test]
async fn scep_34_of_many_at_once_one_consumes_the_challenge() {
    let office = Office::open().await;
    let password = office.challenge(CN, &[]).await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let client = Client::new();
        let request = client.request("scep-device", client.csr(CN, &[]), secret(&password));
        let desk = std::sync::Arc::clone(&office.desk);
        tasks.push(tokio::spawn(async move { signet::enrol::enrol(&desk, request).await }));
    }
    let mut issued = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => issued += 1,
            Err(e) => assert_eq!(e.code(), "challenge-refused"),
        }
    }
    assert_eq!((issued, office.certificates("scep-device").await.len()), (1, 1));
}

#[tokio::test]
async fn scep_40_guessing_is_slowed_and_told_once() {
    let office = Office::open().await;
    let client = Client::new();
    let guess = || client.request("scep-device", client.csr(CN, &[]), secret("guess"));
    for _ in 0..6 {
        assert_eq!(office.refusal(guess()).await.0, "challenge-refused");
    }
    let slowed = office.enrol(guess()).await.unwrap_err();
    assert_eq!((slowed.kind(), slowed.code()), (Kind::Throttled, "throttled"));
    let right = secret(&office.challenge(CN, &[]).await);
    let request = client.request("scep-device", client.csr(CN, &[]), right);
    assert_eq!(office.refusal(request).await.0, "throttled", "the right one is not told from a wrong one");
    let locked = office.events("enrol.lockout").await;
    assert_eq!(locked.len(), 1);
    assert!(locked[0].event.subject.starts_with("key:"));

    let mut neighbour = Client::new();
    neighbour.address = "10.0.0.10".parse().unwrap();
    office.device(&neighbour, "other.example").await;

    office.desk.authority.clock.advance(Duration::from_secs(60));
    assert_eq!(office.refusal(guess()).await.0, "challenge-refused");
}

#[tokio::test]
async fn challenges_are_made_for_what_can_be_enrolled() {
    let office = Office::open().await;
    for (profile, cn, ttl, code, field) in [
        ("tls-server", CN, HOUR, "no-challenges", "/profile"),
        ("legacy", CN, HOUR, "profile-disabled", "/profile"),
        ("scep-device", CN, DAY * 31, "out-of-range", "/ttl"),
        ("scep-device", CN, Duration::ZERO, "out-of-range", "/ttl"),
        ("phone-lsc", CN, HOUR, "bad-identity", "/subject"),
    ] {
        let refused = office.new_challenge(profile, cn, &[], ttl).await.unwrap_err();
        assert_eq!((refused.code(), refused.field()), (code, Some(field)), "{profile}");
    }
    let refused = office.new_challenge("scep-device", CN, &["dns:*.a.example"], HOUR).await.unwrap_err();
    assert_eq!((refused.code(), refused.field()), ("bad-identity", Some("/sans")));
    assert_eq!(office.new_challenge("nowhere", CN, &[], HOUR).await.unwrap_err().code(), "not-found");
}

#[tokio::test]
async fn the_secret_is_neither_stored_nor_logged_and_a_used_one_stays() {
    let office = Office::open().await;
    let client = Client::new();
    let password = office.challenge(CN, &[]).await;
    let request = client.request("scep-device", client.csr(CN, &[]), secret(&password));
    office.issued(office.enrol(request).await);
    let scan = Scan::all::<signet::enrol::records::ChallengeRecord>(PRIMARY);
    let stored = office.desk.authority.db.raw().scan(scan).await.unwrap().items.remove(0);
    assert!(!stored.body.windows(password.len()).any(|w| w == password.as_bytes()));
    for action in ["challenge.create", "certificate.issue"] {
        assert!(!format!("{:?}", office.events(action).await).contains(password.as_str()));
    }
    let used = signet::store::Stored::<signet::enrol::records::ChallengeRecord>::open(&stored).unwrap().value;
    let refused = challenge::withdraw(&office.desk, used.id, operator("ann")).await.unwrap_err();
    assert_eq!(refused.code(), "state-conflict");
}
