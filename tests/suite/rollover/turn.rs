//! An issuing CA's successor: announced, asked for, in force, and the end of the one before.

use signet::id::CaId;
use signet::x509::cert::Certificate;

use super::house::{CAS, DAY, House, certificates, issuer};
use crate::openssl::openssl;
use crate::scep::envelope::issuer_and_serial;

/// Checklist A4: signed by the current CA; openssl verifies it. The certificates: the next RA, the next CA, its root.
async fn next_certificates(house: &House) -> Vec<Certificate> {
    let (status, message) = house.get("/scep?operation=GetNextCACert").await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&message));
    let root = house.file("root.pem", house.pem("rsa-root").await.as_bytes());
    let current = house.file("current.pem", house.pem("rsa-issuing").await.as_bytes());
    let (root, current, at) =
        (root.to_str().unwrap(), current.to_str().unwrap(), house.clock.now().secs().to_string());
    // -nointern: the signer is the CA that the client knows already, and nobody else.
    let arguments = ["cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-attime", &at];
    let known = ["-nointern", "-certfile", current, "-CAfile", root];
    certificates(&openssl(&[&arguments[..], &known].concat(), &message))
}

async fn caps(house: &House) -> String {
    String::from_utf8(house.get("/scep?operation=GetCACaps").await.1).unwrap()
}

