//! Anchors come, change their roles and go.

use serde_json::json;

use super::fixture::{Site, foreign};
use crate::api::fixture::YEAR;

#[tokio::test]
async fn a_new_cluster_trusts_the_recovery_signer_which_signs_its_lists() {
    let site = Site::new().await;
    let anchors = site.get("/anchors").await;
    let items = anchors["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{anchors}");
    let only = &items[0];
    assert_eq!(
        (&only["source"], &only["roles"], &only["key"]),
        (&json!("recovery"), &json!(["sast"]), &json!("rsa-2048"))
    );
    assert_eq!((&only["signs"], &only["has_key"]), (&json!(true), &json!(true)));
    assert_eq!(site.get("").await["signer"], only["subject"]);
    assert_eq!(site.get("").await["itl_release"], json!(null));
    site.post("", json!({})).await.refused(405, "method-not-allowed");
    let again = site.api.post("/api/v1/clusters", r#"{"id":"hq"}"#).await;
    assert_eq!(again.refused(409, "already-exists"), Some("/id".to_owned()));
}

#[tokio::test]
async fn an_anchor_that_is_added_again_gets_the_roles_that_it_lacks() {
    let site = Site::new().await;
    let pem = foreign("cucm-pub");
    let sha256 = site.add(&pem, &["ccm+tftp"]).await;
    assert_eq!(site.add(&pem, &["tvs"]).await, sha256);
    let anchor = site.get(&format!("/anchors/{sha256}")).await;
    assert_eq!(anchor["roles"], json!(["ccm+tftp", "tvs"]));
    assert_eq!((&anchor["source"], &anchor["has_key"]), (&json!("imported"), &json!(false)));
    assert_eq!(anchor["pem"].as_str().unwrap().trim(), pem.replace("\r\n", "\n").trim());

    let roles = site.post(&format!("/anchors/{sha256}/roles"), json!({"roles": ["tftp"]})).await.done(200);
    assert_eq!(roles["items"][0]["roles"], json!(["tftp"]));
    site.api.delete(&format!("/api/v1/clusters/hq/anchors/{sha256}")).await.done(200);
    site.api.get(&format!("/api/v1/clusters/hq/anchors/{sha256}")).await.refused(404, "not-found");
    assert_eq!(site.get("").await["anchors"], 1);
}

#[tokio::test]
async fn what_cannot_be_an_anchor_is_refused_and_named() {
    let site = Site::new().await;
    let pem = foreign("x");
    let rows = [
        (json!({}), 422, "missing-field", "/certificate"),
        (json!({"certificate": pem}), 422, "missing-role", "/roles"),
        (json!({"certificate": pem, "roles": ["boss"]}), 422, "invalid-role", "/roles/0"),
        (json!({"certificate": pem, "ca": "rsa-root", "roles": ["capf"]}), 422, "one-source", "/certificate"),
        (json!({"ca": "rsa-root", "roles": ["capf"]}), 404, "not-found", "/ca"),
        (json!({"certificate": "MII", "roles": ["tvs"]}), 400, "bad-certificate", "/certificate"),
        (json!({"certificate": pem, "roles": ["tvs"], "address": "::1"}), 422, "invalid-address", "/address"),
        (json!({"certificate": pem, "roles": ["tvs"], "dns_name": "a b"}), 422, "bad-dns-name", "/dns_name"),
        (json!({"identity": "boss"}), 422, "invalid-identity", "/identity"),
        (json!({"certificate": pem, "roles": ["tvs"], "renew": true}), 422, "missing-field", "/identity"),
    ];
    for (body, status, code, pointer) in rows {
        let reply = site.post("/anchors", body.clone()).await;
        assert_eq!(reply.refused(status, code), Some(pointer.to_owned()), "{body}");
    }
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let reply = site.post("/anchors", json!({"certificate": key, "roles": ["tvs"]})).await;
    reply.refused(422, "private-key-not-accepted");
    assert_eq!(site.get("").await["anchors"], 1);
    site.api
        .post("/api/v1/clusters/nobody/anchors", &json!({"certificate": pem, "roles": ["tvs"]}).to_string())
        .await
        .refused(404, "not-found");
}

#[tokio::test]
async fn the_signer_and_the_recovery_signer_cannot_be_taken_out_of_the_lists() {
    let site = Site::new().await;
    let signer = site.signer().await;
    let path = format!("/api/v1/clusters/hq/anchors/{signer}");
    site.api.delete(&path).await.refused(409, "anchor-signs");
    site.post(&format!("/anchors/{signer}/roles"), json!({"roles": ["tftp"]}))
        .await
        .refused(409, "anchor-signs");
    site.post(&format!("/anchors/{signer}/roles"), json!({"roles": ["sast", "tftp"]})).await.done(200);
    // Who has no key here cannot sign.
    let other = site.add(&foreign("cucm-pub"), &["sast"]).await;
    let reply = site.post("/settings", json!({"signer": other})).await;
    assert_eq!(reply.refused(409, "signer-key-elsewhere"), Some("/signer".to_owned()));
}

#[tokio::test]
async fn settings_are_checked_and_a_cluster_goes_with_its_anchors() {
    let site = Site::new().await;
    let rows = [
        (json!({"mode": "open"}), "invalid-mode", "/mode"),
        (json!({"digest": "md5"}), "invalid-digest", "/digest"),
        (json!({"signer": "me"}), "invalid-fingerprint", "/signer"),
        (json!({"signer_version": "2.0"}), "invalid-signer-version", "/signer_version"),
        (json!({"tvs": ["tvs.example.org", "http://x"]}), "invalid-address", "/tvs/1"),
    ];
    for (body, code, pointer) in rows {
        let reply = site.post("/settings", body.clone()).await;
        assert_eq!(reply.refused(422, code), Some(pointer.to_owned()), "{body}");
    }
    let set = json!({"title": "Head office", "mode": "mixed", "signer_version": "1.1", "tvs": ["tvs1:2445", "tvs2"]});
    let changed = site.post("/settings", set).await.done(200);
    assert_eq!((&changed["mode"], &changed["signer_version"]), (&json!("mixed"), &json!("1.1")));
    assert_eq!(changed["tvs"], json!(["tvs1:2445", "tvs2"]));
    assert_eq!(site.post("/settings", json!({"tvs": [""]})).await.done(200)["tvs"], json!([]));

    site.publish().await;
    site.api.delete("/api/v1/clusters/hq").await.done(204);
    site.api.get("/api/v1/clusters/hq").await.refused(404, "not-found");
    site.create("hq").await;
    assert_eq!(site.get("").await["anchors"], 1);
    // Made anew, its lists go on with their numbers: a phone never sees one number twice.
    let again = site.publish().await;
    assert!(
        again.as_array().unwrap().iter().all(|list| list["number"] == 1 || list["number"] == 2),
        "{again}"
    );
}

#[tokio::test]
async fn each_permission_allows_what_it_says() {
    let site = Site::new().await;
    let (auditor, operator) = (site.api.token("a", "auditor").await, site.api.token("o", "operator").await);
    let enroller = site.api.token("e", "enroller").await;
    let add = json!({"certificate": foreign("x"), "roles": ["tvs"]}).to_string();
    let (anchors, releases) = ("/api/v1/clusters/hq/anchors", "/api/v1/clusters/hq/releases");
    site.api.get_as(&enroller, anchors).await.refused(403, "forbidden");
    site.api.get_as(&auditor, anchors).await.done(200);
    for token in [&auditor, &operator] {
        site.api.post_as(token, anchors, &add).await.refused(403, "forbidden");
        site.api.post_as(token, "/api/v1/clusters", r#"{"id":"x"}"#).await.refused(403, "forbidden");
        site.api.post_as(token, releases, r#"{"dry_run":true}"#).await.done(200);
        let export = r#"{"passphrase":"correct horse battery"}"#;
        site.api
            .post_as(token, "/api/v1/recovery-signers/current/export", export)
            .await
            .refused(403, "forbidden");
    }
    site.api.post_as(&auditor, releases, "{}").await.refused(403, "forbidden");
    site.api.post_as(&operator, releases, "{}").await.done(200);
}

#[tokio::test]
async fn an_expired_anchor_is_told_when_it_would_be_published() {
    let site = Site::new().await;
    site.publish().await;
    site.api.clock().advance(21 * YEAR);
    // Tokens ended long ago, too.
    let admin = site.api.token("later", "administrator").await;
    let reply =
        site.api.post_as(&admin, "/api/v1/clusters/hq/releases", r#"{"dry_run":true}"#).await.done(200);
    let codes = super::fixture::codes(&reply["items"][0]);
    assert!(codes.contains(&"anchor-expired".to_owned()), "{codes:?}");
}
