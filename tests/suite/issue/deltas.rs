//! Delta CRLs: checklist C, rows REVOCATION-56; openssl judges what a client does with them.

use std::time::Duration;

use axum::http::StatusCode;
use signet::ca::Issued;
use signet::ca::crl::{CrlChange, PublishedCrl, publish_due};
use signet::ca::records::{CertificateRecord, RevocationRecord, Scope, Status};
use signet::store::{Unit, When};
use signet::x509::crl::{Crl, Reason};
use signet::x509::pem;

use super::fixture::{DAY, Fixture, ca, run};
use super::published::ask;
use super::shards::set;

const HOUR: Duration = Duration::from_secs(3600);
const USE_DELTAS: &[&str] = &["-extended_crl", "-use_deltas"];

fn deltas(hours: u64) -> CrlChange {
    CrlChange { delta_hours: Some(hours), ..CrlChange::default() }
}

fn scope() -> Scope {
    Scope::whole(&ca("ec-issuing"))
}

fn complete(fixture: &Fixture) -> std::sync::Arc<PublishedCrl> {
    fixture.authority.published().complete(&scope()).unwrap()
}

fn delta(fixture: &Fixture) -> std::sync::Arc<PublishedCrl> {
    fixture.authority.published().delta(&scope()).unwrap()
}

fn armoured(crl: &PublishedCrl) -> String {
    pem::encode("X509 CRL", &crl.der)
}

/// What openssl makes of a certificate by a complete CRL that a client holds, the root's, and the delta of now.
fn by(fixture: &Fixture, held: &str, further: &[&str], issued: &Issued) -> (bool, String) {
    let root = fixture.authority.published().of(&ca("ec-root")).unwrap();
    let crls = [held, &armoured(&root), &armoured(&delta(fixture))].concat();
    fixture.verify_by(further, &crls, &issued.record.der, &issued.chain, fixture.now())
}

/// Puts a certificate on hold.
async fn hold(fixture: &Fixture, issued: &Issued) {
    let at = fixture.now().whole_secs();
    let status = Status::Revoked { at, reason: Reason::CertificateHold, invalidity: None };
    let record = CertificateRecord { status, ..issued.record.clone() };
    let mut unit = Unit::new();
    unit.put(&record, When::Present).unwrap();
    unit.insert(&RevocationRecord::of(&record, at, Reason::CertificateHold, None)).unwrap();
    unit.items.push(RevocationRecord::count(&record.ca, record.shard, 1));
    fixture.authority.db.commit(unit).await.unwrap();
}

/// Takes a certificate off hold.
async fn release(fixture: &Fixture, issued: &Issued) {
    let record = CertificateRecord { status: Status::Good, ..issued.record.clone() };
    let mut unit = Unit::new();
    unit.put(&record, When::Present).unwrap();
    let row = RevocationRecord::key_of(&record.ca, record.shard, &record.id);
    unit.delete::<RevocationRecord>(&row, When::Present);
    unit.items.push(RevocationRecord::count(&record.ca, record.shard, 1));
    fixture.authority.db.commit(unit).await.unwrap();
}

#[tokio::test]
async fn a_client_that_holds_an_older_crl_learns_from_the_delta_what_came_and_what_was_released() {
    let fixture = Fixture::ec().await;
    set(&fixture, deltas(12)).await.unwrap();
    let (one, two) = (fixture.server("one.acme.example").await, fixture.server("two.acme.example").await);
    let base = armoured(&complete(&fixture));
    let (ok, said) = by(&fixture, &base, USE_DELTAS, &one);
    assert!(ok, "{said}");

    hold(&fixture, &one).await;
    publish_due(&fixture.authority).await;
    let (made, change) = (complete(&fixture), delta(&fixture));
    assert_eq!(made.number, change.number, "RFC 5280 5.2.3: made at the same time, they say the same");
    assert_eq!((change.base, change.entries), (Some(made.number - 1), 1));
    let between = armoured(&made);
    let (ok, said) = by(&fixture, &base, USE_DELTAS, &one);
    assert!(!ok && said.contains("certificate revoked"), "{said}");
    let (ok, said) = by(&fixture, &base, &[], &one);
    assert!(ok, "the base alone does not know it: {said}");

    release(&fixture, &one).await;
    hold(&fixture, &two).await;
    publish_due(&fixture.authority).await;
    let change = Crl::from_der(&delta(&fixture).der).unwrap();
    let path = fixture.write("delta.crl", change.der());
    let shown = ["crl", "-inform", "DER", "-noout", "-text", "-in"];
    let (_, text) = run(std::process::Command::new("openssl").args(shown).arg(path));
    assert!(
        text.contains("Remove From CRL") && text.contains("X509v3 Delta CRL Indicator: critical"),
        "{text}"
    );
    assert!(!text.contains("Freshest CRL"), "RFC 5280 5.2.6: not in a delta CRL: {text}");
    for held in [&base, &between] {
        let (ok, said) = by(&fixture, held, USE_DELTAS, &one);
        assert!(ok, "released: {said}");
        let (ok, said) = by(&fixture, held, USE_DELTAS, &two);
        assert!(!ok && said.contains("certificate revoked"), "{said}");
    }
}

