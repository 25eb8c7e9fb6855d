//! Certificates for phones: which key is asked for, what is issued, and when it counts as installed.

use signet::device::records::{Action, Authentication, KeyOrder, Reason, State};
use signet::x509::cert::Certificate;
use signet::x509::key::KeyAlgorithm;

use super::phone::{NAME, Office, PEER, STRING, body, ec_key, end, hello, hello_as, rsa_key, stored};

const EC_256: &[u8] = &[17, 0, 1, 1, 18, 0, 1, 0];
const RSA_2048: &[u8] = &[10, 0, 2, 8, 0, 17, 0, 1, 0];

#[tokio::test]
async fn a_phone_with_its_string_gets_a_certificate_and_confirms_it() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    assert_eq!(phone.auth(STRING).await, Some((3, EC_256.to_vec())));
    phone.say(17, &[]).await;
    let key = ec_key();
    let der = stored(phone.ask(4, &body(&[(9, &key)])).await);

    let certificate = Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.spki(), key);
    assert_eq!(certificate.subject().common_name(), Some(NAME));
    // Issued is not installed.
    let issued = office.device(device).await;
    assert_eq!(issued.operation.unwrap().state, State::Issued(certificate.serial().clone()));
    assert_eq!(issued.lsc, None);

    assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
    assert_eq!(phone.hear().await, None);
    let installed = office.device(device).await;
    assert_eq!(installed.lsc.unwrap().fingerprint, certificate.fingerprint());
    assert_eq!(installed.seen.unwrap().address.to_string(), PEER);
    let operation = installed.operation.unwrap();
    assert_eq!((operation.state, operation.string), (State::Done, None));
    assert_eq!(office.live().await.len(), 1);
    assert_eq!(office.service.sessions.count(), 0);
}

#[tokio::test]
async fn an_lsc_bears_the_usages_of_one_and_its_issue_stands_in_the_audit_log() {
    let office = Office::open().await;
    office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    let der = stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
    let certificate = Certificate::from_der(&der).unwrap();
    let purposes: Vec<_> =
        certificate.extended_key_usage().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(purposes, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.5"]);
    assert!(!certificate.is_ca());

    let entry = office.audit("device.certify").await.pop().unwrap().event;
    assert_eq!(entry.subject, format!("device:{NAME}"));
    assert_eq!(entry.details["proof-of-possession"], "none");
    assert_eq!(entry.details["serial"], certificate.serial().to_string());
    assert_eq!(entry.actor.to_string(), format!("capf {PEER}"));
    assert_eq!(office.audit("certificate.issue").await.len(), 1);
}

#[tokio::test]
async fn version_3_is_asked_for_rsa_by_size_and_type_and_version_2_by_size_alone() {
    for (version, name, asked) in [(3, NAME, RSA_2048), (2, "CSFjdoe", &RSA_2048[..5])] {
        let office = Office::open().await;
        let id = office.enter(name, "phone-lsc").await;
        let rsa = |o: &mut signet::device::records::Operation| o.key = KeyOrder::only(KeyAlgorithm::Rsa2048);
        office.set(id, Action::Install, rsa).await;
        let mut phone = office.connect().await;
        let password = [STRING.as_bytes(), &[0]].concat();
        let heard = phone.ask(2, &hello_as(name, version, &[(11, &password)])).await;
        assert_eq!(heard, Some((3, asked.to_vec())));
        let der = stored(phone.ask(4, &body(&[(9, &rsa_key())])).await);
        assert_eq!(Certificate::from_der(&der).unwrap().subject().common_name(), Some(name));
        assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
    }
}

#[tokio::test]
async fn a_phone_that_makes_no_ec_key_is_asked_for_the_rsa_backup_in_the_same_session() {
    let office = Office::open().await;
    let order = KeyOrder::with_backup(KeyAlgorithm::P384, KeyAlgorithm::Rsa2048).unwrap();
    let device = office.phone(Action::Install, |o| o.key = order).await;
    let mut phone = office.connect().await;
    assert_eq!(phone.auth(STRING).await, Some((3, vec![17, 0, 1, 1, 18, 0, 1, 1])));
    assert_eq!(phone.ask(4, &[1, 0, 1, 7]).await, Some((3, RSA_2048.to_vec())));
    stored(phone.ask(4, &body(&[(9, &rsa_key())])).await);
    assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
    assert_eq!(office.device(device).await.lsc.unwrap().key, "rsa-2048");
}

#[tokio::test]
async fn version_2_is_asked_for_the_backup_at_once_and_fails_where_there_is_none() {
    let office = Office::open().await;
    let order = KeyOrder::with_backup(KeyAlgorithm::P256, KeyAlgorithm::Rsa2048).unwrap();
    let device = office.phone(Action::Install, |o| o.key = order).await;
    let password = [STRING.as_bytes(), &[0]].concat();
    let old = hello_as(NAME, 2, &[(11, &password)]);
    let mut phone = office.connect().await;
    assert_eq!(phone.ask(2, &old).await, Some((3, RSA_2048[..5].to_vec())));
    phone.gone().await;

    office.set(device, Action::Install, |_| {}).await;
    assert_eq!(office.connect().await.ask(2, &old).await, end(7));
    assert_eq!(office.operation(device).await.state, State::Failed(Reason::NoEcSupport));
}

#[tokio::test]
async fn a_phone_that_makes_no_ec_key_where_no_other_is_allowed_has_failed() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    assert_eq!(phone.ask(4, &[1, 0, 1, 7]).await, end(7));
    phone.gone().await;
    assert_eq!(office.operation(device).await.state, State::Failed(Reason::NoEcSupport));
}

