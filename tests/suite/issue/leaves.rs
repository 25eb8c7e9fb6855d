//! Leaves: profile, validity, extensions, record and claim.

use signet::audit::Actor;
use signet::ca::create::Parent;
use signet::ca::import::records::ImportedRevocationRecord;
use signet::ca::issue::{IssueError, issue};
use signet::ca::records::{CertificateRecord, Status};
use signet::id::Serial;
use signet::store::{AuditFilter, Record, Unit};
use signet::x509::cert::Certificate;
use signet::x509::crl::Reason;
use signet::x509::key::KeyAlgorithm;
use signet::x509::san::San;

use super::fixture::{DAY, Fixture, URL, YEAR, text};

#[tokio::test]
async fn a_leaf_is_taken_by_openssl_and_says_what_the_profile_says() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("www.acme.example").await;
    let (ok, said) = fixture.verify(&issued.record.der, &issued.chain, fixture.now());
    assert!(ok, "{said}");
    let shown = text(fixture.dir.path(), &issued.record.der);
    for expected in [
        "Version: 3 (0x2)",
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "TLS Web Server Authentication",
        "DNS:www.acme.example",
        &format!("URI:{URL}/crl/ec-issuing.crl"),
        &format!("CA Issuers - URI:{URL}/ca/ec-issuing.crt"),
    ] {
        assert!(shown.contains(expected), "{expected} is missing in {shown}");
    }
    assert!(shown.contains("OCSP - URI:http://ca.example:8080/ocsp"), "{shown}");
}

#[tokio::test]
async fn key_identifiers_are_bytes_of_the_issuer_and_names_too() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("a.acme.example").await;
    let leaf = Certificate::from_der(&issued.record.der).unwrap();
    let issuer = Certificate::from_der(&issued.chain[0]).unwrap();
    assert_eq!(leaf.issuer().der(), issuer.subject().der());
    let hierarchy = fixture.authority.hierarchy();
    assert_eq!(hierarchy.issuer_of(&leaf).unwrap().record.id.as_str(), "ec-issuing");
    assert_eq!(hierarchy.issuer_of(&issuer).unwrap().record.id.as_str(), "ec-root");
    assert_eq!(leaf.serial().content().len(), 20);
}

#[tokio::test]
async fn an_issuer_of_the_same_name_and_another_key_is_not_ours() {
    let (ours, others) = (Fixture::ec().await, Fixture::ec().await);
    let foreign = Certificate::from_der(&others.server("b.acme.example").await.record.der).unwrap();
    assert!(ours.authority.hierarchy().issuer_of(&foreign).is_none());
}

#[tokio::test]
async fn without_a_subject_the_alternative_name_is_critical() {
    let fixture = Fixture::ec().await;
    let key = fixture.key("key", KeyAlgorithm::P256);
    let order = fixture.order("tls-server", "ec-issuing", "", &["dns:c.acme.example", "ip:10.0.0.7"], key);
    let issued = issue(&fixture.authority, order).await.unwrap();
    let shown = text(fixture.dir.path(), &issued.record.der);
    assert!(shown.contains("X509v3 Subject Alternative Name: critical"), "{shown}");
    let (ok, said) = fixture.verify(&issued.record.der, &issued.chain, fixture.now());
    assert!(ok, "{said}");
}

#[tokio::test]
async fn record_indexes_and_event_are_there_when_the_answer_is() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("d.acme.example").await;
    let db = &fixture.authority.db;
    let serial = &issued.record.serial;
    let found = db.find::<CertificateRecord>(CertificateRecord::BY_SERIAL, serial.content()).await.unwrap();
    assert_eq!(found.unwrap().value, issued.record);
    assert_eq!(issued.record.status, Status::Good);
    assert_eq!(issued.record.requester, "operator ann");
    let filter =
        AuditFilter { subject: Some(format!("certificate:{serial}")), limit: 9, ..Default::default() };
    let entries = db.raw().audit(filter).await.unwrap();
    assert_eq!(entries.len(), 1);
    let event = &entries[0].event;
    assert_eq!(event.action, "certificate.issue");
    assert_eq!(event.details["profile"], "tls-server");
    assert_eq!(event.details["ca"], "ec-issuing");
    assert_eq!(event.details["subject"], "CN=d.acme.example");
}

