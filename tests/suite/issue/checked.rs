//! What `signet check` finds of records that do not agree with each other.

use signet::admin::Inspector;
use signet::audit::Actor;
use signet::ca::create::Parent;
use signet::ca::crl::publish;
use signet::ca::records::{CertificateRecord, RevocationRecord};
use signet::ca::revoke::revoke;
use signet::server::inspector::StoreInspector;
use signet::store::{Item, Kind, Record, Unit, When};
use signet::x509::cert::Certificate;
use signet::x509::crl::Reason;
use signet::x509::key::KeyAlgorithm;

use super::fixture::{DAY, Fixture, ca};

pub async fn findings(fixture: &Fixture) -> Vec<String> {
    let key = fixture.authority.hierarchy().require(&ca("ec-root")).unwrap().signer.clone().unwrap();
    let inspector = StoreInspector::new(fixture.authority.db.clone(), key.public_key().clone());
    let checked = tokio::task::spawn_blocking(move || inspector.check().unwrap()).await.unwrap();
    assert_eq!(checked.ok, checked.findings.is_empty());
    checked.findings
}

async fn commit(fixture: &Fixture, unit: Unit) {
    fixture.authority.db.commit(unit).await.unwrap();
}

/// One finding, with these words.
#[track_caller]
fn is_named(findings: &[String], words: &str) {
    assert!(findings.len() == 1 && findings[0].contains(words), "{words}: {findings:?}");
}

async fn revoked(fixture: &Fixture) -> CertificateRecord {
    let issued = fixture.server("u.acme.example").await;
    revoke(&fixture.authority, &issued.record.serial, Reason::Superseded, Actor::System).await.unwrap()
}

fn revocation(record: &CertificateRecord, fixture: &Fixture, reason: Reason) -> RevocationRecord {
    RevocationRecord::of(record, fixture.now().whole_secs(), reason, None)
}

#[tokio::test]
async fn a_revocation_that_is_missing_stray_or_different_is_found() {
    let fixture = Fixture::ec().await;
    let record = revoked(&fixture).await;
    assert!(findings(&fixture).await.is_empty());

    let mut row = revocation(&record, &fixture, Reason::KeyCompromise);
    let mut unit = Unit::new();
    unit.put(&row, When::Present).unwrap();
    commit(&fixture, unit).await;
    is_named(&findings(&fixture).await, "says something else of it");

    let mut unit = Unit::new();
    unit.delete::<RevocationRecord>(&row.key(), When::Present);
    commit(&fixture, unit).await;
    is_named(&findings(&fixture).await, &format!("certificate {} is revoked and unexpired", record.id));

    row.reason = Reason::Superseded;
    let good = fixture.server("v.acme.example").await;
    let mut unit = Unit::new();
    unit.insert(&row).unwrap();
    unit.insert(&revocation(&good.record, &fixture, Reason::Superseded)).unwrap();
    commit(&fixture, unit).await;
    is_named(&findings(&fixture).await, &format!("the certificate {} is not revoked", good.record.id));
}

#[tokio::test]
async fn an_expired_revocation_that_left_its_crl_is_no_finding() {
    let fixture = Fixture::ec().await;
    let record = revoked(&fixture).await;
    fixture.authority.clock.advance(record.not_after.since(fixture.now()) + DAY);
    publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    assert_eq!(fixture.authority.published().of(&ca("ec-issuing")).unwrap().number, 3);
    assert!(findings(&fixture).await.is_empty());
}

#[tokio::test]
async fn index_keys_other_than_the_records_own_are_found() {
    let fixture = Fixture::ec().await;
    let record = fixture.server("w.acme.example").await.record;
    let mut unit = Unit::new();
    unit.put(&record, When::Present).unwrap();
    let Item::Put { indexes, .. } = &mut unit.items[0] else { panic!() };
    indexes.retain(|key| key.index != CertificateRecord::BY_EXPIRY);
    commit(&fixture, unit).await;
    is_named(&findings(&fixture).await, "its index keys are not those it must have");
}

#[tokio::test]
async fn a_leaf_with_a_cas_serial_number_is_found() {
    let fixture = Fixture::ec().await;
    fixture.make("second", KeyAlgorithm::P256, Parent::Ours(ca("ec-root"))).await.unwrap();
    let mut record = fixture.server("x.acme.example").await.record;
    record.der = fixture.authority.hierarchy().require(&ca("second")).unwrap().chain[0].der().to_vec();
    let certificate = Certificate::from_der(&record.der).unwrap();
    record.serial = certificate.serial().clone();
    record.fingerprint = certificate.fingerprint();
    let mut unit = Unit::new();
    unit.put(&record, When::Present).unwrap();
    commit(&fixture, unit).await;
    is_named(&findings(&fixture).await, "its serial number is also that of the CA second");
}

#[tokio::test]
async fn a_kind_that_is_not_known_and_a_damaged_idempotency_record_are_found() {
    for (id, words) in
        [(31, "a idempotency record is damaged"), (201, "kind 201 is not known to this program")]
    {
        let fixture = Fixture::ec().await;
        let (kind, key) = (Kind { id, name: "thing" }, b"k".to_vec());
        let when = When::Absent;
        let item = Item::Put { kind, key, indexes: vec![], version: 1, body: vec![0xff], when };
        commit(&fixture, Unit { items: vec![item], events: vec![] }).await;
        is_named(&findings(&fixture).await, words);
    }
}
