//! What OCSP says of held, released, expired and flooding: asked and read by openssl.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use http_body_util::BodyExt;
use signet::audit::Actor;
use signet::ca::issue;
use signet::ca::ocsp::{Ocsp, Responder, ResponderSource};
use signet::ca::records::CertificateRecord;
use signet::ca::records::serials::Reference;
use signet::ca::revoke::release;
use signet::error::{Error, Kind, Result};
use signet::id::CaId;
use signet::x509::cert::Certificate;
use signet::x509::crl::Reason;
use signet::x509::key::KeyAlgorithm;
use signet::x509::ocsp::Failure;
use tower::ServiceExt;

use super::fixture::{DAY, Fixture, run};
use super::hold::revoke_by_ann;

/// One responder for every CA, or none.
struct One(Option<Arc<Responder>>);

impl ResponderSource for One {
    fn responder(&self, _: &CaId) -> Result<Arc<Responder>> {
        let lost = || Error::new(Kind::Busy, "responder-not-ready", "its key is not there");
        self.0.clone().ok_or_else(lost)
    }
}

pub(super) async fn responder(fixture: &Fixture, ca: &str) -> Arc<Responder> {
    let name = format!("responder-{ca}-{}", fixture.now().secs());
    let key = fixture.key(&name, KeyAlgorithm::P256);
    let mut order = fixture.order("ocsp-responder", ca, "CN=Responder", &[], key);
    order.actor = Actor::System;
    let issued = issue(&fixture.authority, order).await.unwrap();
    let certificate = Arc::new(Certificate::from_der(&issued.record.der).unwrap());
    let signer = fixture.authority.keys.signer(&name.parse().unwrap()).unwrap();
    Arc::new(Responder { certificate, signer })
}

async fn ocsp(fixture: &Fixture) -> Ocsp {
    let responder = responder(fixture, "ec-issuing").await;
    Ocsp::new(fixture.authority.clone(), Arc::new(One(Some(responder))))
}

/// A request for a certificate that `ec-issuing` issued, DER.
fn request(fixture: &Fixture, record: &CertificateRecord, nonce: bool) -> Vec<u8> {
    let hierarchy = fixture.authority.hierarchy();
    let issuer = hierarchy.require(&record.ca).unwrap().certificate.clone().unwrap();
    let issuer = fixture.write("issuer.pem", issuer.pem());
    let out = fixture.dir.path().join("request.der");
    let mut command = Command::new("openssl");
    command.arg("ocsp").arg("-issuer").arg(issuer).args(["-serial", &format!("0x{}", record.serial)]);
    command.args([if nonce { "-nonce" } else { "-no_nonce" }, "-reqout"]).arg(&out);
    let (ok, said) = run(&mut command);
    assert!(ok, "{said}");
    std::fs::read(out).unwrap()
}

/// What openssl reads in an answer.
fn text(fixture: &Fixture, der: &[u8]) -> String {
    let path = fixture.write("response.der", der);
    let (ok, said) =
        run(Command::new("openssl").args(["ocsp", "-noverify", "-resp_text", "-respin"]).arg(path));
    assert!(ok, "{said}");
    said
}

/// REVOCATION-19
#[tokio::test]
async fn revocation_19_on_hold_then_released_it_is_good_at_once() {
    let fixture = Fixture::ec().await;
    let record = fixture.server("held.acme.example").await.record;
    let (ocsp, request) = (ocsp(&fixture).await, request(&fixture, &record, false));
    let said = async || text(&fixture, &ocsp.answer(&request, None).await.unwrap().der);
    assert!(said().await.contains("Cert Status: good"));
    revoke_by_ann(&fixture, &record.serial, Reason::CertificateHold).await.unwrap();
    let held = said().await;
    assert!(held.contains("Cert Status: revoked") && held.contains("certificateHold (0x6)"), "{held}");
    release(&fixture.authority, &Reference::of(&record.serial), Actor::System).await.unwrap();
    assert!(said().await.contains("Cert Status: good"), "from memory nothing else comes");
    revoke_by_ann(&fixture, &record.serial, Reason::Superseded).await.unwrap();
    assert!(said().await.contains("superseded (0x4)"));
}

