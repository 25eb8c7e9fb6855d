//! What a phone holds: shown, deleted, and used as its proof.

use signet::audit::Actor;
use signet::ca::records::CertificateRecord;
use signet::device::records::{Action, Authentication, Operation, Reason, State};
use signet::id::RecordId;
use signet::x509::crl::Reason as CrlReason;

use super::phone::{NAME, Office, STRING, body, ec_key, end, hello_as, stored};
use crate::capf_proof::keys::Key;
use crate::openssl::openssl;

/// An element with a certificate.
pub fn certificate(der: &[u8]) -> Vec<u8> {
    let inner = u16::try_from(der.len() + 2).unwrap().to_be_bytes();
    [&[1, inner[0], inner[1], 0, 2], der].concat()
}

/// A phone that holds an LSC.
async fn installed(office: &Office) -> (signet::id::RecordId, CertificateRecord) {
    let device = office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
    phone.gone().await;
    (device, office.certificates().await.pop().unwrap())
}

#[tokio::test]
async fn a_phone_shows_the_certificate_that_it_holds() {
    let office = Office::open().await;
    let (device, lsc) = installed(&office).await;
    office.set(device, Action::Fetch, |_| {}).await;
    let mut phone = office.connect().await;
    assert_eq!(phone.auth(STRING).await, Some((11, Vec::new())));
    let shown = body(&[(1, &[1]), (4, &certificate(&lsc.der))]);
    assert_eq!(phone.ask(12, &shown).await, end(0));
    let device = office.device(device).await;
    assert_eq!(device.operation.unwrap().state, State::Done);
    assert_eq!(device.lsc.unwrap().serial, lsc.serial);
}

/// CAPF-55, and a certificate of another device.
#[tokio::test]
async fn what_is_no_certificate_of_the_phone_is_not_entered() {
    let office = Office::open().await;
    let (device, lsc) = installed(&office).await;
    let other = "SEP0011223344AA";
    let second = office.enter(other, "phone-lsc").await;
    office.set(second, Action::Fetch, |_| {}).await;
    for wrong in [
        certificate(&lsc.der),
        certificate(b"-----BEGIN CERTIFICATE-----"),
        b"-----BEGIN CERTIFICATE-----".to_vec(),
        certificate(&[0x30, 0]),
    ] {
        let mut phone = office.connect().await;
        let password = [STRING.as_bytes(), &[0]].concat();
        let heard = phone.ask(2, &hello_as(other, 3, &[(11, &password)])).await;
        assert_eq!(heard, Some((11, Vec::new())));
        assert_eq!(phone.ask(12, &body(&[(1, &[1]), (4, &wrong)])).await, end(7));
        phone.gone().await;
    }
    let (second, device) = (office.device(second).await, office.device(device).await);
    assert_eq!((second.lsc, second.operation.unwrap().state), (None, State::Pending));
    assert_eq!(device.lsc.unwrap().serial, lsc.serial);
}