#[tokio::test]
async fn a_claim_that_no_longer_holds_is_named_by_its_place() {
    let fixture = Fixture::ec().await;
    let first = fixture.server("e.acme.example").await;
    let key = fixture.key("key", KeyAlgorithm::P256);
    let mut order = fixture.order("tls-server", "ec-issuing", "CN=f", &["dns:f.acme.example"], key);
    let mut claim = Unit::new();
    claim.check::<CertificateRecord>(b"nothing", signet::store::When::Absent);
    claim.insert(&first.record).unwrap();
    order.claim = claim;
    let serial = order.serial.clone();
    match issue(&fixture.authority, order).await {
        Err(IssueError::Claimed { item: 1, standing: Some(envelope) }) => {
            assert_eq!(envelope.key, first.record.id.as_bytes());
        }
        other => panic!("{other:?}"),
    }
    assert!(find(&fixture, &serial).await.is_none(), "nothing may be left of it");
}

#[tokio::test]
async fn a_serial_that_exists_is_never_given_twice() {
    let fixture = Fixture::ec().await;
    let first = fixture.server("g.acme.example").await;
    let key = fixture.key("key", KeyAlgorithm::P256);
    let mut order = fixture.order("tls-server", "ec-issuing", "CN=h", &["dns:h.acme.example"], key);
    order.serial = first.record.serial.clone();
    let Err(IssueError::Failed(error)) = issue(&fixture.authority, order).await else { panic!() };
    assert_eq!(error.code(), "serial-taken");
}

#[tokio::test]
async fn validity_is_cut_at_the_order_and_at_the_ca_and_refused_near_its_end() {
    let fixture = Fixture::ec().await;
    let issuer = fixture.authority.hierarchy().require(&super::fixture::ca("ec-issuing")).unwrap().clone();
    let end = issuer.certificate.as_ref().unwrap().not_after();
    let order = |name: &str| {
        let key = fixture.key(name, KeyAlgorithm::P256);
        fixture.order(
            "tls-server",
            "ec-issuing",
            &format!("CN={name}"),
            &[&format!("dns:{name}.acme.example")],
            key,
        )
    };

    let mut short = order("short");
    short.not_after = Some(fixture.now().plus(DAY));
    let short = issue(&fixture.authority, short).await.unwrap();
    assert_eq!(short.record.not_after, fixture.now().plus(DAY).whole_secs());

    let mut past = order("past");
    past.not_after = Some(fixture.now());
    let Err(IssueError::Failed(error)) = issue(&fixture.authority, past).await else { panic!() };
    assert_eq!(error.code(), "not-after-passed");

    fixture.authority.clock.advance(end.since(fixture.now()) - DAY * 2);
    let cut = issue(&fixture.authority, order("cut")).await.unwrap();
    assert_eq!(cut.record.not_after, end);

    fixture.authority.clock.advance(DAY + DAY / 2);
    let Err(IssueError::Failed(error)) = issue(&fixture.authority, order("late")).await else { panic!() };
    assert_eq!(error.code(), "ca-expires");
    assert!(error.detail().contains("ec-issuing"), "{error}");
}

#[tokio::test]
async fn a_leaf_of_a_young_ca_does_not_begin_before_it() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("i.acme.example").await;
    let issuer = Certificate::from_der(&issued.chain[0]).unwrap();
    assert!(issued.record.not_before >= issuer.not_before());
    assert!(issued.record.not_after < fixture.now().plus(YEAR));
}

