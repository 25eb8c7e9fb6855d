//! Whoever tries to pass for a phone: strings are compared in constant time, counted, and few are looked at.

use std::time::Duration;

use signet::device::records::{Action, Authentication, Reason, State};
use signet::enrol::throttle::Who;

use super::phone::{NAME, Office, STRING, body, ec_key, end, hello, hello_as, stored};

/// CAPF-29.
#[tokio::test]
async fn a_wrong_string_is_refused_and_counted() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    for (place, wrong) in ["0000", "4711081501", "47110815000", "471108150"].iter().enumerate() {
        assert_eq!(office.connect().await.auth(wrong).await, end(7));
        assert_eq!(office.device(device).await.guesses.wrong as usize, place + 1);
    }
    let operation = office.operation(device).await;
    assert_eq!(operation.state, State::Pending);
    assert_eq!(operation.trouble, Some(Reason::InvalidAuthenticationString));
    assert_eq!(office.connect().await.auth(STRING).await.unwrap().0, 3);
}

/// CAPF-30: however many connections and addresses; and the count is in the record, so that a restart keeps it.
#[tokio::test]
async fn a_device_is_locked_after_five_wrong_strings_from_anywhere() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    for n in 0..5 {
        let mut phone = office.connect_from(&format!("10.0.1.{n}")).await;
        assert_eq!(phone.auth("0000").await, end(7));
    }
    let guesses = office.device(device).await.guesses;
    assert_eq!(guesses.wrong, 5);
    assert!(guesses.locked_until.is_some());
    // Even the right one is not looked at.
    assert_eq!(office.connect_from("10.0.2.1").await.auth(STRING).await, end(7));
    assert_eq!(office.device(device).await.guesses, guesses);
    assert_eq!(office.audit("device.lock").await.len(), 1);
    assert!(office.certificates().await.is_empty());
}

/// CAPF-30: what is sent at once is looked at one after the other.
#[tokio::test]
async fn of_a_hundred_strings_at_once_five_are_looked_at() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let mut phones = Vec::new();
    for n in 0..100 {
        phones.push(office.connect_from(&format!("10.1.{}.1", n)).await);
    }
    for phone in &mut phones {
        let password = b"0000\0".as_slice();
        phone.say(2, &hello(&[(11, password)])).await;
    }
    for phone in &mut phones {
        assert_eq!(phone.hear().await, end(7));
    }
    assert_eq!(office.device(device).await.guesses.wrong, 5);
}

/// CAPF-29: wrong strings count against the address too, however many devices they are tried on.
#[tokio::test]
async fn an_address_that_tries_strings_on_many_devices_is_slowed_down() {
    let office = Office::open().await;
    let try_on = async |name: &str, string: &[u8]| {
        let mut phone = office.connect_from("10.0.0.66").await;
        phone.ask(2, &hello_as(name, 3, &[(11, string)])).await
    };
    for n in 0..21 {
        let name = format!("SEP0000000000{n:02}");
        let id = office.enter(&name, "phone-lsc").await;
        office.set(id, Action::Install, |_| {}).await;
        assert_eq!(try_on(&name, b"0000\0").await, end(7));
    }
    let now = office.fixture.desk.authority.clock.now();
    let who = [Who::address("10.0.0.66".parse().unwrap())];
    assert_eq!(office.fixture.desk.throttle.check(now, &who).unwrap_err().code(), "throttled");
    assert_eq!(office.audit("capf.lockout").await.len(), 1);
    // Names that nobody has are no guesses: a fleet that is not entered yet locks nobody out.
    assert_eq!(try_on("SEP00112233FFFF", b"0000\0").await, end(9));
}

/// CAPF-26, -36: an unknown name costs what a wrong string does: one MAC that is compared whole, one durable write.
#[tokio::test]
async fn an_unknown_device_is_told_so_after_the_same_work() {
    let office = Office::open().await;
    office.phone(Action::Install, |_| {}).await;
    let db = &office.fixture.desk.authority.db;
    let kind = <signet::device::records::DeviceRecord as signet::store::Record>::KIND;
    assert_eq!(db.raw().counter(kind, b"unknown").await.unwrap(), 0);
    let mut phone = office.connect().await;
    let unknown = hello_as("SEP00112233FFFF", 3, &[(11, b"1234\0")]);
    assert_eq!(phone.ask(2, &unknown).await, end(9));
    assert_eq!(db.raw().counter(kind, b"unknown").await.unwrap(), 1);
    let said = office.audit("capf.refuse").await.pop().unwrap().event;
    assert_eq!(
        (said.subject.as_str(), said.details["code"].as_str()),
        ("device:SEP00112233FFFF", "unknown-device")
    );
}

/// CAPF-33.
#[tokio::test]
async fn of_two_sessions_with_one_string_one_gets_a_certificate() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let (mut first, mut second) = (office.connect().await, office.connect_from("10.0.0.8").await);
    assert_eq!(first.auth(STRING).await.unwrap().0, 3);
    assert_eq!(second.auth(STRING).await, end(7));
    stored(first.ask(4, &body(&[(9, &ec_key())])).await);
    assert_eq!(first.ask(10, &[1, 0, 1, 1]).await, end(1));
    assert_eq!(office.certificates().await.len(), 1);
    assert_eq!(office.operation(device).await.state, State::Done);
}

/// CAPF-37.
#[tokio::test]
async fn other_means_than_the_operation_asks_for_do_not_do() {
    let office = Office::open().await;
    let device = office
        .phone(Action::Install, |o| {
            o.authentication = Authentication::ExistingLsc;
            o.string = None;
        })
        .await;
    assert_eq!(office.connect().await.auth(STRING).await, end(7));
    let said = office.audit("capf.refuse").await.pop().unwrap().event;
    assert_eq!(said.details["rule"], "mode mismatch");
    let operation = office.operation(device).await;
    assert_eq!((operation.state, operation.trouble), (State::Pending, Some(Reason::InvalidCredentials)));
}

/// CAPF-25.
#[tokio::test]
async fn a_phone_is_known_whatever_the_case_of_its_name() {
    let office = Office::open().await;
    office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    let password = [STRING.as_bytes(), &[0]].concat();
    let heard = phone.ask(2, &hello_as(&NAME.to_lowercase(), 3, &[(11, &password)])).await;
    assert_eq!(heard.unwrap().0, 3);
    stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    assert_eq!(office.certificates().await[0].subject.common_name(), Some(NAME));
}

#[tokio::test]
async fn an_operation_past_its_deadline_is_late() {
    let office = Office::open().await;
    let now = office.fixture.desk.authority.clock.now();
    let late = Some(now.minus(Duration::from_secs(1)));
    let device = office.phone(Action::Install, |o| o.deadline = late).await;
    assert_eq!(office.connect().await.auth(STRING).await, end(7));
    assert_eq!(office.operation(device).await.state, State::Failed(Reason::RequestLate));
}