/// Whoever asks again and again does not have the CA sign each time: a signature of a later moment would differ.
#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_is_signed_once_in_five_minutes() {
    let house = House::build().await;
    house.prepare("rsa-issuing").await;
    let ask = async || house.get("/scep?operation=GetNextCACert").await;
    let first = ask().await;
    assert_eq!(first.0, 200);
    house.clock.advance(DAY / 1440 * 4);
    assert_eq!(ask().await, first);
    house.clock.advance(DAY / 1440);
    let anew = ask().await;
    assert_eq!(anew.0, 200);
    assert_ne!(anew.1, first.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_ca_is_announced_and_issues_to_who_asks_for_it() {
    let house = House::build().await;
    let before = house.ca_certificates().await;
    assert!(!caps(&house).await.contains("GetNextCACert"));
    assert_eq!(house.get("/scep?operation=GetNextCACert").await.0, 404);

    let next = house.prepare("rsa-issuing").await;
    assert_eq!((&next["id"], &next["state"]), (&"rsa-issuing-g2".into(), &"next".into()));
    assert_eq!(
        (&next["parent"], &next["subject"]),
        (&"rsa-root".into(), &before[1].subject().to_string().into())
    );
    assert_eq!(next["rollover"]["summary"], "follows rsa-issuing by hand");
    assert_eq!(house.ca("rsa-issuing").await["rollover"]["summary"], "rsa-issuing-g2 takes over by hand");

    assert!(caps(&house).await.lines().any(|line| line == "GetNextCACert"));
    assert_eq!(house.ca_certificates().await, before, "what is in force is what it was");
    let announced = next_certificates(&house).await;
    let subjects: Vec<String> = announced.iter().map(|c| c.subject().to_string()).collect();
    assert_eq!(
        subjects,
        ["CN=Signet SCEP RA rsa-issuing-g2", "CN=Signet RSA Issuing CA", "CN=Signet RSA Root CA"]
    );
    assert_eq!(announced[1].pem(), next["pem"].as_str().unwrap());
    assert_eq!(announced[1].subject().der(), before[1].subject().der(), "the same name, byte for byte");
    assert_ne!(announced[1].spki(), before[1].spki());

    let old = house.enrol("by-the-old-ra", &before[0]).await;
    let new = house.enrol("by-the-next-ra", &announced[0]).await;
    assert_eq!(issuer(&house, &old.certificate), "rsa-issuing");
    assert_eq!(issuer(&house, &new.certificate), "rsa-issuing-g2");
    house.work().await;
    for device in [&old, &new] {
        house.verify(&device.certificate).await.unwrap();
    }
    house.clock.advance(2 * DAY / 1440);
    assert_eq!(
        house.ca("rsa-issuing-g2").await["rollover"]["live_certificates"],
        3,
        "RA, OCSP responder, device"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_turn_everything_comes_from_the_next_ca_under_the_same_address() {
    let house = House::build().await;
    let before = house.ca_certificates().await;
    let old = house.enrol("old", &before[0]).await;
    house.prepare("rsa-issuing").await;
    let announced = next_certificates(&house).await;
    let turned = house.activate("rsa-issuing").await;
    assert_eq!((&turned["id"], &turned["state"]), (&"rsa-issuing-g2".into(), &"active".into()));
    assert_eq!(house.ca("rsa-issuing").await["state"], "retiring");

    assert_eq!(house.ca_certificates().await, announced, "what was announced is in force");
    assert_eq!(house.get("/scep?operation=GetNextCACert").await.0, 404);
    assert!(!caps(&house).await.contains("GetNextCACert"));

    // A client that fetched the RA's certificate before is answered by the RA that it knows; the new CA issues.
    let in_flight = house.enrol("in-flight", &before[0]).await;
    assert_eq!(issuer(&house, &in_flight.certificate), "rsa-issuing-g2");
    let renewed = house.renew(&old, &announced[0]).await;
    assert_eq!(issuer(&house, &old.certificate), "rsa-issuing");
    assert_eq!(issuer(&house, &renewed.certificate), "rsa-issuing-g2");
    for certificate in [&old.certificate, &in_flight.certificate, &renewed.certificate] {
        house.verify(certificate).await.unwrap();
    }

    // Two CAs of one name: GetCRL gives that of the one that gave the serial number.
    for (device, ra, ca) in [(&old, &before[0], "rsa-issuing"), (&renewed, &announced[0], "rsa-issuing-g2")] {
        let named = issuer_and_serial(&Certificate::from_der(&device.certificate).unwrap());
        let crl = house.ask(device, "22", &named, ra).await.crl(device);
        assert_eq!(crl, house.get(&format!("/crl/{ca}.crl")).await.1, "{ca}");
    }

    // A revocation by the old CA is published by the old CA.
    let serial = Certificate::from_der(&old.certificate).unwrap().serial().to_string();
    house.post(&format!("/api/v1/certificates/{serial}/revoke"), r#"{"reason":"superseded"}"#).await;
    house.work().await;
    assert!(house.verify(&old.certificate).await.unwrap_err().contains("certificate revoked"));
    assert!(ocsp(&house, &old.certificate, "rsa-issuing").await.contains("revoked"));
    assert!(ocsp(&house, &renewed.certificate, "rsa-issuing-g2").await.contains("good"));
}

/// What the responder says of a certificate, verified by openssl.
async fn ocsp(house: &House, certificate: &[u8], ca: &str) -> String {
    let issuer = house.file("ocsp-issuer.pem", house.pem(ca).await.as_bytes());
    let leaf = house.file("ocsp-leaf.pem", Certificate::from_der(certificate).unwrap().pem().as_bytes());
    let (issuer, leaf) = (issuer.to_str().unwrap().to_owned(), leaf.to_str().unwrap().to_owned());
    let request =
        openssl(&["ocsp", "-no_nonce", "-issuer", &issuer, "-cert", &leaf, "-reqout", "/dev/stdout"], b"");
    let asked = axum::http::Request::post("/ocsp").header("content-type", "application/ocsp-request");
    let (status, answer) = house.send(asked.body(axum::body::Body::from(request)).unwrap()).await;
    assert_eq!(status, 200);
    let answer = house.file("ocsp-answer", &answer);
    let root = house.file("ocsp-root.pem", house.pem("rsa-root").await.as_bytes());
    let (answer, root, at) =
        (answer.to_str().unwrap(), root.to_str().unwrap(), house.clock.now().secs().to_string());
    let base =
        ["ocsp", "-respin", answer, "-issuer", &issuer, "-cert", &leaf, "-CAfile", root, "-attime", &at];
    // The times in the answer are the moved clock's; the signature and its chain are what is judged here.
    let said =
        openssl(&[&base[..], &["-verify_other", &issuer, "-validity_period", "999999999"]].concat(), b"");
    String::from_utf8(said).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ca_before_retires_by_itself_when_its_last_certificate_expired() {
    let house = House::build().await;
    let before = house.ca_certificates().await;
    let old = house.enrol("old", &before[0]).await;
    house.prepare("rsa-issuing").await;
    house.activate("rsa-issuing").await;
    house.live(2 * DAY, DAY).await;
    let end = Certificate::from_der(&old.certificate).unwrap().not_after();
    let retiring = house.ca("rsa-issuing").await;
    assert_eq!(retiring["rollover"]["last_certificate_ends"], end.to_string(), "{retiring}");
    let keys = || house.state.desk.authority.keys.list().unwrap();
    assert!(keys().iter().any(|key| key.as_str().starts_with("ra-rsa-issuing-1")));

    // As long as it is needed its CRL and its OCSP responder are fresh; its RA is not renewed.
    house.live(363 * DAY, 3 * DAY).await;
    assert!(!keys().iter().any(|key| key.as_str().starts_with("ra-rsa-issuing-1")), "{:?}", keys());
    house.clock.advance(DAY / 2);
    house.verify(&old.certificate).await.unwrap_err();
    assert_eq!(house.ca("rsa-issuing").await["state"], "retiring");
    house.live(DAY, DAY / 2).await;

    let retired = house.ca("rsa-issuing").await;
    assert_eq!(retired["state"], "retired", "{retired}");
    let (status, crl) = house.get("/crl/rsa-issuing.crl").await;
    assert_eq!(status, 200, "its last CRL stays");
    let said = String::from_utf8(openssl(&["crl", "-inform", "DER", "-noout", "-nextupdate"], &crl)).unwrap();
    assert!(said.contains("2036"), "good until the CA's own end: {said}");
    assert_eq!(house.get("/ca/rsa-issuing.crt").await.0, 200);
    assert_eq!(house.get("/ca/rsa-issuing-g2.by-rsa-issuing.crt").await.0, 404);
    let bundle = String::from_utf8(house.get("/trust/signet.pem").await.1).unwrap();
    assert_eq!(bundle.matches("CN=Signet RSA Issuing CA").count(), 1, "{bundle}");
    house.live(31 * DAY, 10 * DAY).await;
    let of_the_old =
        |key: &str| key.starts_with("ocsp-rsa-issuing-") && !key.starts_with("ocsp-rsa-issuing-g2-");
    assert!(!keys().iter().any(|key| of_the_old(key.as_str())), "{:?}", keys());
    let faults = house.call("GET", "/api/v1/health", "").await.1["checks"].as_array().unwrap().clone();
    let faults: Vec<_> = faults.into_iter().filter(|check| check["status"] != "ok").collect();
    assert!(faults.is_empty(), "{faults:?}");
    let removed = house.call("DELETE", &format!("{CAS}/rsa-issuing/key"), "").await;
    house.done(204, removed);

    let house = house.restart().await;
    assert_eq!(house.ca("rsa-issuing").await["state"], "retired");
    let device = house.enrol("later", &house.ca_certificates().await[0]).await;
    assert_eq!(issuer(&house, &device.certificate), "rsa-issuing-g2");
    let report = house.state.admin.inspector.check().unwrap();
    assert!(report.ok, "{report:?}");
}

/// RFC 5280 §6.1.4 (l): self-issued, so that the path length 0 of the current CA lets it pass.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_key_is_certified_by_the_current_one() {
    let house = House::build().await;
    let next = house.prepare("rsa-issuing").await;
    let cross = &next["rollover"]["cross_certificates"][0];
    assert_eq!(cross["url"], "http://pki.example.org/ca/rsa-issuing-g2.by-rsa-issuing.crt");
    let (status, der) = house.get(cross["url"].as_str().unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(Certificate::from_der(&der).unwrap().pem(), cross["pem"].as_str().unwrap());

    let announced = next_certificates(&house).await;
    let device = house.enrol("device", &announced[0]).await;
    let root = house.file("root.pem", house.pem("rsa-root").await.as_bytes());
    let between = [house.pem("rsa-issuing").await.as_str(), cross["pem"].as_str().unwrap()].concat();
    let between = house.file("between.pem", between.as_bytes());
    let path = ["-CAfile", root.to_str().unwrap(), "-untrusted", between.to_str().unwrap()];
    house.judge(&device.certificate, &path).unwrap();
    let bundle = String::from_utf8(house.get("/trust/signet.pem").await.1).unwrap();
    assert!(bundle.contains(cross["pem"].as_str().unwrap()), "it stands in the bundle too");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_certificates_follow() {
    let house = House::build().await;
    let standing = async |name: &str| {
        let found =
            house.state.desk.authority.db.get::<signet::server::records::IdentityRecord>(name.as_bytes());
        found.await.unwrap().map(|stored| stored.value.current.certificate)
    };
    let tls = standing("tls").await.unwrap();
    assert_eq!(issuer(&house, &tls), "ec-issuing");
    house.prepare("ec-issuing").await;
    assert_eq!(standing("tls").await.unwrap(), tls, "not before the turn");
    house.activate("ec-issuing").await;
    assert_eq!(issuer(&house, &standing("tls").await.unwrap()), "ec-issuing-g2");
    assert_eq!(issuer(&house, &standing("ocsp-ec-issuing").await.unwrap()), "ec-issuing");
    assert_eq!(issuer(&house, &standing("ocsp-ec-issuing-g2").await.unwrap()), "ec-issuing-g2");
    house.live(40 * DAY, 4 * DAY).await;
    let responder = standing("ocsp-ec-issuing").await.unwrap();
    assert_eq!(issuer(&house, &responder), "ec-issuing", "renewed by the CA that it answers for");
    assert!(Certificate::from_der(&responder).unwrap().is_valid_at(house.clock.now()));
    house.verify(&standing("tls").await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_manage_cas_turns_none() {
    let house = House::build().await;
    for (method, path) in [("POST", "/rollover"), ("POST", "/rollover/activation"), ("DELETE", "/rollover")] {
        let (status, answer) = house.call(method, &format!("{CAS}/nobody{path}"), "").await;
        assert_eq!((status, &answer["code"]), (404, &"not-found".into()), "{answer}");
    }
    let named: CaId = "rsa-issuing".parse().unwrap();
    assert_eq!(house.state.desk.authority.hierarchy().in_force(&named).unwrap().record.id, named);
}
