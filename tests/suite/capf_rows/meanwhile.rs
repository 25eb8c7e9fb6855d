//! What others do while a phone is at work, or in its name without proof: it changes nothing for the phone.

use std::time::Duration;

use signet::audit::Actor;
use signet::ca::records::Status;
use signet::ca::renewal::records::RenewalRecord;
use signet::device::Change;
use signet::device::records::{Action, DeviceRecord, Reason, State};
use signet::id::RecordId;
use signet::store::Unit;
use signet::x509::crl::Reason as CrlReason;

use super::phone::{NAME, Office, STRING, body, ec_key, end, hello, stored};
use super::showing::{by_lsc, certificate, holding, proof, public};
use crate::capf_proof::keys::Key;

/// An operator's edit.
async fn edit(office: &Office, device: RecordId, edit: impl FnOnce(&mut DeviceRecord)) {
    let authority = &office.fixture.desk.authority;
    let mut unit = Unit::new();
    let change = Change::of(office.stored(device).await, Actor::System, authority.clock.now());
    change.facts(edit).write(&mut unit).unwrap();
    authority.db.commit(unit).await.unwrap();
}

/// Somebody names the phone, with no proof at all.
async fn stranger(office: &Office, address: &str) {
    let mut stranger = office.connect_from(address).await;
    assert_eq!(stranger.ask(2, &hello(&[])).await, end(7));
    stranger.gone().await;
}

#[tokio::test]
async fn what_is_written_of_a_phone_while_it_makes_its_key_does_not_stop_it() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    assert_eq!(phone.auth(STRING).await.unwrap().0, 3);
    stranger(&office, "10.0.0.66").await;
    assert_eq!(office.operation(device).await.trouble, Some(Reason::InvalidCredentials));
    edit(&office, device, |device| device.region = Some("north".to_owned())).await;
    stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    stranger(&office, "10.0.0.67").await;
    assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
    let device = office.device(device).await;
    assert_eq!((device.operation.unwrap().state, device.region.as_deref()), (State::Done, Some("north")));
}

#[tokio::test]
async fn another_operation_set_while_a_phone_makes_its_key_gets_no_certificate_of_the_first() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    office.set(device, Action::Install, |_| {}).await;
    assert_eq!(phone.ask(4, &body(&[(9, &ec_key())])).await, end(7));
    phone.gone().await;
    assert_eq!(office.operation(device).await.state, State::Pending);
    assert!(office.certificates().await.is_empty());
}

#[tokio::test]
async fn after_the_deadline_a_stranger_ends_nothing_and_the_phone_may_confirm() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let key = ec_key();
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    let before = stored(phone.ask(4, &body(&[(9, &key)])).await);
    phone.gone().await;
    let late = office.fixture.desk.authority.clock.now().minus(Duration::from_secs(1));
    edit(&office, device, |device| device.operation.as_mut().unwrap().deadline = Some(late)).await;
    stranger(&office, "10.0.0.66").await;
    assert!(matches!(office.operation(device).await.state, State::Issued(_)));

    // A new key comes too late.
    let mut other = office.connect().await;
    other.auth(STRING).await.unwrap();
    assert_eq!(other.ask(4, &body(&[(9, &ec_key())])).await, end(7));
    other.gone().await;
    let operation = office.operation(device).await;
    assert!(matches!(operation.state, State::Issued(_)));
    assert_eq!(operation.trouble, Some(Reason::RequestLate));

    let mut again = office.connect().await;
    again.auth(STRING).await.unwrap();
    assert_eq!(stored(again.ask(4, &body(&[(9, &key)])).await), before);
    assert_eq!(again.ask(10, &[1, 0, 1, 1]).await, end(1));
    assert_eq!(office.certificates().await.len(), 1);
}

#[tokio::test]
async fn a_late_operation_is_ended_by_its_phone_alone() {
    let office = Office::open().await;
    let late = Some(office.fixture.desk.authority.clock.now().minus(Duration::from_secs(1)));
    let device = office.phone(Action::Install, |o| o.deadline = late).await;
    stranger(&office, "10.0.0.66").await;
    assert_eq!(office.connect().await.auth("0000").await, end(7));
    assert_eq!(office.operation(device).await.state, State::Pending);
    assert_eq!(office.connect().await.auth(STRING).await, end(7));
    assert_eq!(office.operation(device).await.state, State::Failed(Reason::RequestLate));
}