#[tokio::test]
async fn a_complete_crl_says_where_its_delta_is_and_a_certificate_does_not() {
    let fixture = Fixture::ec().await;
    let router = signet::ca::http::router(fixture.authority.clone());
    set(&fixture, CrlChange { shards: Some(2), delta_hours: Some(2), ..CrlChange::default() }).await.unwrap();
    let issued = fixture.server("a.acme.example").await;
    assert!(!super::fixture::text(fixture.dir.path(), &issued.record.der).contains("Freshest"));
    for (path, freshest) in [
        ("/crl/ec-issuing.crl", "/crl/ec-issuing/delta.crl"),
        ("/crl/ec-issuing/1.crl", "/crl/ec-issuing/1-delta.crl"),
        ("/crl/ec-issuing/2.crl", "/crl/ec-issuing/2-delta.crl"),
    ] {
        let whole = Crl::from_der(&ask(&router, "GET", path, &[]).await.body).unwrap();
        let part = Crl::from_der(&ask(&router, "GET", freshest, &[]).await.body).unwrap();
        let extension = |crl: &Crl, oid: &str| {
            crl.extensions().iter().find(|e| e.oid.to_string() == oid).map(|e| (e.critical, e.value.clone()))
        };
        let (_, value) = extension(&whole, "2.5.29.46").unwrap();
        assert!(String::from_utf8_lossy(&value).ends_with(freshest));
        let scope = extension(&whole, "2.5.29.28");
        assert!(scope.as_ref().is_some_and(|(critical, _)| *critical));
        assert_eq!(extension(&part, "2.5.29.28"), scope, "the same scope");
        assert_eq!(part.authority_key_id(), whole.authority_key_id(), "the same key");
        let pem = ask(&router, "GET", &freshest.replace(".crl", ".pem"), &[]).await;
        assert_eq!(Crl::read(&pem.body).unwrap(), part);
    }
}

#[tokio::test]
async fn a_delta_is_made_anew_at_half_of_its_time_and_starts_from_a_newer_base_with_the_window() {
    let fixture = Fixture::ec().await;
    set(&fixture, deltas(4)).await.unwrap();
    let (made, first) = (complete(&fixture), delta(&fixture));
    fixture.authority.clock.advance(HOUR);
    assert!(publish_due(&fixture.authority).await.0.is_empty());
    fixture.authority.clock.advance(HOUR);
    assert_eq!(publish_due(&fixture.authority).await.0, [ca("ec-issuing")]);
    let second = delta(&fixture);
    assert_eq!(second.number, first.number + 1);
    assert_eq!((second.base, complete(&fixture).number), (Some(made.number), made.number));
    assert_eq!(second.next_update.since(second.this_update), HOUR * 4);

    fixture.authority.clock.advance(DAY * 4);
    publish_due(&fixture.authority).await;
    let newer = complete(&fixture);
    assert!(newer.number > second.number, "one row of numbers for both");
    assert_eq!(delta(&fixture).base, Some(made.number), "who holds the old base comes along once more");
    fixture.authority.clock.advance(HOUR * 2);
    publish_due(&fixture.authority).await;
    assert_eq!(delta(&fixture).base, Some(newer.number));
}

/// REVOCATION-56
#[tokio::test]
async fn where_deltas_were_turned_off_there_is_no_base() {
    let fixture = Fixture::ec().await;
    let router = signet::ca::http::router(fixture.authority.clone());
    set(&fixture, deltas(4)).await.unwrap();
    let path = "/crl/ec-issuing/delta.crl";
    assert_eq!(ask(&router, "GET", path, &[]).await.status, StatusCode::OK);
    set(&fixture, deltas(0)).await.unwrap();
    let answer = ask(&router, "GET", path, &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(String::from_utf8(answer.body).unwrap().contains("no base CRL"));
    assert!(
        !Crl::from_der(&complete(&fixture).der)
            .unwrap()
            .extensions()
            .iter()
            .any(|e| e.oid.to_string() == "2.5.29.46")
    );
}
