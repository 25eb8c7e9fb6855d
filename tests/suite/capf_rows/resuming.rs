//! Links that break between issue and confirmation: there is never a second live certificate for one operation.

use std::time::Duration;

use signet::device::records::{Action, Reason, State};
use signet::enrol::capf::Patience;
use signet::x509::cert::Certificate;

use super::phone::{Office, STRING, body, ec_key, end, stored};

#[tokio::test]
async fn a_phone_that_comes_back_with_its_key_gets_the_same_certificate() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let key = ec_key();
    let mut first = office.connect().await;
    first.auth(STRING).await.unwrap();
    let before = stored(first.ask(4, &body(&[(9, &key)])).await);
    first.gone().await;
    // CAPF-53: told, and not cleared.
    let operation = office.operation(device).await;
    assert!(matches!(operation.state, State::Issued(_)));
    assert_eq!(operation.trouble, Some(Reason::PhoneCommunicationFailure));
    assert_eq!(office.audit("device.trouble").await.len(), 1);

    let mut again = office.connect().await;
    again.auth(STRING).await.unwrap();
    assert_eq!(stored(again.ask(4, &body(&[(9, &key)])).await), before);
    assert_eq!(again.ask(10, &[1, 0, 1, 1]).await, end(1));
    assert_eq!(office.certificates().await.len(), 1);
    assert_eq!(office.operation(device).await.state, State::Done);
}

#[tokio::test]
async fn another_key_revokes_the_certificate_that_was_never_confirmed() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    for _ in 0..3 {
        let mut phone = office.connect().await;
        phone.auth(STRING).await.unwrap();
        stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
        phone.gone().await;
        assert_eq!(office.live().await.len(), 1);
    }
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    let der = stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
    let live = office.live().await;
    assert_eq!((live.len(), office.certificates().await.len()), (1, 4));
    assert_eq!(live[0].der, der);
    let lsc = office.device(device).await.lsc.unwrap();
    assert_eq!(lsc.fingerprint, Certificate::from_der(&der).unwrap().fingerprint());
}

#[tokio::test]
async fn another_operation_revokes_the_certificate_that_was_never_confirmed_too() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let key = ec_key();
    for _ in 0..2 {
        let mut phone = office.connect().await;
        phone.auth(STRING).await.unwrap();
        stored(phone.ask(4, &body(&[(9, &key)])).await);
        phone.gone().await;
        assert_eq!(office.live().await.len(), 1);
        office.set(device, Action::Install, |_| {}).await;
    }
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    let der = stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
    phone.gone().await;
    let live = office.live().await;
    assert_eq!((live.len(), office.certificates().await.len()), (1, 3));
    assert_eq!(live[0].der, der);
    assert_eq!(office.device(device).await.unconfirmed, None);
}

/// CAPF-53.
#[tokio::test]
async fn a_phone_that_does_not_keep_the_certificate_leaves_it_unconfirmed() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    assert_eq!(phone.ask(10, &[1, 0, 1, 7]).await, end(7));
    phone.gone().await;
    let device = office.device(device).await;
    assert_eq!(device.lsc, None);
    let operation = device.operation.unwrap();
    assert!(matches!(operation.state, State::Issued(_)));
    assert_eq!((operation.trouble, operation.failures), (Some(Reason::InvalidLsc), 1));
}

/// CAPF-32: the string is good for this one operation, until its certificate is confirmed.
#[tokio::test]
async fn a_string_serves_no_second_installation() {
    let office = Office::open().await;
    office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    phone.ask(10, &[1, 0, 1, 1]).await.unwrap();
    phone.gone().await;
    assert_eq!(office.connect().await.auth(STRING).await, end(0));
    assert_eq!(office.certificates().await.len(), 1);
}

#[tokio::test]
async fn a_link_that_breaks_before_the_issue_leaves_the_operation_as_it_was() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    phone.gone().await;
    let operation = office.operation(device).await;
    assert_eq!(
        (operation.state, operation.trouble),
        (State::Pending, Some(Reason::PhoneCommunicationFailure))
    );
}

/// CAPF-52.
#[tokio::test]
async fn a_phone_may_be_at_work_sixty_times_and_no_more() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    for _ in 0..61 {
        phone.say(17, &[]).await;
    }
    assert_eq!(phone.hear().await, end(7));
    phone.gone().await;
    let operation = office.operation(device).await;
    assert_eq!((operation.state, operation.trouble), (State::Pending, Some(Reason::KeyGenerationTimeout)));
}

/// CAPF-52: whatever it says meanwhile, the time for its key is bounded.
#[tokio::test]
async fn a_phone_that_never_has_its_key_is_not_waited_for() {
    let key = Duration::from_millis(200);
    let office = Office::with_patience(Patience { key, ..Patience::default() }).await;
    let device = office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    phone.say(17, &[]).await;
    let _ = phone.hear().await;
    phone.gone().await;
    let operation = office.operation(device).await;
    assert_eq!((operation.state, operation.trouble), (State::Pending, Some(Reason::KeyGenerationTimeout)));
}

/// CAPF-46.
#[tokio::test]
async fn a_phone_that_makes_no_rsa_key_may_try_again() {
    use signet::device::records::KeyOrder;
    use signet::x509::key::KeyAlgorithm;
    let office = Office::open().await;
    let rsa = KeyOrder::only(KeyAlgorithm::Rsa2048);
    let device = office.phone(Action::Install, |o| o.key = rsa).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    assert_eq!(phone.ask(4, &body(&[(1, &[7]), (2, b"no entropy\0")])).await, end(7));
    phone.gone().await;
    let operation = office.operation(device).await;
    assert_eq!((operation.state, operation.trouble), (State::Pending, Some(Reason::KeyGenerationFailed)));
    let said = office.audit("capf.refuse").await.pop().unwrap().event;
    assert_eq!(said.details["rule"], "the device made no key: reason 7 (no entropy)");
}