#[tokio::test]
async fn every_key_type_of_an_issuing_ca_makes_leaves_that_openssl_takes() {
    let fixture = Fixture::empty().await;
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::P521, KeyAlgorithm::Rsa2048] {
        let (root, issuing) = (format!("root-{algorithm}"), format!("issuing-{algorithm}"));
        fixture.make(&root, algorithm, Parent::Itself).await.unwrap();
        fixture.make(&issuing, algorithm, Parent::Ours(super::fixture::ca(&root))).await.unwrap();
        let key = fixture.key(&format!("leaf-{algorithm}"), algorithm);
        let order = fixture.order("tls-multi-server", &issuing, "CN=j", &["dns:j.acme.example"], key);
        let issued = issue(&fixture.authority, order).await.unwrap();
        let (ok, said) = fixture.verify(&issued.record.der, &issued.chain, fixture.now());
        assert!(ok, "{algorithm}: {said}");
        let shown = text(fixture.dir.path(), &issued.record.der);
        assert_eq!(shown.contains("Key Encipherment"), algorithm.is_rsa(), "{shown}");
    }
}

#[tokio::test]
async fn what_breaks_a_rule_is_not_signed() {
    let fixture = Fixture::ec().await;
    let key = fixture.key("key", KeyAlgorithm::P256);
    let order = fixture.order("tls-server", "ec-issuing", "", &[], key);
    let Err(IssueError::Failed(error)) = issue(&fixture.authority, order).await else { panic!() };
    assert_eq!(error.code(), "lint");
    assert_eq!(error.field(), Some("subjectAltName"));
}

#[tokio::test]
async fn our_own_identities_are_asked_for_by_the_system() {
    let fixture = Fixture::ec().await;
    let key = fixture.key("key", KeyAlgorithm::P256);
    let mut order = fixture.order("tls-server", "ec-issuing", "CN=k", &["dns:k.acme.example"], key);
    order.actor = Actor::System;
    assert_eq!(issue(&fixture.authority, order).await.unwrap().record.requester, "system");
}

async fn find(fixture: &Fixture, serial: &Serial) -> Option<CertificateRecord> {
    let found = fixture.authority.db.find(CertificateRecord::BY_SERIAL, serial.content()).await;
    found.unwrap().map(|stored| stored.value)
}

fn words(record: &CertificateRecord) -> Vec<String> {
    let by_word = record.indexes().into_iter().filter(|key| key.index == CertificateRecord::BY_WORD);
    by_word.map(|key| String::from_utf8(key.key).unwrap().trim_end_matches('\0').to_owned()).collect()
}

#[tokio::test]
async fn a_certificate_is_found_by_each_of_its_names_however_many_they_are() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("host-1.example.com").await;
    assert_eq!(words(&issued.record), ["host-1.example.com", "host", "example", "com"]);

    let names: Vec<String> = (0..250).map(|n| format!("dns:a{n}.b{n}.c{n}.example.com")).collect();
    let mut record = issued.record;
    record.sans = names.iter().map(|name| San::parse(name).unwrap()).collect();
    let found = words(&record);
    assert_eq!(found.len(), 600, "bounded");
    assert!(names.iter().all(|name| found.iter().any(|word| *word == name[4..])));
    assert!(found.contains(&"host-1.example.com".to_owned()));
}

#[tokio::test]
async fn a_serial_number_that_another_program_gave_is_not_given_again() {
    let fixture = Fixture::ec().await;
    let key = fixture.key("leaf", KeyAlgorithm::P256);
    let order = fixture.order("tls-server", "ec-issuing", "CN=l", &["dns:l.acme.example"], key);
    let given = ImportedRevocationRecord {
        ca: order.ca.clone(),
        serial: order.serial.clone(),
        at: fixture.now(),
        reason: Reason::Superseded,
        not_after: None,
        left: true,
        shard: 0,
    };
    let mut unit = Unit::new();
    unit.insert(&given).unwrap();
    fixture.authority.db.commit(unit).await.unwrap();
    match issue(&fixture.authority, order).await.unwrap_err() {
        IssueError::Failed(error) => assert_eq!(error.code(), "serial-taken"),
        other @ IssueError::Claimed { .. } => panic!("{other:?}"),
    }
}
