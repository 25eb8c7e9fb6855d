//! Revocation and the CRLs that follow it.

use std::process::Command;
use std::sync::Arc;

use signet::audit::Actor;
use signet::ca::crl::{publish, publish_due, run_publisher};
use signet::ca::issue::issue;
use signet::ca::records::{CertificateRecord, RevocationRecord, Status};
use signet::ca::revoke::revoke;
use signet::error::Kind;
use signet::id::{RecordId, Serial};
use signet::store::{AuditFilter, PRIMARY, Scan, Unit};
use signet::x509::crl::Reason;
use signet::x509::key::KeyAlgorithm;

use super::fixture::{DAY, Fixture, ca, run};

fn crl_text(fixture: &Fixture, id: &str) -> String {
    let crl = fixture.authority.published().of(&ca(id)).unwrap();
    let path = fixture.write("shown.crl", &crl.der);
    let (ok, text) =
        run(Command::new("openssl").args(["crl", "-inform", "DER", "-noout", "-text", "-in"]).arg(path));
    assert!(ok, "{text}");
    text
}

async fn revoke_as(
    fixture: &Fixture,
    serial: &Serial,
    reason: Reason,
) -> signet::error::Result<CertificateRecord> {
    revoke(&fixture.authority, serial, reason, Actor::Operator("ann".to_owned())).await
}

#[tokio::test]
async fn a_revoked_certificate_stands_on_the_next_crl_and_fails_verification() {
    let fixture = Fixture::ec().await;
    let (bad, good) = (fixture.server("bad.acme.example").await, fixture.server("good.acme.example").await);
    let record = revoke_as(&fixture, &bad.record.serial, Reason::KeyCompromise).await.unwrap();
    assert!(matches!(record.status, Status::Revoked { reason: Reason::KeyCompromise, .. }));
    let (published, failed) = publish_due(&fixture.authority).await;
    assert_eq!((published, failed.len()), (vec![ca("ec-issuing")], 0), "the root has nothing new");
    let text = crl_text(&fixture, "ec-issuing");
    assert!(text.contains(&format!("Serial Number: {}", bad.record.serial)), "{text}");
    assert!(
        text.contains("Key Compromise") && text.contains("X509v3 CRL Number: \n                2"),
        "{text}"
    );
    let (ok, said) = fixture.verify(&bad.record.der, &bad.chain, fixture.now());
    assert!(!ok && said.contains("certificate revoked"), "{said}");
    let (ok, said) = fixture.verify(&good.record.der, &good.chain, fixture.now());
    assert!(ok, "{said}");
    assert!(publish_due(&fixture.authority).await.0.is_empty(), "nothing is due twice");
}

#[tokio::test]
async fn revoking_again_changes_nothing_and_another_reason_is_refused() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("n.acme.example").await;
    let serial = &issued.record.serial;
    let first = revoke_as(&fixture, serial, Reason::Superseded).await.unwrap();
    fixture.authority.clock.advance(DAY);
    assert_eq!(revoke_as(&fixture, serial, Reason::Superseded).await.unwrap(), first);
    let error = revoke_as(&fixture, serial, Reason::KeyCompromise).await.unwrap_err();
    assert_eq!(error.code(), "already-revoked");
    let filter =
        AuditFilter { action: Some("certificate.revoke".to_owned()), limit: 9, ..Default::default() };
    assert_eq!(fixture.authority.db.raw().audit(filter).await.unwrap().len(), 1);
}

#[tokio::test]
async fn many_at_once_revoke_it_once() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("o.acme.example").await;
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let (authority, serial) = (Arc::clone(&fixture.authority), issued.record.serial.clone());
        tasks.push(tokio::spawn(async move {
            revoke(&authority, &serial, Reason::Unspecified, Actor::System).await.map(|r| r.status)
        }));
    }
    for task in tasks {
        assert!(matches!(task.await.unwrap().unwrap(), Status::Revoked { .. }));
    }
    let rows =
        fixture.authority.db.all::<RevocationRecord>(Scan::all::<RevocationRecord>(PRIMARY)).await.unwrap();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn cas_and_our_own_identities_are_not_revoked_by_it() {
    let fixture = Fixture::ec().await;
    let hierarchy = fixture.authority.hierarchy();
    let issuing = hierarchy.require(&ca("ec-issuing")).unwrap().chain[0].serial().clone();
    let error = revoke_as(&fixture, &issuing, Reason::KeyCompromise).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("ca-certificate", Kind::Forbidden));

    let key = fixture.key("key", KeyAlgorithm::P256);
    let mut order = fixture.order("tls-server", "ec-issuing", "CN=p", &["dns:p.acme.example"], key);
    order.actor = Actor::System;
    let own = issue(&fixture.authority, order).await.unwrap();
    let error = revoke_as(&fixture, &own.record.serial, Reason::KeyCompromise).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("ca-certificate", Kind::Forbidden));
    revoke(&fixture.authority, &own.record.serial, Reason::Superseded, Actor::System).await.unwrap();

    let unknown = Serial::new(fixture.authority.clock.now(), &fixture.authority.random).unwrap();
    let error = revoke_as(&fixture, &unknown, Reason::KeyCompromise).await.unwrap_err();
    assert_eq!(error.code(), "not-found");
}