#[tokio::test]
async fn a_phone_without_a_certificate_says_so() {
    let office = Office::open().await;
    let device = office.phone(Action::Fetch, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    assert_eq!(phone.ask(12, &[1, 0, 1, 7]).await, end(7));
    phone.gone().await;
    assert_eq!(office.operation(device).await.state, State::Failed(Reason::InvalidLsc));
}

#[tokio::test]
async fn a_phone_deletes_its_certificate() {
    let office = Office::open().await;
    let (device, _) = installed(&office).await;
    office.set(device, Action::Delete, |_| {}).await;
    // CAPF-56: or it does not, and nothing changes.
    let mut phone = office.connect().await;
    assert_eq!(phone.auth(STRING).await, Some((13, Vec::new())));
    assert_eq!(phone.ask(14, &[1, 0, 1, 7]).await, end(7));
    phone.gone().await;
    let before = office.device(device).await;
    assert!(before.lsc.is_some());
    assert_eq!(before.operation.unwrap().state, State::Pending);

    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    assert_eq!(phone.ask(14, &[1, 0, 1, 1]).await, end(1));
    phone.gone().await;
    let after = office.device(device).await;
    assert_eq!((after.lsc, after.operation.unwrap().state), (None, State::Done));
    // It is not revoked by that.
    assert_eq!(office.live().await.len(), 1);
}

/// CAPF-43, -45: a certificate without signatures, or with others, proves nothing; each has a cause of its own.
#[tokio::test]
async fn a_certificate_without_its_signatures_proves_nothing() {
    let office = Office::open().await;
    let (device, lsc) = installed(&office).await;
    office
        .set(device, Action::Install, |o| {
            o.authentication = Authentication::ExistingLsc;
            o.string = None;
        })
        .await;
    let shown = certificate(&lsc.der);
    for (more, cause) in [
        (vec![], "signed-data-missing"),
        (vec![(6, &[7; 70][..])], "sha512-signed-data-missing"),
        (vec![(6, &[7; 70][..]), (20, &[3, 0, 1, 7][..])], "sha1-signature-invalid"),
    ] {
        let elements = [&[(4, shown.as_slice())][..], &more].concat();
        let mut phone = office.connect().await;
        assert_eq!(phone.ask(2, &hello_as(NAME, 3, &elements)).await, end(7));
        phone.gone().await;
        assert_eq!(office.audit("capf.refuse").await[0].event.details["rule"], cause);
    }
    let operation = office.operation(device).await;
    assert_eq!((operation.state, operation.trouble), (State::Pending, Some(Reason::InvalidCredentials)));
}

/// What a phone shows as its proof by a certificate of this key.
pub fn proof(key: &Key, name: &str, der: &[u8]) -> Vec<u8> {
    let message = [name.as_bytes(), &[0], der].concat();
    let (first, second) = (key.prove("sha1", &message), key.prove("sha512", &message));
    let length = u16::try_from(second.len()).unwrap().to_be_bytes();
    let second = [&[3, length[0], length[1]], second.as_slice()].concat();
    hello_as(name, 3, &[(4, &certificate(der)), (6, &first), (20, &second)])
}

pub fn public(key: &Key) -> Vec<u8> {
    openssl(&["pkey", "-in", key.path(), "-pubout", "-outform", "DER"], b"")
}

pub fn by_lsc(operation: &mut Operation) {
    operation.authentication = Authentication::ExistingLsc;
    operation.string = None;
}

/// A phone that holds an LSC of this key.
pub async fn holding(office: &Office, name: &str, key: &Key) -> (RecordId, Vec<u8>) {
    let device = office.enter(name, "phone-lsc").await;
    office.set(device, Action::Install, |_| {}).await;
    let password = [STRING.as_bytes(), &[0]].concat();
    let mut phone = office.connect().await;
    phone.ask(2, &hello_as(name, 3, &[(11, &password)])).await.unwrap();
    let der = stored(phone.ask(4, &body(&[(9, &public(key))])).await);
    assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
    phone.gone().await;
    (device, der)
}

/// It confirms the new one by its word; or, where that was lost, by using it as its proof.
#[tokio::test]
async fn a_phone_upgrades_by_the_lsc_that_it_holds() {
    let office = Office::open().await;
    let (key, next) = (Key::ec("P-256"), Key::ec("P-256"));
    let (device, der) = holding(&office, NAME, &key).await;
    office.set(device, Action::Install, by_lsc).await;
    let mut phone = office.connect().await;
    assert_eq!(phone.ask(2, &proof(&key, NAME, &der)).await.unwrap().0, 3);
    let new = stored(phone.ask(4, &body(&[(9, &public(&next))])).await);
    phone.gone().await;
    assert!(matches!(office.operation(device).await.state, State::Issued(_)));

    let mut again = office.connect().await;
    assert_eq!(again.ask(2, &proof(&next, NAME, &new)).await, end(1));
    again.gone().await;
    let certificates = office.certificates().await;
    assert_eq!(certificates.len(), 2);
    assert_eq!(certificates[1].renews.as_ref(), Some(&certificates[0].serial));
    let device = office.device(device).await;
    assert_eq!(device.operation.unwrap().state, State::Done);
    assert_eq!((device.lsc.unwrap().serial, device.unconfirmed), (certificates[1].serial.clone(), None));
}

#[tokio::test]
async fn an_lsc_of_another_phone_and_one_that_was_revoked_prove_nothing() {
    let office = Office::open().await;
    let (key, other) = (Key::ec("P-256"), Key::ec("P-256"));
    let (device, der) = holding(&office, NAME, &key).await;
    let (_, others) = holding(&office, "SEP0011223344AA", &other).await;
    office.set(device, Action::Install, by_lsc).await;
    assert_eq!(office.connect().await.ask(2, &proof(&other, NAME, &others)).await, end(7));
    assert_eq!(office.operation(device).await.trouble, Some(Reason::InvalidLsc));

    let authority = &office.fixture.desk.authority;
    let serial = office.device(device).await.lsc.unwrap().serial;
    signet::ca::revoke::revoke(authority, &serial, CrlReason::Superseded, Actor::System).await.unwrap();
    office.set(device, Action::Install, by_lsc).await;
    assert_eq!(office.connect().await.ask(2, &proof(&key, NAME, &der)).await, end(7));
    let said = office.audit("capf.refuse").await[0].event.clone();
    assert_eq!(said.details["rule"], "certificate-revoked");
    assert_eq!(office.operation(device).await.trouble, Some(Reason::InvalidLsc));
}
