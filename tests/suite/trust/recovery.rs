//! The recovery signer: one for all clusters, exported under a passphrase.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use signet::audit::Outcome;
use signet::store::AuditFilter;
use signet::x509::cert::Certificate;

use super::fixture::Site;
use crate::api::fixture::Api;
use crate::openssl::{openssl, try_openssl};

#[tokio::test]
async fn it_is_self_signed_for_twenty_years_and_openssl_reads_its_export() {
    let site = Site::new().await;
    let listed = site.api.get("/api/v1/recovery-signers").await.done(200);
    let signer = &listed["items"][0];
    assert_eq!(
        (&signer["generation"], &signer["key"], &signer["exported"]),
        (&json!(1), &json!("rsa-2048"), &json!(null))
    );
    let certificate = Certificate::read(signer["pem"].as_str().unwrap().as_bytes()).unwrap();
    assert!(certificate.is_self_signed() && !certificate.is_ca());
    let years = certificate.not_after().since(site.api.clock().now()).as_secs() / (365 * 86_400);
    assert_eq!(years, 20);

    let path = "/api/v1/recovery-signers/current/export";
    site.api.post(path, r#"{"passphrase":"short"}"#).await.refused(422, "too-short");
    let exported = site.api.post(path, r#"{"passphrase":"correct horse battery"}"#).await.done(200);
    let pem = exported["pem"].as_str().unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{pem}");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    let name = file.path().to_str().unwrap();
    let of_key = openssl(&["pkey", "-in", name, "-passin", "pass:correct horse battery", "-pubout"], b"");
    let of_certificate = openssl(&["x509", "-in", name, "-noout", "-pubkey"], b"");
    assert_eq!(of_key, of_certificate, "key and certificate belong together");
    openssl(&["verify", "-check_ss_sig", "-CAfile", name, name], b"");

    let body = r#"{"passphrase":"correct horse battery","format":"pkcs12"}"#;
    let exported = site.api.post(path, body).await.done(200);
    assert_eq!(exported["pem"], json!(null));
    std::fs::write(file.path(), STANDARD.decode(exported["pkcs12"].as_str().unwrap()).unwrap()).unwrap();
    let read = |part: &str| {
        openssl(&["pkcs12", "-in", name, "-passin", "pass:correct horse battery", "-nodes", part], b"")
    };
    assert_eq!(openssl(&["pkey", "-pubout"], &read("-nocerts")), of_key, "the same key");
    assert_eq!(openssl(&["x509", "-noout", "-pubkey"], &read("-nokeys")), of_certificate);
    assert!(
        try_openssl(&["pkcs12", "-in", name, "-passin", "pass:wrong horse battery", "-nodes"], b"").is_err()
    );
    let body = r#"{"passphrase":"correct horse battery","format":"jks"}"#;
    assert_eq!(site.api.post(path, body).await.refused(422, "invalid-format"), Some("/format".to_owned()));

    let listed = site.api.get("/api/v1/recovery-signers").await.done(200);
    assert!(listed["items"][0]["exported"].is_string());
    let filter = AuditFilter { action: Some("recovery.export".into()), limit: 10, ..AuditFilter::default() };
    let entries = site.api.db().raw().audit(filter).await.unwrap();
    assert_eq!((entries.len(), entries[0].event.outcome), (2, Outcome::Done));
    site.api
        .post("/api/v1/recovery-signers/7/export", r#"{"passphrase":"correct horse battery"}"#)
        .await
        .refused(404, "not-found");
}

#[tokio::test]
async fn all_clusters_share_it_and_the_next_one_stands_beside_it_everywhere() {
    let site = Site::apart().await;
    let branch = site.create("branch").await;
    assert_eq!(branch["signer_sha256"], site.signer().await);
    let odd = site.api.post("/api/v1/recovery-signers", r#"{"algorithm":"rsa-3072"}"#).await;
    assert_eq!(odd.refused(422, "recovery-key"), Some("/algorithm".to_owned()));
    let next = site.api.post("/api/v1/recovery-signers", r#"{"algorithm":"rsa-4096"}"#).await.done(201);
    assert_eq!((&next["generation"], &next["key"]), (&json!(2), &json!("rsa-4096")));
    for cluster in ["hq", "branch"] {
        let path = format!("/api/v1/clusters/{cluster}");
        let anchors = site.api.get(&format!("{path}/anchors")).await.done(200);
        assert_eq!(anchors["items"].as_array().unwrap().len(), 2, "{anchors}");
        assert_eq!(
            site.api.get(&path).await.done(200)["signer_sha256"],
            branch["signer_sha256"],
            "as before"
        );
    }
    site.post("/settings", json!({"signer": "recovery"})).await.done(200);
    site.publish().await;
    let list = site.list("itl").await;
    assert_eq!(list.verify().unwrap().subject(), "CN=Signet ITLRecovery 2", "an RSA-4096 signature");
}

#[tokio::test]
async fn an_older_folder_gets_one_with_its_first_cluster() {
    let api = Api::bare().await;
    assert_eq!(api.get("/api/v1/recovery-signers").await.done(200)["items"], json!([]));
    api.post("/api/v1/recovery-signers/current/export", r#"{"passphrase":"correct horse battery"}"#)
        .await
        .refused(404, "not-found");
    api.post("/api/v1/clusters", r#"{"id":"hq"}"#).await.done(201);
    assert_eq!(api.get("/api/v1/recovery-signers").await.done(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_make_one_at_once_make_two_that_keep_their_keys() {
    let site = Site::apart().await;
    let make = |algorithm: &str| {
        let body = json!({"algorithm": algorithm}).to_string();
        let api = &site.api;
        async move { api.post("/api/v1/recovery-signers", &body).await.done(201) }
    };
    let (small, large) = tokio::join!(make("rsa-2048"), make("rsa-4096"));
    for made in [small, large] {
        let path = format!("/api/v1/recovery-signers/{}/export", made["generation"]);
        // It is refused if the key is not that of the certificate.
        site.api.post(&path, r#"{"passphrase":"correct horse battery"}"#).await.done(200);
    }
}
