//! CAs over the API: seen, made, signed, and their keys taken away.

use signet::x509::cert::Certificate;

use super::fixture::Api;

const CAS: &str = "/api/v1/cas";

#[tokio::test]
async fn cas_are_listed_issuing_first_and_shown_with_their_chain() {
    let api = Api::new().await;
    let list = api.get(CAS).await.done(200);
    let ids: Vec<_> = list["items"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["ec-issuing", "ec-root"]);
    assert!(list["next"].is_null());
    let ca = api.get("/api/v1/cas/ec-issuing").await.done(200);
    assert_eq!((&ca["role"], &ca["parent"]), (&"issuing".into(), &"ec-root".into()));
    assert_eq!((&ca["key"], &ca["state"]), (&"present".into(), &"active".into()));
    assert!(ca["crl"]["number"].is_u64(), "{ca}");
    let chain = api.get("/api/v1/cas/ec-issuing/chain").await;
    assert_eq!(chain.text().matches("BEGIN CERTIFICATE").count(), 2);
    assert!(chain.text().starts_with(ca["pem"].as_str().unwrap()), "the issuing CA stands first");
    api.get("/api/v1/cas/nobody").await.refused(404, "not-found");
}

#[tokio::test]
async fn a_ca_is_made_once_however_often_it_is_asked_for_under_one_key() {
    let api = Api::new().await;
    let body =
        r#"{"id":"site-issuing","role":"issuing","parent":"ec-root","algorithm":"p-256","external":false}"#;
    let first = api.post_once("ca-1", CAS, body).await;
    assert_eq!(first.header("location"), Some("/api/v1/cas/site-issuing"));
    let again = api.post_once("ca-1", CAS, body).await;
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.done(201), first.done(201));
    api.post_once("ca-1", CAS, r#"{"id":"b","role":"root","algorithm":"p-256"}"#)
        .await
        .refused(422, "idempotency-mismatch");
    assert_eq!(api.post(CAS, body).await.status.as_u16(), 409);
}

