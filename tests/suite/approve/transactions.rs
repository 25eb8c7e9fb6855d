//! Retransmissions: the same transaction, key and request lead to the same certificate.

use std::sync::Arc;

use signet::ca::Authority;
use signet::ca::profile::ProfileSet;
use signet::clock::Clock;
use signet::enrol::throttle::Who;
use signet::enrol::{Desk, Profiles, Proof, Request, enrol};
use signet::keys::pool::Pool;
use signet::keys::software::Vault;
use signet::random::Random;
use signet::storage;
use signet::store::Db;
use signet::x509::crl::Reason;

use super::fixture::{Client, DAY, Office, by_operator, operator, renewal, secret};

const CN: &str = "gw1.example";

#[tokio::test]
async fn scep_31_a_copy_gets_the_same_certificate() {
    let office = Office::open().await;
    let client = Client::new();
    let (csr, password) = (client.csr(CN, &[]), office.challenge(CN, &[]).await);
    let request = || client.within("T1", client.request("scep-device", csr.clone(), secret(&password)));
    let first = office.issued(office.enrol(request()).await);
    let copy = office.issued(office.enrol(request()).await);
    assert_eq!(copy.der, first.der);
    assert_eq!(office.certificates("scep-device").await.len(), 1);
}

#[tokio::test]
async fn a_copy_after_a_restart_gets_the_same_certificate() {
    let office = Office::open().await;
    let client = Client::new();
    let (csr, password) = (client.csr(CN, &[]), office.challenge(CN, &[]).await);
    let request = || client.within("T1", client.request("scep-device", csr.clone(), secret(&password)));
    let first = office.issued(office.enrol(request()).await);

    office.desk.authority.db.raw().close().await.unwrap();
    let Office { desk, dir } = office;
    drop(desk);
    let store = storage::open(&dir.path().join("store"), None).unwrap();
    let random = Random::system();
    let keys = Arc::new(Vault::open(dir.path(), "correct horse", &random).unwrap());
    let url = "http://ca.example".to_owned();
    let pool = Pool::new(1, 8);
    let authority = Authority::load(Db::new(store), Clock::system(), random, pool, keys, url).await.unwrap();
    let profiles = Arc::new(Profiles::new(ProfileSet::shipped().unwrap()));
    let desk = Desk { authority: Arc::new(authority), profiles, throttle: Default::default() };
    let office = Office { desk: Arc::new(desk), dir };
    assert_eq!(office.issued(office.enrol(request()).await).der, first.der);
}

#[tokio::test]
async fn scep_32_another_key_cannot_use_the_transaction() {
    let office = Office::open().await;
    let (client, other) = (Client::new(), Client::new());
    let password = office.challenge(CN, &[]).await;
    let first = client.within("T1", client.request("scep-device", client.csr(CN, &[]), secret(&password)));
    office.issued(office.enrol(first).await);
    let expected = ("bad-request", "transactionID in use by another key".to_owned());
    let password = office.challenge(CN, &[]).await;
    let other_signer =
        other.within("T1", other.request("scep-device", other.csr(CN, &[]), secret(&password)));
    assert_eq!(office.refusal(other_signer).await, expected);
    let other_key = client.within("T1", other.request("scep-device", other.csr(CN, &[]), secret(&password)));
    assert_eq!(office.refusal(other_key).await, expected);
    let elsewhere = office.new_challenge("dot1x-device", CN, &[], DAY).await.unwrap();
    let elsewhere = other.request("dot1x-device", other.csr(CN, &[]), secret(&elsewhere));
    office.issued(office.enrol(other.within("T1", elsewhere)).await);
}

#[tokio::test]
async fn the_same_key_may_ask_anew_if_it_is_authorized_anew() {
    let office = Office::open().await;
    let client = Client::new();
    let password = office.challenge(CN, &[]).await;
    let first = client.within("T1", client.request("scep-device", client.csr(CN, &[]), secret(&password)));
    let first = office.issued(office.enrol(first).await);
    let sans = ["dns:gw1.example"];
    let unauthorized = client.request("scep-device", client.csr(CN, &sans), secret(&password));
    assert_eq!(office.refusal(client.within("T1", unauthorized)).await.0, "challenge-refused");
    let password = office.challenge(CN, &sans).await;
    let anew = client.request("scep-device", client.csr(CN, &sans), secret(&password));
    assert_ne!(office.issued(office.enrol(client.within("T1", anew)).await).serial, first.serial);
}

