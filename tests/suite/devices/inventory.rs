//! Devices added, changed and deleted.

use serde_json::{Value, json};

use super::fixture::{DEVICES, add, found, patch, show};
use crate::api::fixture::Api;

#[tokio::test]
async fn a_device_is_added_shown_changed_and_deleted() {
    let api = Api::bare().await;
    let body = json!({ "name": "sep001122334455", "model": "8845", "region": "EMEA" });
    let reply = api.post(DEVICES, &body.to_string()).await;
    assert_eq!(reply.header("location"), Some("/api/v1/devices/SEP001122334455"));
    let device = reply.done(201)["device"].clone();
    assert_eq!((&device["name"], &device["state"]), (&json!("SEP001122334455"), &json!("none")));
    assert_eq!(device["profile"], "capf-lsc");
    assert_eq!(show(&api, "Sep001122334455").await, device);

    let changed = patch(&api, "SEP001122334455", json!({ "model": "8851", "region": "" })).await.done(200);
    assert_eq!(changed["device"]["model"], "8851");
    assert_eq!(changed["device"]["region"], Value::Null);
    assert_eq!(found(&api, "region=emea").await, Vec::<String>::new());
    assert_eq!(found(&api, "model=8851").await, ["SEP001122334455"]);

    api.delete(&format!("{DEVICES}/SEP001122334455")).await.done(204);
    api.delete(&format!("{DEVICES}/SEP001122334455")).await.refused(404, "not-found");
    assert_eq!(found(&api, "").await, Vec::<String>::new());
}

/// CAPF-25.
#[tokio::test]
async fn names_that_differ_by_case_alone_are_one_device() {
    let api = Api::bare().await;
    add(&api, json!({ "name": "SEP0011223344AA" })).await;
    let again = api.post(DEVICES, r#"{"name":"sep0011223344aa"}"#).await;
    assert_eq!(again.refused(409, "device-exists").as_deref(), Some("/name"));
    add(&api, json!({ "name": "CSFjdoe" })).await;
    api.post(DEVICES, r#"{"name":"csfJDoe"}"#).await.refused(409, "device-exists");
    assert_eq!(show(&api, "CSFJDOE").await["name"], "CSFjdoe");
}

#[tokio::test]
async fn each_fault_is_told_at_its_field() {
    let api = Api::bare().await;
    let long = "x".repeat(65);
    let cases = [
        (json!({}), "missing-field", "/name"),
        (json!({ "name": "SEP 1" }), "invalid-device-name", "/name"),
        (json!({ "name": "SEPx\u{0}admin" }), "control-character", "/name"),
        (json!({ "name": "GW1", "model": long }), "too-long", "/model"),
        (json!({ "name": "GW1", "profile": "no-such" }), "invalid-profile", "/profile"),
        (json!({ "name": "GW1", "profile": "signet-tls" }), "invalid-profile", "/profile"),
        (json!({ "name": "GW1", "operation": "explode" }), "invalid-operation", "/operation"),
        (json!({ "name": "GW1", "key": "rsa-2048" }), "missing-field", "/operation"),
        (json!({ "name": "GW1", "operation": "install", "key": "rsa-512" }), "invalid-key-order", "/key"),
        (
            json!({ "name": "GW1", "operation": "install", "authentication": "string" }),
            "missing-field",
            "/string",
        ),
        (
            json!({ "name": "GW1", "operation": "install", "string": "12a4" }),
            "invalid-authentication-string",
            "/string",
        ),
        (
            json!({ "name": "GW1", "operation": "install", "string": "1234", "authentication": "existing-mic" }),
            "invalid-authentication-string",
            "/string",
        ),
        (
            json!({ "name": "GW1", "operation": "install", "deadline": "2001-01-01T00:00:00Z" }),
            "out-of-range",
            "/deadline",
        ),
        (json!({ "name": "GW1", "operation": "install", "deadline": "soon" }), "invalid-time", "/deadline"),
        (
            json!({ "name": "GW1", "operation": "install", "authentication": "null-string" }),
            "null-string-not-allowed",
            "/authentication",
        ),
    ];
    for (body, code, pointer) in cases {
        let reply = api.post(DEVICES, &body.to_string()).await;
        assert_eq!(reply.refused(422, code).as_deref(), Some(pointer), "{body}");
    }
    api.post(DEVICES, r#"{"name":"GW1","color":"red"}"#).await.refused(400, "unknown-field");
    assert_eq!(found(&api, "").await, Vec::<String>::new());
    patch(&api, "GW1", json!({ "model": "x" })).await.refused(404, "not-found");
    add(&api, json!({ "name": "GW1" })).await;
    patch(&api, "GW1", json!({ "name": "GW2" })).await.refused(422, "invalid-device-name");
}

#[tokio::test]
async fn an_auditor_sees_devices_and_changes_none() {
    let api = Api::bare().await;
    add(&api, json!({ "name": "GW1" })).await;
    let (auditor, enroller) = (api.token("a", "auditor").await, api.token("e", "enroller").await);
    api.get_as(&auditor, &format!("{DEVICES}/GW1")).await.done(200);
    api.get_as(&auditor, &format!("{DEVICES}/GW1/history")).await.done(200);
    api.post_as(&auditor, DEVICES, r#"{"name":"GW2"}"#).await.refused(403, "forbidden");
    for path in ["batch", "operations", "GW1/operation", "GW1/unlock"] {
        api.post_as(&auditor, &format!("{DEVICES}/{path}"), "{}").await.refused(403, "forbidden");
    }
    api.get_as(&enroller, DEVICES).await.refused(403, "forbidden");
}

#[tokio::test]
async fn the_audit_log_says_who_did_what_with_a_device() {
    let api = Api::bare().await;
    add(&api, json!({ "name": "GW1", "model": "VG450" })).await;
    patch(&api, "GW1", json!({ "operation": "install", "string": "48151623" })).await.done(200);
    api.delete(&format!("{DEVICES}/GW1")).await.done(204);
    let log = api.get("/api/v1/audit?subject=device:GW1").await;
    assert!(!log.text().contains("48151623"));
    let log = log.done(200);
    let entries = log["items"].as_array().unwrap().iter();
    let said: Vec<_> =
        entries.map(|e| (e["action"].as_str().unwrap(), e["actor"].as_str().unwrap())).collect();
    let by = "operator admin";
    assert_eq!(
        said,
        [("device.remove", by), ("device.schedule", by), ("device.change", by), ("device.add", by)]
    );
}
