//! Hold and release, dates and reasons: judged by openssl on the CRLs that follow.

use std::process::Command;
use std::time::Duration;

use signet::audit::Actor;
use signet::ca::crl::{publish, publish_due};
use signet::ca::records::serials::Reference;
use signet::ca::records::{CertificateRecord, CompromisedKeyRecord, RevocationRecord, Status};
use signet::ca::revoke::{Revocation, release, revoke};
use signet::error::{Kind, Result};
use signet::id::Serial;
use signet::store::{AuditFilter, Record};
use signet::x509::crl::Reason;

use super::checked::findings;
use super::fixture::{DAY, Fixture, ca, run};

fn ann() -> Actor {
    Actor::Operator("ann".to_owned())
}

pub(super) async fn revoke_by_ann(
    fixture: &Fixture,
    serial: &Serial,
    how: impl Into<Revocation>,
) -> Result<CertificateRecord> {
    revoke(&fixture.authority, serial, how, ann()).await
}

async fn release_by_ann(fixture: &Fixture, serial: &Serial) -> Result<CertificateRecord> {
    release(&fixture.authority, &Reference::of(serial), ann()).await
}

/// What openssl says of the CRL that is due now.
async fn next_crl(fixture: &Fixture) -> String {
    let (published, failed) = publish_due(&fixture.authority).await;
    assert_eq!((published, failed.len()), (vec![ca("ec-issuing")], 0), "{failed:?}");
    let crl = fixture.authority.published().of(&ca("ec-issuing")).unwrap();
    let path = fixture.write("shown.crl", &crl.der);
    let (ok, text) =
        run(Command::new("openssl").args(["crl", "-inform", "DER", "-noout", "-text", "-in"]).arg(path));
    assert!(ok, "{text}");
    text
}

#[tokio::test]
async fn a_hold_stands_on_the_crl_and_a_release_takes_it_off_the_next() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("held.acme.example").await;
    let serial = &issued.record.serial;
    for round in 0..2 {
        revoke_by_ann(&fixture, serial, Reason::CertificateHold).await.unwrap();
        let text = next_crl(&fixture).await;
        assert!(text.contains(&serial.to_string()) && text.contains("Certificate Hold"), "{text}");
        let (ok, said) = fixture.verify(&issued.record.der, &issued.chain, fixture.now());
        assert!(!ok && said.contains("certificate revoked"), "{said}");

        fixture.authority.clock.advance(Duration::from_secs(60));
        let released = release_by_ann(&fixture, serial).await.unwrap();
        assert_eq!(released.status, Status::Good);
        assert!(findings(&fixture).await.is_empty(), "before the CRL, round {round}");
        let text = next_crl(&fixture).await;
        assert!(text.contains("No Revoked Certificates"), "{text}");
        assert!(!text.contains("Remove From CRL"), "only a delta says that (RFC 5280 5.3.1): {text}");
        let (ok, said) = fixture.verify(&issued.record.der, &issued.chain, fixture.now());
        assert!(ok, "{said}");
        assert!(findings(&fixture).await.is_empty(), "after the CRL, round {round}");
    }
    let filter =
        |action: &str| AuditFilter { action: Some(action.to_owned()), limit: 9, ..Default::default() };
    let audit = fixture.authority.db.raw().audit(filter("certificate.release")).await.unwrap();
    assert_eq!(audit.len(), 2);
    assert_eq!(audit[0].event.subject, format!("certificate:{serial}"));
}

#[tokio::test]
async fn revocation_52_only_a_hold_is_released() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("final.acme.example").await;
    let serial = &issued.record.serial;
    let refused = async |what: &str| {
        let error = release_by_ann(&fixture, serial).await.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("not-on-hold", Kind::Conflict));
        assert!(error.detail().starts_with("only certificateHold can be released"), "{error}");
        assert!(error.detail().contains(what), "{error}");
    };
    refused("is not revoked").await;
    revoke_by_ann(&fixture, serial, Reason::Superseded).await.unwrap();
    refused("superseded").await;
    let error = revoke_by_ann(&fixture, serial, Reason::CertificateHold).await.unwrap_err();
    assert_eq!(error.code(), "already-revoked", "what is final is not made a hold");
}