/// CAPF-35.
#[tokio::test]
async fn a_null_string_does_where_operation_and_profile_have_it_so() {
    let office = Office::open().await;
    let null = |o: &mut signet::device::records::Operation| {
        o.authentication = Authentication::NullString;
        o.string = None;
    };
    let allowed = office.enter(NAME, "null-lsc").await;
    office.set(allowed, Action::Install, null).await;
    for nothing in [hello(&[]), hello(&[(11, &[0])])] {
        let mut phone = office.connect().await;
        assert_eq!(phone.ask(2, &nothing).await, Some((3, EC_256.to_vec())));
        phone.gone().await;
    }
    let other = "SEP0011223344AA";
    let refused = office.enter(other, "phone-lsc").await;
    office.set(refused, Action::Install, null).await;
    assert_eq!(office.connect().await.ask(2, &hello_as(other, 3, &[])).await, end(7));
    // And nothing is no string.
    office.set(refused, Action::Install, |_| {}).await;
    for nothing in [&[][..], &[(11, &[0][..])]] {
        assert_eq!(office.connect().await.ask(2, &hello_as(other, 3, nothing)).await, end(7));
    }
    assert!(office.certificates().await.is_empty());
}

#[tokio::test]
async fn the_next_certificate_names_the_one_before_as_renewed() {
    let office = Office::open().await;
    let device = office.phone(Action::Install, |_| {}).await;
    for _ in 0..2 {
        office.set(device, Action::Install, |_| {}).await;
        let mut phone = office.connect().await;
        phone.auth(STRING).await.unwrap();
        stored(phone.ask(4, &body(&[(9, &ec_key())])).await);
        assert_eq!(phone.ask(10, &[1, 0, 1, 1]).await, end(1));
        phone.gone().await;
    }
    let certificates = office.certificates().await;
    assert_eq!(certificates.len(), 2);
    assert_eq!(certificates[1].renews.as_ref(), Some(&certificates[0].serial));
    assert_eq!(office.device(device).await.lsc.unwrap().serial, certificates[1].serial);
}

#[tokio::test]
async fn what_the_profile_does_not_allow_is_not_issued() {
    let office = Office::open().await;
    let toml = crate::fixture::Fixture::profile("phone-lsc", &[("\"p-256\", ", "")]);
    let profiles =
        signet::ca::profile::ProfileSet::from_sources(vec![("phone-lsc".to_owned(), toml)]).unwrap();
    office.fixture.desk.profiles.swap(profiles);
    let device = office.phone(Action::Install, |_| {}).await;
    let mut phone = office.connect().await;
    phone.auth(STRING).await.unwrap();
    assert_eq!(phone.ask(4, &body(&[(9, &ec_key())])).await, end(7));
    phone.gone().await;
    assert_eq!(office.operation(device).await.state, State::Failed(Reason::CaRejected));
    assert!(office.certificates().await.is_empty());
}