#[tokio::test]
async fn an_expired_entry_leaves_after_one_crl_past_its_expiry() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("q.acme.example").await;
    let shown = format!("Serial Number: {}", issued.record.serial);
    revoke_as(&fixture, &issued.record.serial, Reason::Superseded).await.unwrap();
    publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    fixture.authority.clock.advance(issued.record.not_after.since(fixture.now()) + DAY);
    publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    assert!(crl_text(&fixture, "ec-issuing").contains(&shown), "once more after its expiry");
    let last = publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    assert!(!crl_text(&fixture, "ec-issuing").contains(&shown));
    assert_eq!((last.number, last.entries), (4, 0));
}

#[tokio::test]
async fn a_crl_is_renewed_at_half_of_its_window_and_its_number_only_rises() {
    let fixture = Fixture::ec().await;
    assert!(publish_due(&fixture.authority).await.0.is_empty());
    fixture.authority.clock.advance(DAY * 3);
    assert!(publish_due(&fixture.authority).await.0.is_empty());
    fixture.authority.clock.advance(DAY);
    assert_eq!(publish_due(&fixture.authority).await.0, [ca("ec-issuing")]);
    fixture.authority.clock.advance(DAY * 180);
    assert_eq!(publish_due(&fixture.authority).await.0, [ca("ec-issuing"), ca("ec-root")]);
    assert_eq!(fixture.authority.published().of(&ca("ec-issuing")).unwrap().number, 3);
}

#[tokio::test]
async fn makers_at_the_same_time_never_share_a_number() {
    let fixture = Fixture::ec().await;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let authority = Arc::clone(&fixture.authority);
        tasks.push(tokio::spawn(async move { publish(&authority, &ca("ec-issuing")).await.unwrap().number }));
    }
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3, 4, 5]);
    assert_eq!(fixture.authority.published().of(&ca("ec-issuing")).unwrap().number, 5);
}

#[tokio::test]
async fn the_publisher_answers_a_revocation_and_stops_when_told() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("r.acme.example").await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let authority = Arc::clone(&fixture.authority);
    let publisher = tokio::spawn(async move {
        run_publisher(&authority, async move {
            let _ = stopped.await;
        })
        .await;
    });
    revoke_as(&fixture, &issued.record.serial, Reason::Unspecified).await.unwrap();
    let mut crl = fixture.authority.published().of(&ca("ec-issuing")).unwrap();
    while crl.number < 2 {
        tokio::task::yield_now().await;
        crl = fixture.authority.published().of(&ca("ec-issuing")).unwrap();
    }
    let text = crl_text(&fixture, "ec-issuing");
    assert!(text.contains(&issued.record.serial.to_string()), "{text}");
    assert!(!text.contains("CRL Reason Code"), "unspecified is left out (RFC 5280 5.3.1): {text}");
    stop.send(()).unwrap();
    publisher.await.unwrap();
}

/// More entries expired than one write may remove: they leave with several CRLs, and none fails.
#[tokio::test]
async fn ten_thousand_expired_entries_do_not_stop_publication() {
    let fixture = Fixture::ec().await;
    let authority = &fixture.authority;
    let now = fixture.now();
    let expired = |_| {
        Ok(RevocationRecord {
            ca: ca("ec-issuing"),
            certificate: RecordId::new(now, &authority.random)?,
            serial: Serial::new(now, &authority.random)?,
            at: now.minus(DAY * 2).whole_secs(),
            reason: Reason::Superseded,
            not_after: now.minus(DAY).whole_secs(),
            shard: 0,
            invalidity: None,
        })
    };
    let rows = (0..10_001).map(expired).collect::<signet::error::Result<Vec<_>>>().unwrap();
    for part in rows.chunks(5_000) {
        let mut unit = Unit::new();
        for row in part {
            unit.insert(row).unwrap();
        }
        authority.db.commit(unit).await.unwrap();
    }
    for entries in [10_001, 5_001, 1, 0] {
        assert_eq!(publish(authority, &ca("ec-issuing")).await.unwrap().entries, entries);
    }
}

#[tokio::test]
async fn a_full_signing_queue_does_not_keep_a_revocation_from_the_crl() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("t.acme.example").await;
    revoke_as(&fixture, &issued.record.serial, Reason::KeyCompromise).await.unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Arc::new(std::sync::Mutex::new(released));
    let mut jobs = Vec::new();
    // Two workers that wait, and a queue of 64 behind them.
    for _ in 0..80 {
        let (pool, released) = (fixture.authority.pool.clone(), Arc::clone(&released));
        jobs.push(tokio::spawn(
            async move { pool.run(move || released.lock().unwrap().recv().is_err()).await },
        ));
    }
    // The first that ends was refused: the queue is full.
    while !jobs.iter().any(tokio::task::JoinHandle::is_finished) {
        tokio::task::yield_now().await;
    }
    let (published, failed) = publish_due(&fixture.authority).await;
    assert_eq!((published, failed.len()), (vec![ca("ec-issuing")], 0), "{failed:?}");
    drop(release);
    for job in jobs {
        let _ = job.await.unwrap();
    }
}
