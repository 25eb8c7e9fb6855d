//! `POST /renew`: the certificate of the TLS connection speaks for its own renewal, and for nothing else.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};
use signet::ca::client::ClientCertificate;
use signet::x509::cert::Certificate;
use signet::x509::pem;

use crate::api::fixture::{Api, Reply, bearer, issue_body};

const CERTIFICATES: &str = "/api/v1/certificates";
const RENEW: &str = "/api/v1/renew";
const DAY: Duration = Duration::from_hours(24);

/// Who holds a certificate.
struct Client {
    key: KeyPair,
    serial: String,
    der: Vec<u8>,
}

fn csr(key: &KeyPair, common_name: &str, dns: &[&str]) -> String {
    let names: Vec<String> = dns.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.serialize_request(key).unwrap().pem().unwrap()
}

fn leaf(answer: &Value) -> Vec<u8> {
    let pem = answer["pem"].as_str().unwrap();
    pem::decode_all(pem.as_bytes(), 10).unwrap()[0].1.to_vec()
}

/// A client by `tls-client`: a year, due from its 241st day, always with a new key.
async fn client(api: &Api, name: &str) -> Client {
    let key = KeyPair::generate().unwrap();
    let body = issue_body("tls-client", &csr(&key, name, &[name]));
    let issued = api.post(CERTIFICATES, &body).await.done(201);
    Client { key, serial: issued["serial"].as_str().unwrap().to_owned(), der: leaf(&issued) }
}

/// Over a connection that this certificate made.
async fn over(api: &Api, shown: Option<&[u8]>, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let method = if body.is_empty() { Method::GET } else { Method::POST };
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body.to_vec())).unwrap();
    if let Some(der) = shown {
        request.extensions_mut().insert(ClientCertificate(Arc::from(der)));
    }
    api.send(request).await
}

async fn renew(api: &Api, client: &Client, csr: &str) -> Reply {
    // Refusals kept in one millisecond have no order.
    api.clock().advance(Duration::from_secs(1));
    let body = json!({ "csr": csr }).to_string();
    over(api, Some(&client.der), RENEW, &[("content-type", "application/json")], body.as_bytes()).await
}

#[track_caller]
fn refused(reply: &Reply, detail: &str) {
    reply.refused(403, "renewal-refused");
    assert_eq!(reply.json()["detail"], detail);
}

#[tokio::test]
async fn a_certificate_renews_itself_and_the_old_one_stays_valid() {
    let api = Api::new().await;
    let old = client(&api, "gw1.example.com").await;
    api.clock().advance(DAY * 250);
    let (key, name) = (KeyPair::generate().unwrap(), "gw1.example.com");
    let request = csr(&key, name, &[name]);
    let renewed = renew(&api, &old, &request).await.done(201);
    assert_ne!(renewed["serial"], old.serial.as_str());
    let (before, after) =
        (Certificate::from_der(&old.der).unwrap(), Certificate::from_der(&leaf(&renewed)).unwrap());
    assert_eq!((before.subject(), before.sans().unwrap()), (after.subject(), after.sans().unwrap()));
    assert!(after.not_after() > before.not_after().plus(DAY * 240), "a whole new year");

    let shown = api.get(&format!("{CERTIFICATES}/{}", renewed["serial"].as_str().unwrap())).await.done(200);
    assert_eq!((&shown["renews"], &shown["requester"]), (&json!(old.serial), &json!("tls ")));
    let shown = api.get(&format!("{CERTIFICATES}/{}", old.serial)).await.done(200);
    assert_eq!(shown["status"], "good", "overlap");
    // An answer that was lost is asked for again.
    assert_eq!(renew(&api, &old, &request).await.done(201)["serial"], renewed["serial"]);
}