#[tokio::test]
async fn scep_34_copies_at_once_lead_to_one_certificate() {
    let office = Office::open().await;
    let client = Client::new();
    let (csr, password) = (client.csr(CN, &[]), office.challenge(CN, &[]).await);
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let request = client.within("T1", client.request("scep-device", csr.clone(), secret(&password)));
        let desk = Arc::clone(&office.desk);
        tasks.push(tokio::spawn(async move { enrol(&desk, request).await }));
    }
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(office.issued(task.await.unwrap()).der);
    }
    seen.dedup();
    assert_eq!((seen.len(), office.certificates("scep-device").await.len()), (1, 1));
}

#[tokio::test]
async fn a_renewal_may_use_the_id_again_and_is_safe_to_repeat() {
    let office = Office::open().await;
    let client = Client::new();
    let (csr, password) = (client.csr(CN, &[]), office.challenge(CN, &[]).await);
    let first = client.within("T1", client.request("scep-device", csr.clone(), secret(&password)));
    let first = office.issued(office.enrol(first).await);
    let renew = |by: &signet::ca::records::CertificateRecord| {
        client.within("T1", client.request("scep-device", csr.clone(), renewal(by)))
    };
    let second = office.issued(office.enrol(renew(&first)).await);
    assert_ne!(second.serial, first.serial);
    assert_eq!(office.issued(office.enrol(renew(&first)).await).der, second.der);
    let third = office.issued(office.enrol(renew(&second)).await);
    assert_ne!(third.serial, second.serial, "the same request by the next certificate is the next renewal");
}

#[tokio::test]
async fn after_its_certificate_expired_a_transaction_begins_anew() {
    let office = Office::open().await;
    let client = Client::new();
    let (csr, password) = (client.csr(CN, &[]), office.challenge(CN, &[]).await);
    let request = |proof: Proof| client.within("T1", client.request("scep-device", csr.clone(), proof));
    let first = office.issued(office.enrol(request(secret(&password))).await);
    office.desk.authority.clock.advance(DAY * 366);
    assert_eq!(office.refusal(request(secret(&password))).await.0, "challenge-refused");
    let password = office.challenge(CN, &[]).await;
    assert_ne!(office.issued(office.enrol(request(secret(&password))).await).serial, first.serial);
}

#[tokio::test]
async fn after_its_certificate_was_revoked_a_copy_is_refused() {
    let office = Office::open().await;
    let client = Client::new();
    let csr = client.csr("a.example", &[]);
    let request = || client.within("K1", client.request("tls-server", csr.clone(), by_operator()));
    let first = office.issued(office.enrol(request()).await);
    office.revoke(&first, Reason::Superseded).await;
    assert_eq!(office.refusal(request()).await.0, "revoked");
    assert_eq!(office.certificates("tls-server").await.len(), 1);
    let again = client.within("K2", client.request("tls-server", csr.clone(), by_operator()));
    let second = office.issued(office.enrol(again).await);
    assert_ne!(second.serial, first.serial);
    office.desk.authority.clock.advance(DAY * 91);
    let again = client.within("K2", client.request("tls-server", csr.clone(), by_operator()));
    assert_eq!(office.issued(office.enrol(again).await).serial, second.serial, "once is once");
}

#[tokio::test]
async fn each_protocol_has_transactions_of_its_own() {
    let office = Office::open().await;
    let (client, ann) = (Client::new(), Client::new());
    let password = office.challenge(CN, &[]).await;
    let first = client.within("T1", client.request("scep-device", client.csr(CN, &[]), secret(&password)));
    office.issued(office.enrol(first).await);
    let mut other = ann.within("T1", ann.request("scep-device", ann.csr("gw2.example", &[]), by_operator()));
    other.actor = operator("ann");
    office.issued(office.enrol(other).await);
}

/// A copy that came second has tried nothing wrong: after it, five wrong attempts are still free.
#[tokio::test]
async fn scep_34_the_losing_copies_are_not_counted() {
    let office = Office::open().await;
    for round in 0..5 {
        let (client, cn) = (Client::new(), format!("gw{round}.example"));
        let (csr, password) = (client.csr(&cn, &[]), office.challenge(&cn, &[]).await);
        let mut tasks = Vec::new();
        for _ in 0..24 {
            let request = client.request("scep-device", csr.clone(), secret(&password));
            let request = client.within(&format!("T{round}"), request);
            let desk = Arc::clone(&office.desk);
            tasks.push(tokio::spawn(async move { enrol(&desk, Request { address: None, ..request }).await }));
        }
        for task in tasks {
            office.issued(task.await.unwrap());
        }
        let key = [Who::Key(client.fingerprint())];
        let now = office.desk.authority.clock.now();
        for _ in 0..5 {
            office.desk.throttle.count_wrong(now, &key);
        }
        office.desk.throttle.check(now, &key).unwrap();
    }
}
