//! Renewals: our live certificate speaks for the same profile and identity.

use signet::enrol::Proof;
use signet::x509::crl::Reason;

use super::fixture::{Client, DAY, Office, renewal, secret};

const CN: &str = "gw1.example";

#[tokio::test]
async fn a_device_renews_with_a_new_key_and_with_the_one_it_has() {
    let office = Office::open().await;
    let (client, fresh) = (Client::new(), Client::new());
    let first = office.device(&client, CN).await;
    let request = fresh.request("scep-device", fresh.csr(CN, &[]), renewal(&first));
    let second = office.issued(office.enrol(request).await);
    assert_eq!(second.renews, Some(first.serial.clone()));
    let request = client.request("scep-device", client.csr(CN, &[]), renewal(&first));
    let third = office.issued(office.enrol(request).await);
    assert_ne!(third.serial, first.serial);
    assert_eq!(third.key_fingerprint, first.key_fingerprint);
}

#[tokio::test]
async fn scep_45_47_48_what_a_renewal_may_not_change() {
    let office = Office::open().await;
    let client = Client::new();
    let first = office.device(&client, CN).await;
    let fresh = Client::new();
    for (profile, cn, sans, text) in [
        ("dot1x-device", CN, &[][..], "profile mismatch"),
        ("scep-device", "gw2.example", &[], "identity change not allowed on renewal"),
        ("scep-device", CN, &["dns:gw1.example"], "identity change not allowed on renewal"),
    ] {
        let request = fresh.request(profile, fresh.csr(cn, sans), renewal(&first));
        assert_eq!(office.refusal(request).await, ("renewal-refused", text.into()));
    }
    let mut foreign = first.clone();
    foreign.fingerprint = [7; 32];
    let request = fresh.request("scep-device", fresh.csr(CN, &[]), renewal(&foreign));
    let text = "renewal signer is not a certificate of this CA";
    assert_eq!(office.refusal(request).await, ("renewal-refused", text.into()));
}

#[tokio::test]
async fn a_revoked_or_expired_certificate_renews_nothing() {
    let office = Office::open().await;
    let client = Client::new();
    let revoked = office.device(&client, CN).await;
    office.revoke(&revoked, Reason::Superseded).await;
    // as the edge read it, before the revocation
    let request = client.request("scep-device", client.csr(CN, &[]), renewal(&revoked));
    let text = "renewal signer is expired or revoked";
    assert_eq!(office.refusal(request).await, ("renewal-refused", text.into()));
    let old = office.device(&client, CN).await;
    office.desk.authority.clock.advance(DAY * 366);
    let request = client.request("scep-device", client.csr(CN, &[]), renewal(&old));
    assert_eq!(office.refusal(request).await, ("renewal-refused", text.into()));
}

#[tokio::test]
async fn scep_50_a_challenge_that_comes_along_must_be_right() {
    let office = Office::open().await;
    let client = Client::new();
    let first = office.device(&client, CN).await;
    let along = |text: &str| {
        let Proof::Challenge(challenge) = secret(text) else { unreachable!() };
        Proof::Renewal { certificate: Box::new(first.clone()), challenge: Some(challenge) }
    };
    let request = client.request("scep-device", client.csr(CN, &[]), along("guess"));
    assert_eq!(office.refusal(request).await.0, "challenge-refused");
    let right = office.challenge(CN, &[]).await;
    let request = client.request("scep-device", client.csr(CN, &[]), along(&right));
    office.issued(office.enrol(request).await);
    // This key is an EC key, to which the reply is encrypted by the challenge: it wants a fresh one (an RSA key does not).
    let request = client.request("scep-device", client.csr(CN, &[]), along(&right));
    assert_eq!(office.refusal(request).await.0, "challenge-refused");
}

#[tokio::test]
async fn a_strict_profile_wants_a_new_key_at_the_right_time() {
    let strict = std::fs::read_to_string("policies/profiles/scep-device.toml").unwrap();
    let strict =
        strict.replace("early = true", "early = false").replace("key_reuse = true", "key_reuse = false");
    let office = Office::with(&[("scep-device", &strict)]).await;
    let client = Client::new();
    let first = office.device(&client, CN).await;
    let fresh = Client::new();
    let request = || fresh.request("scep-device", fresh.csr(CN, &[]), renewal(&first));
    let (code, text) = office.refusal(request()).await;
    assert_eq!(code, "renewal-refused");
    assert!(text.starts_with("renewal is not due before 20"), "{text}");
    office.desk.authority.clock.advance(DAY * 300);
    let same = client.request("scep-device", client.csr(CN, &[]), renewal(&first));
    let text = "the profile wants a new key on renewal";
    assert_eq!(office.refusal(same).await, ("renewal-refused", text.into()));
    office.issued(office.enrol(request()).await);
}

#[tokio::test]
async fn a_compromised_key_renews_nothing_by_its_other_certificates() {
    let office = Office::open().await;
    let (client, fresh) = (Client::new(), Client::new());
    let first = office.device(&client, CN).await;
    let request = client.request("scep-device", client.csr(CN, &[]), renewal(&first));
    let second = office.issued(office.enrol(request).await);
    office.revoke(&first, Reason::KeyCompromise).await;
    let request = fresh.request("scep-device", fresh.csr(CN, &[]), renewal(&second));
    let text = "the renewal signer's key was reported as compromised";
    assert_eq!(office.refusal(request).await, ("renewal-refused", text.into()));
}