/// Whoever only names a phone fills neither its history nor the audit log, and the phone was not seen by that.
#[tokio::test]
async fn what_is_not_proven_is_written_a_few_times_a_minute() {
    let office = Office::open().await;
    let device = office.enter(NAME, "phone-lsc").await;
    office.set(device, Action::Install, by_lsc).await;
    // Two sorts in turn.
    let no_certificate = certificate(&[0x30, 0]);
    for _ in 0..20 {
        stranger(&office, "10.0.0.66").await;
        let mut other = office.connect_from("10.0.0.66").await;
        assert_eq!(other.ask(2, &hello(&[(4, &no_certificate), (6, &[7; 70])])).await, end(7));
        other.gone().await;
    }
    let device = office.device(device).await;
    assert_eq!(device.operation.unwrap().failures, 20, "ten of each of two sorts");
    assert_eq!(office.audit("capf.refuse").await.len(), 20);
    assert_eq!(device.seen, None);
}

/// The CA issues by other profiles too, in the same name: those certificates are no LSCs.
#[tokio::test]
async fn a_certificate_by_another_profile_of_the_same_ca_proves_nothing() {
    let office = Office::open().await;
    let key = Key::ec("P-256");
    let (device, der) = holding(&office, NAME, &key).await;
    edit(&office, device, |device| device.profile = "null-lsc".parse().unwrap()).await;
    office.set(device, Action::Install, by_lsc).await;
    // What it is known to hold serves, though it comes from the profile before.
    let mut phone = office.connect().await;
    assert_eq!(phone.ask(2, &proof(&key, NAME, &der)).await.unwrap().0, 3);
    phone.gone().await;

    edit(&office, device, |device| device.lsc = None).await;
    assert_eq!(office.connect().await.ask(2, &proof(&key, NAME, &der)).await, end(7));
    let operation = office.operation(device).await;
    assert_eq!((operation.state, operation.trouble), (State::Pending, Some(Reason::InvalidLsc)));
}

/// It never confirmed the second; that it proves itself by it does, also for what that replaced.
#[tokio::test]
async fn a_certificate_that_is_shown_later_supersedes_the_one_before() {
    let office = Office::open().await;
    let (first, second) = (Key::ec("P-256"), Key::ec("P-256"));
    let (device, der) = holding(&office, NAME, &first).await;
    office.set(device, Action::Install, by_lsc).await;
    let mut phone = office.connect().await;
    phone.ask(2, &proof(&first, NAME, &der)).await.unwrap();
    let new = stored(phone.ask(4, &body(&[(9, &public(&second))])).await);
    phone.gone().await;
    let db = &office.fixture.desk.authority.db;
    let replaced = office.certificates().await[0].id;
    let renewal = async || db.get::<RenewalRecord>(replaced.as_bytes()).await.unwrap().map(|r| r.value.stage);
    let before = renewal().await;

    office.set(device, Action::Install, by_lsc).await;
    let mut phone = office.connect().await;
    phone.ask(2, &proof(&second, NAME, &new)).await.unwrap();
    stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
    assert_ne!(renewal().await, before, "it waits no more for a renewal");
    assert_eq!(office.live().await.len(), 3);
}

#[tokio::test]
async fn an_unconfirmed_certificate_on_hold_does_not_come_back_beside_another() {
    let office = Office::open().await;
    office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    phone.gone().await;
    let (authority, hold) = (&office.fixture.desk.authority, CrlReason::CertificateHold);
    let serial = office.certificates().await[0].serial.clone();
    signet::ca::revoke::revoke(authority, &serial, hold, Actor::System).await.unwrap();
    let mut again = office.connect().await;
    again.auth(STRING).await.unwrap();
    stored(again.ask(4, &body(&[(9, &ec_key())])).await);
    assert_eq!(again.ask(10, &[1, 0, 1, 1]).await, end(1));
    let status = office.certificates().await[0].status;
    assert!(matches!(status, Status::Revoked { reason: CrlReason::Superseded, .. }), "{status:?}");
}

#[tokio::test]
async fn a_deletion_counts_though_another_operation_was_set_meanwhile() {
    let office = Office::open().await;
    let (device, _) = holding(&office, NAME, &Key::ec("P-256")).await;
    office.set(device, Action::Delete, |_| {}).await;
    let mut phone = office.connect().await;
    assert_eq!(phone.auth(STRING).await, Some((13, Vec::new())));
    office.set(device, Action::Install, |_| {}).await;
    assert_eq!(phone.ask(14, &[1, 0, 1, 1]).await, end(1));
    phone.gone().await;
    let device = office.device(device).await;
    assert_eq!((device.lsc, device.operation.unwrap().state), (None, State::Pending));
}
