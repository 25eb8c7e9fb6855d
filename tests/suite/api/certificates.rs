//! Certificates over the API: issued in each form, once per key, shown, downloaded, revoked.

use axum::http::Method;
use base64::Engine;
use signet::x509::cert::Certificate;

use super::fixture::{Api, bearer, csr, issue_body};

const CERTIFICATES: &str = "/api/v1/certificates";

#[tokio::test]
async fn a_certificate_is_issued_shown_and_found() {
    let api = Api::new().await;
    let reply = api
        .post(CERTIFICATES, &issue_body("tls-server", &csr("www.example.com", &["www.example.com"])))
        .await;
    let location = reply.header("location").unwrap().to_owned();
    let issued = reply.done(201);
    let serial = issued["serial"].as_str().unwrap();
    assert_eq!(location, format!("{CERTIFICATES}/{serial}"));
    assert_eq!(issued["sans"], serde_json::json!(["dns:www.example.com"]));
    assert_eq!(
        issued["pem"].as_str().unwrap().matches("BEGIN CERTIFICATE").count(),
        3,
        "leaf, issuing CA and root"
    );

    let shown = api.get(&location).await.done(200);
    assert_eq!((&shown["status"], &shown["key_algorithm"]), (&"good".into(), &"p-256".into()));
    assert_eq!(shown["requester"], "operator admin");
    let leaf = Certificate::read(shown["pem"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(leaf.serial().to_string(), serial);
    assert!(issued["pem"].as_str().unwrap().starts_with(shown["pem"].as_str().unwrap()));
    api.get(&format!("{CERTIFICATES}/00FF")).await.refused(404, "not-found");
    api.get(&format!("{CERTIFICATES}/xyz")).await.refused(404, "not-found");
}

#[tokio::test]
async fn the_answer_and_the_download_take_the_form_asked_for() {
    let api = Api::new().await;
    let auth = bearer(&api.admin);
    let forms = [
        ("application/x-pem-file", "application/x-pem-file"),
        ("application/pkix-cert", "application/pkix-cert"),
        ("application/pkcs7-mime", "application/pkcs7-mime"),
        ("image/png", "application/json"),
        ("text/html, application/pkix-cert;q=0.5", "application/pkix-cert"),
    ];
    for (accept, given) in forms {
        let headers = [("authorization", &*auth), ("content-type", "application/json"), ("accept", accept)];
        let body = issue_body("tls-server", &csr("a.example.com", &["a.example.com"]));
        let reply = api.call(Method::POST, CERTIFICATES, &headers, body.as_bytes()).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (201, Some(given)),
            "{}",
            reply.text()
        );
    }
    let body = issue_body("tls-server", &csr("b.example.com", &["b.example.com"]));
    let serial = api.post(CERTIFICATES, &body).await.done(201)["serial"].as_str().unwrap().to_owned();
    let get =
        async |format: &str| api.get(&format!("{CERTIFICATES}/{serial}/download?format={format}")).await;
    assert_eq!(get("pem").await.text().matches("BEGIN CERTIFICATE").count(), 1);
    assert_eq!(get("chain").await.text().matches("BEGIN CERTIFICATE").count(), 3);
    assert_eq!(Certificate::from_der(&get("der").await.body).unwrap().serial().to_string(), serial);
    assert_eq!(get("p7b").await.header("content-type"), Some("application/pkcs7-mime"));
    get("jks").await.refused(422, "invalid-format");
}

#[tokio::test]
async fn a_bare_request_is_taken_as_der_and_as_pem() {
    let api = Api::new().await;
    let auth = bearer(&api.admin);
    let pem = csr("a.example.com", &["a.example.com"]);
    let base64: String = pem.lines().filter(|l| !l.starts_with("-----")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
    let headers = [("authorization", &*auth), ("content-type", "application/pkcs10")];
    for body in [pem.as_bytes(), &der] {
        let path = format!("{CERTIFICATES}?profile=tls-server");
        api.call(Method::POST, &path, &headers, body).await.done(201);
    }
    let reply = api.call(Method::POST, CERTIFICATES, &headers, &der).await;
    assert_eq!(reply.refused(422, "missing-field").as_deref(), Some("/profile"));
}

#[tokio::test]
async fn what_is_no_request_or_no_profile_is_refused_at_its_field() {
    let api = Api::new().await;
    let reply = api.post(CERTIFICATES, &issue_body("tls-server", "rubbish")).await;
    assert_eq!(reply.refused(422, "bad-csr").as_deref(), Some("/csr"));
    let good = csr("a.example.com", &["a.example.com"]);
    assert_eq!(api.post(CERTIFICATES, &issue_body("nobody", &good)).await.status.as_u16(), 404);
    api.post(CERTIFICATES, &issue_body("../etc", &good)).await.refused(422, "invalid-name");
    let body =
        serde_json::json!({ "profile": "tls-server", "csr": good, "not_after": "tomorrow" }).to_string();
    assert_eq!(
        api.post(CERTIFICATES, &body).await.refused(422, "invalid-time").as_deref(),
        Some("/not_after")
    );
    let auditor = api.token("eve", "auditor").await;
    api.post_as(&auditor, CERTIFICATES, &issue_body("tls-server", &good)).await.refused(403, "forbidden");
}

#[tokio::test]
async fn one_key_gives_one_certificate_also_to_two_requests_at_once() {
    let api = Api::new().await;
    let body = issue_body("tls-server", &csr("a.example.com", &["a.example.com"]));
    let (one, two) =
        tokio::join!(api.post_once("c-1", CERTIFICATES, &body), api.post_once("c-1", CERTIFICATES, &body));
    let (one, two) = (one.done(201), two.done(201));
    assert_eq!(one["serial"], two["serial"]);
    let again = api.post_once("c-1", CERTIFICATES, &body).await.done(201);
    assert_eq!(again, one);
    assert_eq!(api.get(CERTIFICATES).await.done(200)["items"].as_array().unwrap().len(), 1);

    let other = issue_body("tls-server", &csr("a.example.com", &["a.example.com"]));
    api.post_once("c-1", CERTIFICATES, &other).await.refused(422, "idempotency-mismatch");
    let profile = issue_body("tls-multi-server", &csr("a.example.com", &["a.example.com"]));
    api.post_once("c-1", CERTIFICATES, &profile).await.refused(422, "idempotency-mismatch");
    // Another token's keys are its own.
    let token = api.token("other", "enroller").await;
    let auth = bearer(&token);
    let headers =
        [("authorization", &*auth), ("content-type", "application/json"), ("idempotency-key", "c-1")];
    let theirs = api.call(Method::POST, CERTIFICATES, &headers, other.as_bytes()).await.done(201);
    assert_ne!(theirs["serial"], one["serial"]);
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let api = Api::new().await;
    api.post_once("c-1", CERTIFICATES, &issue_body("tls-server", "rubbish")).await.refused(422, "bad-csr");
    let body = issue_body("tls-server", &csr("a.example.com", &["a.example.com"]));
    api.post_once("c-1", CERTIFICATES, &body).await.done(201);
}

#[tokio::test]
async fn a_certificate_is_revoked_once_with_one_reason() {
    let api = Api::new().await;
    let body = issue_body("tls-server", &csr("a.example.com", &["a.example.com"]));
    let serial = api.post(CERTIFICATES, &body).await.done(201)["serial"].as_str().unwrap().to_owned();
    let path = format!("{CERTIFICATES}/{serial}/revoke");
    assert_eq!(
        api.post(&path, r#"{"reason":"boredom"}"#).await.refused(422, "invalid-reason").as_deref(),
        Some("/reason")
    );
    let revoked = api.post(&path, r#"{"reason":"key-compromise"}"#).await.done(200);
    assert_eq!((&revoked["status"], &revoked["reason"]), (&"revoked".into(), &"key-compromise".into()));
    assert!(revoked["revoked_at"].is_string());
    api.post(&path, r#"{"reason":"key-compromise"}"#).await.done(200);
    assert_eq!(api.post(&path, r#"{"reason":"superseded"}"#).await.status.as_u16(), 409);
    api.post(&format!("{CERTIFICATES}/00FF/revoke"), r#"{"reason":"superseded"}"#)
        .await
        .refused(404, "not-found");
}

#[tokio::test]
async fn adminjson_38_a_cas_certificate_is_not_revoked_with_the_right_for_leaves() {
    let api = Api::new().await;
    let serial = api.get("/api/v1/cas/ec-issuing").await.done(200)["serial"].as_str().unwrap().to_owned();
    let reply = api.post(&format!("{CERTIFICATES}/{serial}/revoke"), r#"{"reason":"superseded"}"#).await;
    assert_eq!(reply.status.as_u16(), 403, "{}", reply.text());
}