#[tokio::test]
async fn the_answer_takes_the_form_asked_for_and_a_bare_request_is_taken() {
    let api = Api::new().await;
    let old = client(&api, "gw1.example.com").await;
    api.clock().advance(DAY * 250);
    let pem = csr(&KeyPair::generate().unwrap(), "gw1.example.com", &["gw1.example.com"]);
    let der = pem::decode_all(pem.as_bytes(), 1).unwrap()[0].1.to_vec();
    for (accept, body) in [
        ("application/x-pem-file", pem.as_bytes()),
        ("application/pkix-cert", &der),
        ("application/pkcs7-mime", &der),
    ] {
        let headers = [("content-type", "application/pkcs10"), ("accept", accept)];
        let reply = over(&api, Some(&old.der), RENEW, &headers, body).await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (201, Some(accept)));
    }
    let key = format!("{}{pem}", KeyPair::generate().unwrap().serialize_pem());
    let headers = [("content-type", "application/pkcs10")];
    let reply = over(&api, Some(&old.der), RENEW, &headers, key.as_bytes()).await;
    assert_eq!(reply.refused(422, "private-key-not-accepted").as_deref(), Some("/csr"));
    let path = format!("{RENEW}?profile=tls-server");
    // TLSCLIENT-07: a certificate speaks for its own profile; another cannot even be named.
    over(&api, Some(&old.der), &path, &headers, &der).await.refused(400, "unknown-parameter");
}

/// TLSCLIENT-46 (403, as SCEP's rule is told; the row says 400), and the rest of what a renewal may not change.
#[tokio::test]
async fn tlsclient_46_a_renewal_keeps_to_its_rules() {
    let api = Api::new().await;
    let (old, name) = (client(&api, "gw1.example.com").await, "gw1.example.com");
    let fresh = KeyPair::generate().unwrap();
    let early = renew(&api, &old, &csr(&fresh, name, &[name])).await;
    early.refused(403, "renewal-refused");
    assert!(early.json()["detail"].as_str().unwrap().starts_with("renewal is not due before 20"));
    api.clock().advance(DAY * 250);
    refused(
        &renew(&api, &old, &csr(&old.key, name, &[name])).await,
        "the profile wants a new key on renewal",
    );
    let identity = "identity change not allowed on renewal";
    // What follows is newer than what was refused before.
    api.clock().advance(DAY / 86_400);
    refused(&renew(&api, &old, &csr(&fresh, "gw2.example.com", &[name])).await, identity);
    refused(&renew(&api, &old, &csr(&fresh, name, &[name, "admin.example.com"])).await, identity);
    refused(&renew(&api, &old, &csr(&fresh, name, &[])).await, identity);

    let kept = api.get("/api/v1/requests/refused?limit=1").await.done(200)["items"][0].clone();
    assert_eq!((&kept["code"], &kept["asked"]["proof"]), (&json!("renewal-refused"), &json!("renewal")));
    let path = format!("/api/v1/requests/{}/replay", kept["id"].as_str().unwrap());
    let again = api.post(&path, "{}").await.done(200);
    assert_eq!(again["rule"], identity, "{again}");
}

/// TLSCLIENT-01, -43: nothing speaks for who shows nothing, whatever a header says.
#[tokio::test]
async fn tlsclient_01_43_without_a_certificate_nothing_is_renewed() {
    let api = Api::new().await;
    let old = client(&api, "gw1.example.com").await;
    api.clock().advance(DAY * 250);
    let body = json!({ "csr": csr(&KeyPair::generate().unwrap(), "gw1.example.com", &["gw1.example.com"]) });
    let (pem, token) = (pem::encode("CERTIFICATE", &old.der).replace('\n', "%0A"), bearer(&api.admin));
    for header in [
        ("accept", "*/*"),
        ("authorization", token.as_str()),
        ("client-cert", &pem),
        ("x-client-cert", &pem),
        ("x-ssl-client-cert", &pem),
        ("x-forwarded-client-cert", &pem),
    ] {
        let headers = [("content-type", "application/json"), header];
        let reply = over(&api, None, RENEW, &headers, body.to_string().as_bytes()).await;
        reply.refused(403, "certificate-required");
    }
}

