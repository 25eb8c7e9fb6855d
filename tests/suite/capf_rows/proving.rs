//! Wrong proofs by certificate: few are looked at, and none of them stands in the phone's way for good.

use std::time::Duration;

use signet::device::records::{Action, State};
use signet::enrol::throttle::Who;

use super::phone::{NAME, Office, PEER, body, ec_key, end, hello_as, stored};
use super::showing::{by_lsc, certificate, holding, proof};
use crate::capf_proof::keys::Key;

/// What a stranger sends in a phone's name: a certificate, and signatures that cost him nothing.
fn wrong(name: &str, der: &[u8]) -> Vec<u8> {
    hello_as(name, 3, &[(4, &certificate(der)), (6, &[7; 70]), (20, &[3, 0, 1, 7])])
}

/// So many refusals for this cause stand in the audit log.
async fn refusals(office: &Office, code: &str) -> usize {
    let all = office.audit("capf.refuse").await;
    all.iter().filter(|entry| entry.event.details["code"] == code).count()
}

/// All at once, each from an address of its own.
async fn flood(office: &Office, network: u8, many: u8, message: &[u8]) {
    let mut strangers = Vec::new();
    for n in 0..many {
        strangers.push(office.connect_from(&format!("10.{network}.{n}.1")).await);
    }
    for stranger in &mut strangers {
        stranger.say(2, message).await;
    }
    for stranger in &mut strangers {
        assert_eq!(stranger.hear().await, end(7));
    }
    for stranger in strangers {
        stranger.gone().await;
    }
}

/// The phone proves itself from here, and is asked for its key.
async fn is_let_in(office: &Office, from: &str, key: &Key, der: &[u8]) {
    let mut phone = office.connect_from(from).await;
    assert_eq!(phone.ask(2, &proof(key, NAME, der)).await.map(|heard| heard.0), Some(3), "from {from}");
    phone.gone().await;
}

#[tokio::test]
async fn of_a_flood_of_wrong_proofs_in_a_phones_name_few_are_looked_at_and_the_phone_is_let_past() {
    let office = Office::open().await;
    let (key, other) = (Key::ec("P-256"), Key::ec("P-256"));
    let (device, der) = holding(&office, NAME, &key).await;
    let (_, others) = holding(&office, "SEP0011223344AA", &other).await;
    office.set(device, Action::Install, by_lsc).await;

    flood(&office, 1, 80, &wrong(NAME, &others)).await;
    let looked_at = 80 - refusals(&office, "throttled").await;
    assert!((20..40).contains(&looked_at), "{looked_at}");
    assert!(office.audit("capf.lockout").await.iter().any(|e| e.event.subject == format!("device:{NAME}")));
    // A phone that moved is let past by the certificate that it is known to hold, one at home by its address.
    is_let_in(&office, "10.0.3.1", &key, &der).await;
    is_let_in(&office, PEER, &key, &der).await;
}

/// A certificate is no secret: who sends the phone's own closes that lane too, and not the one from its home.
#[tokio::test]
async fn a_stranger_with_the_phones_certificate_does_not_shut_the_phone_out_of_its_home() {
    let office = Office::open().await;
    let key = Key::ec("P-256");
    let (device, der) = holding(&office, NAME, &key).await;
    office.set(device, Action::Install, by_lsc).await;
    flood(&office, 2, 80, &wrong(NAME, &der)).await;
    let looked_at = 80 - refusals(&office, "throttled").await;
    assert!((20..45).contains(&looked_at), "{looked_at}");

    let mut phone = office.connect().await;
    assert_eq!(phone.ask(2, &proof(&key, NAME, &der)).await.unwrap().0, 3);
    stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
    phone.gone().await;
    assert_eq!(office.operation(device).await.state, State::Done);
}

/// One address, many phones' names; a phone behind that very address is let past by what it holds.
#[tokio::test]
async fn an_address_that_sends_wrong_proofs_for_many_phones_is_not_looked_at_any_more() {
    let office = Office::open().await;
    let (key, other) = (Key::ec("P-256"), Key::ec("P-256"));
    let (device, der) = holding(&office, NAME, &key).await;
    let (_, others) = holding(&office, "SEP0011223344AA", &other).await;
    office.set(device, Action::Install, by_lsc).await;
    for n in 0..40 {
        let name = format!("SEP0000000000{n:02}");
        let id = office.enter(&name, "phone-lsc").await;
        office.set(id, Action::Install, by_lsc).await;
        let mut stranger = office.connect().await;
        assert_eq!(stranger.ask(2, &wrong(&name, &others)).await, end(7));
        stranger.gone().await;
    }
    assert!(refusals(&office, "throttled").await > 0);
    let lockouts = office.audit("capf.lockout").await;
    assert_eq!(lockouts.len(), 1);
    assert_eq!(lockouts[0].event.subject, format!("address:{PEER}"));
    is_let_in(&office, PEER, &key, &der).await;
    // Strings are counted apart: nobody guessed one.
    let now = office.fixture.desk.authority.clock.now();
    office.fixture.desk.throttle.check(now, &[Who::address(PEER.parse().unwrap())]).unwrap();
}

/// What is bounded is work, so nothing is shut for long: of all lanes the longest wait is a minute.
#[tokio::test]
async fn no_lane_is_closed_for_longer_than_a_minute() {
    let throttle = signet::enrol::throttle::Throttle::default();
    let now = signet::clock::Timestamp::from_secs(1_800_000_000);
    for (who, longest) in [
        (Who::proofs_from(PEER.parse().unwrap()), 60),
        (Who::ProofsFor(NAME.to_owned()), 5),
        (Who::ProofsByOwn(NAME.to_owned()), 20),
        (Who::ProofsFromHome(NAME.to_owned()), 20),
    ] {
        for _ in 0..100 {
            throttle.count_wrong(now, std::slice::from_ref(&who));
        }
        let check =
            |seconds| throttle.check(now.plus(Duration::from_secs(seconds)), std::slice::from_ref(&who));
        assert!(check(longest - 1).is_err() && check(longest).is_ok(), "{who:?}");
    }
}

/// What needs no signature to be seen is no attempt: a phone that was set to the wrong authentication closes no lane.
#[tokio::test]
async fn what_is_missing_or_unreadable_costs_nothing_and_is_not_counted() {
    let office = Office::open().await;
    let key = Key::ec("P-256");
    let (device, der) = holding(&office, NAME, &key).await;
    office.set(device, Action::Install, by_lsc).await;
    let shown = certificate(&der);
    for _ in 0..30 {
        for elements in [vec![], vec![(4, shown.as_slice())], vec![(4, &[1, 0, 4, 0, 1, 0x30, 0][..])]] {
            let mut phone = office.connect_from("10.0.5.1").await;
            assert_eq!(phone.ask(2, &hello_as(NAME, 3, &elements)).await, end(7));
            phone.gone().await;
        }
    }
    assert!(office.audit("capf.lockout").await.is_empty());
    assert_eq!(refusals(&office, "throttled").await, 0);
}