#[tokio::test]
async fn what_follows_a_hold_counts_from_its_beginning_and_is_final() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("stolen.acme.example").await;
    let serial = &issued.record.serial;
    let held = revoke_by_ann(&fixture, serial, Reason::CertificateHold).await.unwrap();
    let Status::Revoked { at: began, .. } = held.status else { panic!() };
    fixture.authority.clock.advance(DAY);
    assert_eq!(revoke_by_ann(&fixture, serial, Reason::CertificateHold).await.unwrap(), held, "again");
    let later = Revocation { at: Some(fixture.now().whole_secs()), ..Reason::KeyCompromise.into() };
    let error = revoke_by_ann(&fixture, serial, later).await.unwrap_err();
    assert_eq!((error.code(), error.field()), ("date-out-of-range", Some("/date")));

    let revoked = revoke_by_ann(&fixture, serial, Reason::KeyCompromise).await.unwrap();
    assert_eq!(
        revoked.status,
        Status::Revoked { at: began, reason: Reason::KeyCompromise, invalidity: None }
    );
    let text = next_crl(&fixture).await;
    assert!(text.contains("Key Compromise") && !text.contains("Certificate Hold"), "{text}");
    assert_eq!(text.matches("Serial Number").count(), 1, "{text}");
    let key = &issued.record.key_fingerprint;
    assert!(fixture.authority.db.get::<CompromisedKeyRecord>(key).await.unwrap().is_some());
    assert_eq!(release_by_ann(&fixture, serial).await.unwrap_err().code(), "not-on-hold");
    assert!(findings(&fixture).await.is_empty());
}

/// REVOCATION-53: the rules of the dates are held in `ca::revoke::dates`.
#[tokio::test]
async fn the_dates_of_a_revocation_stand_on_the_crl() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("dated.acme.example").await;
    let began = issued.record.not_before;
    fixture.authority.clock.advance(DAY * 3);
    let how = Revocation {
        at: Some(began.plus(DAY * 2)),
        invalidity: Some(began.plus(DAY)),
        ..Reason::KeyCompromise.into()
    };
    let future = Revocation { invalidity: Some(fixture.now().plus(DAY).whole_secs()), ..how };
    let error = revoke_by_ann(&fixture, &issued.record.serial, future).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("date-out-of-range", Kind::Malformed));
    revoke_by_ann(&fixture, &issued.record.serial, how).await.unwrap();
    let text = next_crl(&fixture).await;
    let shown = |after: &str| {
        let line = text.split(after).nth(1).unwrap().trim_start().lines().next().unwrap().to_owned();
        assert!(line.ends_with("GMT"), "{text}");
        line
    };
    assert_ne!(shown("Revocation Date:"), shown("Invalidity Date:"));
    assert!(text.contains("Key Compromise"));
    assert!(findings(&fixture).await.is_empty());
}

/// Where a certificate goes on hold again while its release leaves the rows, the hold is not lost.
#[tokio::test]
async fn a_hold_beside_the_making_of_a_crl_is_never_lost() {
    let fixture = Fixture::ec().await;
    let serial = fixture.server("again.acme.example").await.record.serial;
    for _ in 0..10 {
        revoke_by_ann(&fixture, &serial, Reason::CertificateHold).await.unwrap();
        publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
        release_by_ann(&fixture, &serial).await.unwrap();
        let id = ca("ec-issuing");
        let (made, held) = tokio::join!(
            publish(&fixture.authority, &id),
            revoke_by_ann(&fixture, &serial, Reason::CertificateHold)
        );
        made.unwrap();
        held.unwrap();
        let last = publish(&fixture.authority, &id).await.unwrap();
        assert_eq!(last.entries, 1);
        release_by_ann(&fixture, &serial).await.unwrap();
    }
}

/// However many were revoked before: one event, one more in the count.
#[tokio::test]
async fn each_revocation_is_one_event_and_counts_once() {
    let fixture = Fixture::ec().await;
    let store = fixture.authority.db.raw();
    let key = RevocationRecord::counter_key(&ca("ec-issuing"), 0);
    for n in 1..4 {
        let serial = fixture.server(&format!("n{n}.acme.example")).await.record.serial;
        let before = store.head().await.unwrap().seq;
        revoke_by_ann(&fixture, &serial, Reason::Superseded).await.unwrap();
        assert_eq!(store.head().await.unwrap().seq, before + 1);
        assert_eq!(store.counter(RevocationRecord::KIND, &key).await.unwrap(), n);
    }
}