/// TLSCLIENT-30, -31: a subject gives no right, whatever it says; the certificate alone opens nothing.
#[tokio::test]
async fn tlsclient_30_31_a_certificate_makes_nobody_an_operator() {
    let api = Api::new().await;
    for name in ["admin", "ADMIN", "administrator"] {
        let key = KeyPair::generate().unwrap();
        let issued = api.post(CERTIFICATES, &issue_body("tls-client", &csr(&key, name, &[]))).await.done(201);
        for path in [CERTIFICATES, "/api/v1/tokens", "/api/v1/health"] {
            over(&api, Some(&leaf(&issued)), path, &[], b"").await.refused(401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn what_is_revoked_expired_or_of_a_key_that_was_given_up_renews_nothing() {
    let api = Api::new().await;
    let (revoked, name) = (client(&api, "gw1.example.com").await, "gw1.example.com");
    let stolen = client(&api, "gw2.example.com").await;
    let expired = client(&api, "gw3.example.com").await;
    api.clock().advance(DAY * 250);
    let revoke = async |client: &Client, reason: &str| {
        let path = format!("{CERTIFICATES}/{}/revoke", client.serial);
        api.post(&path, &json!({ "reason": reason }).to_string()).await.done(200);
    };
    revoke(&revoked, "superseded").await;
    revoke(&stolen, "key-compromise").await;
    let fresh = KeyPair::generate().unwrap();
    let over = "renewal signer is expired or revoked";
    refused(&renew(&api, &revoked, &csr(&fresh, name, &[name])).await, over);
    refused(&renew(&api, &stolen, &csr(&fresh, "gw2.example.com", &["gw2.example.com"])).await, over);
    api.clock().advance(DAY * 116);
    // TLSCLIENT-44: the connection may have been made before; what counts is how the certificate stands now.
    refused(
        &renew(&api, &expired, &csr(&fresh, "gw3.example.com", &["gw3.example.com"])).await,
        "the certificate of the TLS connection speaks for nobody: it is expired",
    );
}

/// TLSCLIENT-06: whether it was revoked cannot be looked up, so nothing is issued.
#[tokio::test]
async fn tlsclient_06_a_store_that_does_not_answer_refuses() {
    let api = Api::new().await;
    let old = client(&api, "gw1.example.com").await;
    api.clock().advance(DAY * 250);
    api.db().raw().close().await.unwrap();
    let fresh = KeyPair::generate().unwrap();
    let reply = renew(&api, &old, &csr(&fresh, "gw1.example.com", &["gw1.example.com"])).await;
    reply.refused(503, "storage");
}

#[tokio::test]
async fn where_an_operator_decides_the_same_request_asks_again() {
    let api = Api::new().await;
    let (old, name) = (client(&api, "gw1.example.com").await, "gw1.example.com");
    let file = api.state.policies.join("profiles/tls-client.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("approval = \"challenge\"", "approval = \"manual\"")).unwrap();
    let profiles = signet::ca::profile::ProfileSet::load(&api.state.policies).unwrap();
    api.state.desk.profiles.swap(profiles);
    api.clock().advance(DAY * 250);
    let request = csr(&KeyPair::generate().unwrap(), name, &[name]);
    let waiting = renew(&api, &old, &request).await.done(202)["request"].as_str().unwrap().to_owned();
    assert_eq!(renew(&api, &old, &request).await.done(202)["request"], waiting.as_str());
    api.post(&format!("/api/v1/requests/{waiting}/approve"), "{}").await.done(200);
    let renewed = renew(&api, &old, &request).await.done(201);
    let due = api.get(&format!("{CERTIFICATES}?renewal=due")).await.done(200);
    assert_eq!(due["items"], json!([]), "{} renewed it", renewed["serial"]);
}
