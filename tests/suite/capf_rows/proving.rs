//! Wrong proofs by certificate: few are looked at, and none of them stands in the phone's way for good.

use std::time::Duration;

use signet::device::records::{Action, DeviceRecord, State};
use signet::enrol::throttle::Who;
use signet::id::RecordId;
use signet::store::Unit;

use super::phone::{NAME, Office, PEER, body, ec_key, end, hello_as, stored};
use super::showing::{by_lsc, certificate, holding, proof, public};
use crate::capf_proof::keys::Key;
use crate::openssl::openssl;

/// What a stranger sends in a phone's name: a certificate, and signatures that cost him nothing.
fn wrong(name: &str, der: &[u8]) -> Vec<u8> {
    hello_as(name, 3, &[(4, &certificate(der)), (6, &[7; 70]), (20, &[3, 0, 1, 7])])
}

/// So many refusals for this cause stand in the audit log.
async fn refusals(office: &Office, code: &str) -> usize {
    let all = office.audit("capf.refuse").await;
    all.iter().filter(|entry| entry.event.details["code"] == code).count()
}

/// Ten from each of eight addresses, all at once.
async fn flood(office: &Office, network: u8, message: &[u8]) {
    let mut strangers = Vec::new();
    for n in 0..80 {
        strangers.push(office.connect_from(&format!("10.{network}.{}.1", n % 8)).await);
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

/// One after the other from one address.
async fn polls(office: &Office, from: &str, many: usize, message: &[u8]) {
    for _ in 0..many {
        let mut stranger = office.connect_from(from).await;
        assert_eq!(stranger.ask(2, message).await, end(7));
        stranger.gone().await;
    }
}

/// The phone proves itself from here, and is asked for its key.
async fn is_let_in(office: &Office, from: &str, key: &Key, der: &[u8]) {
    let mut phone = office.connect_from(from).await;
    assert_eq!(phone.ask(2, &proof(key, NAME, der)).await.map(|heard| heard.0), Some(3), "from {from}");
    phone.gone().await;
}

/// The phone is as one that never proved itself: nothing is known of what it holds, nor of where it is.
async fn forgotten(office: &Office, device: RecordId) {
    let stored = office.stored(device).await;
    let blank = DeviceRecord { seen: None, lsc: None, mic: None, unconfirmed: None, ..stored.value };
    let mut unit = Unit::new();
    unit.replace(&blank, stored.revision).unwrap();
    office.fixture.desk.authority.db.commit(unit).await.unwrap();
}

#[tokio::test]
async fn of_a_flood_of_wrong_proofs_in_a_phones_name_few_are_looked_at_and_the_phone_is_let_past() {
    let (office, _clock) = Office::with_standing_clock().await;
    let (key, other) = (Key::ec("P-256"), Key::ec("P-256"));
    let (device, der) = holding(&office, NAME, &key).await;
    let (_, others) = holding(&office, "SEP0011223344AA", &other).await;
    office.set(device, Action::Install, by_lsc).await;

    flood(&office, 1, &wrong(NAME, &others)).await;
    // Twenty-one by the lane for all, four from each address.
    let looked_at = 80 - refusals(&office, "throttled").await;
    assert!((21..=21 + 8 * 4).contains(&looked_at), "{looked_at}");
    let lockouts = office.audit("capf.lockout").await;
    let named: Vec<&str> = lockouts.iter().map(|entry| entry.event.subject.as_str()).collect();
    assert_eq!(named, [format!("device:{NAME}")], "one, whatever the addresses");
    is_let_in(&office, "10.0.3.1", &key, &der).await;
    is_let_in(&office, PEER, &key, &der).await;
}

/// A certificate is no secret: who sends the phone's own does not close the lanes of the address where the phone is.
#[tokio::test]
async fn a_stranger_with_the_phones_certificate_does_not_shut_the_phone_out() {
    let (office, _clock) = Office::with_standing_clock().await;
    let key = Key::ec("P-256");
    let (device, der) = holding(&office, NAME, &key).await;
    office.set(device, Action::Install, by_lsc).await;
    flood(&office, 2, &wrong(NAME, &der)).await;
    let looked_at = 80 - refusals(&office, "throttled").await;
    assert!((21..=21 + 8 * 6).contains(&looked_at), "{looked_at}");

    let mut phone = office.connect().await;
    assert_eq!(phone.ask(2, &proof(&key, NAME, &der)).await.unwrap().0, 3);
    stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
    phone.gone().await;
    assert_eq!(office.operation(device).await.state, State::Done);
}

/// He comes faster than any wait ends, with the phone's own certificate; nothing is known of the phone.
#[tokio::test]
async fn a_stranger_elsewhere_who_polls_over_many_waits_never_shuts_out_a_phone_that_is_not_proven_yet() {
    let (office, clock) = Office::with_standing_clock().await;
    let key = Key::ec("P-256");
    let (device, der) = holding(&office, NAME, &key).await;
    for wait in 0..8 {
        forgotten(&office, device).await;
        office.set(device, Action::Install, by_lsc).await;
        polls(&office, "10.9.0.1", 12, &wrong(NAME, &der)).await;
        polls(&office, "2001:db8::1", 12, &wrong(NAME, &der)).await;
        assert!(refusals(&office, "throttled").await > 0);
        is_let_in(&office, ["10.0.3.1", "2001:db8::2"][wait % 2], &key, &der).await;
        clock.advance(Duration::from_secs(1));
    }
}

/// Behind the phone's own address: what it is known to hold, or was given last, tells it from him.
#[tokio::test]
async fn a_stranger_at_the_phones_address_does_not_shut_it_out_while_he_has_not_its_certificate() {
    let (office, clock) = Office::with_standing_clock().await;
    let (key, next, other) = (Key::ec("P-256"), Key::ec("P-256"), Key::ec("P-256"));
    let (device, der) = holding(&office, NAME, &key).await;
    let (_, others) = holding(&office, "SEP0011223344AA", &other).await;
    office.set(device, Action::Install, by_lsc).await;
    for _ in 0..4 {
        polls(&office, PEER, 25, &wrong(NAME, &others)).await;
        is_let_in(&office, PEER, &key, &der).await;
        clock.advance(Duration::from_secs(1));
    }
    let mut phone = office.connect().await;
    assert_eq!(phone.ask(2, &proof(&key, NAME, &der)).await.unwrap().0, 3);
    let given = stored(phone.ask(4, &body(&[(9, &public(&next))])).await);
    phone.gone().await;
    polls(&office, PEER, 25, &wrong(NAME, &others)).await;
    let mut phone = office.connect().await;
    assert_eq!(
        phone.ask(2, &proof(&next, NAME, &given)).await,
        end(1),
        "what it never confirmed is its own too"
    );
    phone.gone().await;
    assert_eq!(office.operation(device).await.state, State::Done);
}

/// One address, many phones' names; a phone behind that very address is let past by what it holds.
#[tokio::test]
async fn an_address_that_sends_wrong_proofs_for_many_phones_gets_few_of_each_looked_at() {
    let (office, _clock) = Office::with_standing_clock().await;
    let (key, other) = (Key::ec("P-256"), Key::ec("P-256"));
    let (device, der) = holding(&office, NAME, &key).await;
    let (_, others) = holding(&office, "SEP0011223344AA", &other).await;
    office.set(device, Action::Install, by_lsc).await;
    for n in 0..6 {
        let name = format!("SEP0000000000{n:02}");
        let id = office.enter(&name, "phone-lsc").await;
        office.set(id, Action::Install, by_lsc).await;
        polls(&office, PEER, 10, &wrong(&name, &others)).await;
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

/// Phones that come again and again with a certificate of somebody whom nobody knows here, behind one address.
#[tokio::test]
async fn honest_phones_with_a_certificate_that_is_not_believed_close_no_lane() {
    let (office, _clock) = Office::with_standing_clock().await;
    let (key, of_the_past) = (Key::ec("P-256"), Key::ec("P-256"));
    let (device, der) = holding(&office, NAME, &key).await;
    forgotten(&office, device).await;
    office.set(device, Action::Install, by_lsc).await;
    let name = "SEP0011223344AA";
    let id = office.enter(name, "phone-lsc").await;
    office.set(id, Action::Install, by_lsc).await;
    let subject = format!("/CN={name}");
    let made = ["req", "-x509", "-key", of_the_past.path(), "-subj", &subject, "-outform", "DER"];
    let unknown = openssl(&made, b"");
    polls(&office, PEER, 60, &proof(&of_the_past, name, &unknown)).await;
    assert!(office.audit("capf.lockout").await.is_empty());
    assert_eq!(refusals(&office, "throttled").await, 0);
    is_let_in(&office, PEER, &key, &der).await;
}

/// What is bounded is work, so nothing is shut for long: a minute at most, and a device at its own address for a second.
#[tokio::test]
async fn no_lane_is_closed_for_longer_than_a_minute() {
    let throttle = signet::enrol::throttle::Throttle::default();
    let now = signet::clock::Timestamp::from_secs(1_800_000_000);
    let here = PEER.parse().unwrap();
    for (who, longest) in [
        (Who::proofs_from(here), 60),
        (Who::ProofsFor(NAME.to_owned()), 5),
        (Who::ProofsAt(NAME.to_owned(), here), 1),
        (Who::ProofsByOwn(NAME.to_owned(), here), 1),
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