#[tokio::test]
async fn role_parent_and_external_go_together() {
    let api = Api::bare().await;
    let bad = [
        r#"{"id":"a","role":"root","parent":"ec-root","algorithm":"p-256"}"#,
        r#"{"id":"a","role":"root","external":true,"algorithm":"p-256"}"#,
        r#"{"id":"a","role":"issuing","algorithm":"p-256"}"#,
        r#"{"id":"a","role":"issuing","parent":"b","external":true,"algorithm":"p-256"}"#,
    ];
    for body in bad {
        api.post(CAS, body).await.refused(422, "invalid-parent");
    }
    let reply = api.post(CAS, r#"{"id":"a","role":"root","algorithm":"rsa-1024"}"#).await;
    assert_eq!(reply.refused(422, "invalid-key-algorithm").as_deref(), Some("/algorithm"));
    let reply = api.post(CAS, r#"{"id":"a","role":"root","algorithm":"p-256","parent_key_pem":"x"}"#).await;
    assert_eq!(reply.refused(422, "missing-field").as_deref(), Some("/parent_key_passphrase"));
}

#[tokio::test]
async fn a_ca_that_presents_itself_is_an_issuing_one_of_ours() {
    let api = Api::new().await;
    for body in [
        r#"{"id":"a","role":"root","algorithm":"p-256","serves_tls":true}"#,
        r#"{"id":"a","role":"issuing","external":true,"algorithm":"p-256","serves_tls":true}"#,
    ] {
        let refused = api.post(CAS, body).await.refused(422, "invalid-key-usage");
        assert_eq!(refused.as_deref(), Some("/serves_tls"));
    }
    let body = r#"{"id":"a","role":"issuing","parent":"ec-root","algorithm":"p-256","serves_tls":true}"#;
    let made = api.post(CAS, body).await.done(201);
    let certificate = Certificate::read(made["pem"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(certificate.key_usage(), Some(1 | 1 << 5 | 1 << 6), "digitalSignature, keyCertSign, cRLSign");
}

#[tokio::test]
async fn an_external_ca_gives_its_request_and_waits() {
    let api = Api::bare().await;
    let body = r#"{"id":"ext-issuing","role":"issuing","algorithm":"p-256","external":true,"subject":"CN=Ext,O=Acme"}"#;
    let made = api.post(CAS, body).await.done(201);
    assert_eq!(made["state"], "awaiting-certificate");
    assert!(made["request_pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
    let chain = serde_json::json!({ "chain_pem": "nothing" }).to_string();
    let reply = api.post("/api/v1/cas/ext-issuing/certificate", &chain).await;
    assert_eq!(reply.status.as_u16(), 422, "{}", reply.text());
}

#[tokio::test]
async fn a_roots_key_is_exported_removed_and_brought_back_to_sign() {
    let api = Api::new().await;
    let passphrase = r#"{"passphrase":"correct horse battery"}"#;
    api.post("/api/v1/cas/ec-root/key/export", r#"{"passphrase":"short"}"#).await.refused(422, "too-short");
    let exported = api.post("/api/v1/cas/ec-root/key/export", passphrase).await.done(200);
    let pem = exported["pem"].as_str().unwrap();
    assert!(pem.contains("ENCRYPTED PRIVATE KEY"));
    let before = api.get("/api/v1/cas/ec-root").await.done(200)["crl"]["number"].as_u64().unwrap();
    api.delete("/api/v1/cas/ec-root/key").await.done(204);
    assert_eq!(api.get("/api/v1/cas/ec-root").await.done(200)["key"], "removed");
    assert_eq!(api.post("/api/v1/cas/ec-root/crl", "{}").await.status.as_u16(), 409);

    let wrong = serde_json::json!({ "key_pem": pem, "passphrase": "another passphrase" }).to_string();
    let reply = api.post("/api/v1/cas/ec-root/crl", &wrong).await;
    assert_eq!(reply.refused(422, "wrong-passphrase").as_deref(), Some("/key_pem"));
    let right = serde_json::json!({ "key_pem": pem, "passphrase": "correct horse battery" }).to_string();
    let crl = api.post("/api/v1/cas/ec-root/crl", &right).await.done(200);
    assert_eq!(crl["number"].as_u64().unwrap(), before + 1);

    let new = serde_json::json!({
        "id": "second-issuing", "role": "issuing", "parent": "ec-root", "algorithm": "p-256",
        "parent_key_pem": pem, "parent_key_passphrase": "correct horse battery",
    });
    assert_eq!(api.post(CAS, &new.to_string()).await.done(201)["parent"], "ec-root");
    let reply = api.delete("/api/v1/cas/ec-issuing/key").await;
    assert_eq!(reply.status.as_u16(), 403, "an issuing CA keeps its key: {}", reply.text());
}

#[tokio::test]
async fn cas_are_managed_by_those_who_may() {
    let api = Api::new().await;
    let operator = api.token("op", "operator").await;
    api.get_as(&operator, CAS).await.done(200);
    for (path, body) in [
        ("/api/v1/cas", "{}"),
        ("/api/v1/cas/ec-root/key/export", "{}"),
        ("/api/v1/cas/ec-root/crl", ""),
        ("/api/v1/cas/import", "{}"),
        ("/api/v1/cas/import/a/certificates", "{}"),
        ("/api/v1/cas/import/a/revocations", "{}"),
        ("/api/v1/cas/import/a/activate", ""),
    ] {
        api.post_as(&operator, path, body).await.refused(403, "forbidden");
    }
}

#[tokio::test]
async fn a_ca_is_made_to_its_end_though_the_client_goes_away() {
    let api = Api::new().await;
    let body = r#"{"id":"left-alone","role":"issuing","parent":"ec-root","algorithm":"p-256"}"#;
    let authority = &api.state.desk.authority;
    let has_key = || authority.keys.list().unwrap().iter().any(|key| key.as_str().contains("left-alone"));
    let mut asked = Box::pin(api.post("/api/v1/cas", body));
    while !has_key() {
        tokio::select! {
            biased;
            reply = &mut asked => assert_eq!(reply.status, 201, "{}", reply.text()),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(asked);
    let start = std::time::Instant::now();
    while authority.hierarchy().require(&"left-alone".parse().unwrap()).is_err() {
        assert!(start.elapsed() < std::time::Duration::from_secs(30), "a key without its CA");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_steps_of_an_import_say_what_is_wrong_with_their_bodies() {
    let api = Api::new().await;
    let import = "/api/v1/cas/import";
    let new = r#"{"id":"old","key_pem":"KEY","chain_pem":"CHAIN"}"#;
    for (body, status, code, pointer) in [
        (r#"{"key_pem":"a","chain_pem":"b"}"#, 422, "missing-field", "/id"),
        (r#"{"id":"old"}"#, 422, "missing-field", "/key_pem"),
        (r#"{"id":"old","key_pem":"a"}"#, 422, "missing-field", "/chain_pem"),
        (r#"{"id":"old","key_pem":"a","pkcs12":"b","chain_pem":"c"}"#, 422, "invalid-field", "/pkcs12"),
        (r#"{"id":"old","pkcs12":"*"}"#, 422, "bad-pem", "/pkcs12"),
        (r#"{"id":"old","pkcs12":"AAAA"}"#, 422, "bad-pkcs12", "/pkcs12"),
        (r#"{"id":"old","key_pem":"a","chain_pem":"b","role":"boss"}"#, 422, "invalid-role", "/role"),
        (new, 422, "bad-key", "/key_pem"),
    ] {
        let reply = api.post(import, body).await;
        assert_eq!(reply.refused(status, code).as_deref(), Some(pointer), "{body}");
    }
    let batch = format!("{import}/ec-issuing/revocations");
    for (body, code, pointer) in [
        (r#"{"revocations":[{"at":"2026-01-01T00:00:00Z"}]}"#, "missing-field", "/revocations/0/serial"),
        (
            r#"{"revocations":[{"serial":"0x1","at":"2026-01-01T00:00:00Z"}]}"#,
            "invalid-serial",
            "/revocations/0/serial",
        ),
        (r#"{"revocations":[{"serial":"01","at":"soon"}]}"#, "invalid-time", "/revocations/0/at"),
        (
            r#"{"revocations":[{"serial":"01","at":"2026-01-01T00:00:00Z","reason":"mood"}]}"#,
            "invalid-reason",
            "/revocations/0/reason",
        ),
    ] {
        assert_eq!(api.post(&batch, body).await.refused(422, code).as_deref(), Some(pointer), "{body}");
    }
    let one = r#"{"revocations":[{"serial":"01","at":"2026-01-01T00:00:00Z"}]}"#;
    api.post(&batch, one).await.refused(404, "not-found");
    let many = format!(r#"{{"revocations":[{}]}}"#, vec!["{}"; 401].join(","));
    api.post(&batch, &many).await.refused(422, "too-many-items");
    api.post(&format!("{import}/ec-issuing/activate"), "").await.refused(404, "not-found");
    api.post(&format!("{import}/a/activate"), r#"{"last_crl_number":-1}"#).await.refused(422, "out-of-range");
}

#[tokio::test]
async fn how_a_ca_makes_its_crls_is_set_and_shown() {
    let api = Api::new().await;
    let path = "/api/v1/cas/ec-issuing/settings";
    let shown = api.get("/api/v1/cas/ec-issuing").await.done(200);
    let settings = |shards, window, delta| serde_json::json!({"shards": shards, "window_hours": window, "delta_hours": delta});
    assert_eq!(shown["crl_settings"], settings(1, 168, 0));
    assert_eq!((&shown["crl_state"], shown["crls"].is_null()), (&"current".into(), true));
    let body = r#"{"crl_shards":2,"crl_window_hours":48,"crl_delta_hours":6}"#;
    let set = api.post_once("set-1", path, body).await.done(200);
    assert_eq!(set["crl_settings"], settings(2, 48, 6));
    let crls = set["crls"].as_array().unwrap();
    assert_eq!(crls.len(), 3);
    for (shard, crl) in crls.iter().enumerate() {
        assert_eq!((&crl["shard"], &crl["entries"]), (&shard.into(), &0.into()));
        assert!(crl["bytes"].as_u64().unwrap() > 200 && crl["delta"]["base"].is_u64(), "{crl}");
    }
    assert!(crls[2]["url"].as_str().unwrap().ends_with("/crl/ec-issuing/2.crl"));
    assert_eq!(api.post(path, r#"{"crl_shards":1}"#).await.done(200)["crl_settings"], settings(1, 48, 6));

    let bad = api.post(path, r#"{"crl_shards":4097}"#).await;
    assert_eq!(bad.refused(422, "crl-settings").as_deref(), Some("/crl_shards"));
    let bad = api.post(path, r#"{"crl_delta_hours":48}"#).await;
    assert_eq!(bad.refused(422, "crl-settings").as_deref(), Some("/crl_delta_hours"));
    api.post(path, r#"{"crl_window_hours":-1}"#).await.refused(422, "out-of-range");
    api.post(path, r#"{"crl_shard":1}"#).await.refused(400, "unknown-field");
    api.post("/api/v1/cas/nobody/settings", "{}").await.refused(404, "not-found");
    let reader = api.token("reader", "auditor").await;
    api.post_as(&reader, path, "{}").await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_crl_that_is_late_is_seen_in_the_list_and_in_health() {
    let api = Api::new().await;
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    let state = async || api.get(CAS).await.done(200)["items"][0]["crl_state"].clone();
    let health = async || api.get("/api/v1/health").await.done(200);
    assert_eq!(state().await, "current");
    api.clock().advance(day * 6);
    assert_eq!(state().await, "late");
    assert!(health().await.to_string().contains("the CRL of ec-issuing is late"));
    api.clock().advance(day * 2);
    assert_eq!(state().await, "out-of-date");
    let said = health().await;
    assert_eq!(said["status"], "degraded");
    assert!(said.to_string().contains("the CRL of ec-issuing is out of date since"), "{said}");
}