/// REVOCATION-18: no record is purged, so an expired certificate is answered for, with the cutoff.
#[tokio::test]
async fn revocation_18_an_expired_certificate_is_answered_with_archive_cutoff() {
    let fixture = Fixture::ec().await;
    let record = fixture.server("old.acme.example").await.record;
    revoke_by_ann(&fixture, &record.serial, Reason::KeyCompromise).await.unwrap();
    let request = request(&fixture, &record, false);
    let before = text(&fixture, &ocsp(&fixture).await.answer(&request, None).await.unwrap().der);
    assert!(before.contains("keyCompromise") && !before.contains("Archive Cutoff"), "{before}");
    fixture.authority.clock.advance(record.not_after.since(fixture.now()) + DAY);
    let after = text(&fixture, &ocsp(&fixture).await.answer(&request, None).await.unwrap().der);
    assert!(after.contains("Cert Status: revoked") && after.contains("keyCompromise"), "{after}");
    assert!(after.contains("OCSP Archive Cutoff"), "{after}");
}

/// REVOCATION-42
#[tokio::test]
async fn revocation_42_a_flood_of_nonces_is_told_to_try_later_and_nobody_else_is() {
    let fixture = Fixture::ec().await;
    let record = fixture.server("www.acme.example").await.record;
    let ocsp = Arc::new(ocsp(&fixture).await.with_limit(Some(3)));
    let (plain, nonce) = (request(&fixture, &record, false), request(&fixture, &record, true));
    let [flood, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|a| a.parse().unwrap());
    ocsp.answer(&plain, Some(flood)).await.unwrap();
    for _ in 0..5 {
        ocsp.answer(&nonce, Some(flood)).await.unwrap();
    }
    assert_eq!(ocsp.answer(&nonce, Some(flood)).await.unwrap_err(), Failure::TryLater);
    ocsp.answer(&plain, Some(flood)).await.expect("what is in memory costs nothing");
    ocsp.answer(&nonce, Some(other)).await.unwrap();

    let router = signet::ca::ocsp::http::router(Arc::clone(&ocsp));
    let mut asked = Request::post("/ocsp").header("content-type", "application/ocsp-request");
    asked.extensions_mut().unwrap().insert(ConnectInfo(SocketAddr::new(flood, 7)));
    let reply = router.oneshot(asked.body(Body::from(nonce.clone())).unwrap()).await.unwrap();
    assert_eq!(
        (reply.status().as_u16(), &reply.headers()["cache-control"]),
        (200, &"no-store".parse().unwrap())
    );
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body[..], [0x30, 3, 10, 1, 3], "tryLater, unsigned");
    fixture.authority.clock.advance(Duration::from_secs(1));
    ocsp.answer(&nonce, Some(flood)).await.unwrap();
}

/// REVOCATION-43
#[tokio::test]
async fn revocation_43_without_responder_or_store_nothing_is_called_good() {
    let fixture = Fixture::ec().await;
    let record = fixture.server("www.acme.example").await.record;
    let request = request(&fixture, &record, false);
    let lost = Ocsp::new(fixture.authority.clone(), Arc::new(One(None)));
    assert_eq!(lost.answer(&request, None).await.unwrap_err(), Failure::TryLater);

    let ocsp = Arc::new(ocsp(&fixture).await);
    let router = signet::ca::ocsp::http::router(Arc::clone(&ocsp));
    fixture.authority.db.raw().close().await.unwrap();
    let asked = Request::post("/ocsp").header("content-type", "application/ocsp-request");
    let reply = router.oneshot(asked.body(Body::from(request)).unwrap()).await.unwrap();
    assert_eq!(reply.headers()["cache-control"], "no-store");
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body[..], [0x30, 3, 10, 1, 3]);
}
