//! Devices a thousand at a time: in one durable write, each row on its own.

use serde_json::{Value, json};

use super::fixture::{DEVICES, add, found, sep, show};
use crate::api::fixture::Api;

async fn save(api: &Api, items: &[Value], dry_run: bool) -> Value {
    let body = json!({ "items": items, "dry_run": dry_run });
    api.post(&format!("{DEVICES}/batch"), &body.to_string()).await.done(200)
}

fn counts(report: &Value) -> [u64; 4] {
    ["created", "updated", "unchanged", "refused"].map(|name| report[name].as_u64().unwrap())
}

#[tokio::test]
async fn rows_are_added_and_changed_and_the_same_again_changes_nothing() {
    let api = Api::bare().await;
    add(&api, json!({ "name": sep(1), "model": "8845" })).await;
    let rows = [
        json!({ "name": sep(1), "region": "EMEA" }),
        json!({ "name": sep(2), "model": "9841", "operation": "install", "string": "1234" }),
        json!({ "name": "gw-berlin-7", "operation": "fetch", "authentication": "existing-mic" }),
    ];
    let rehearsal = save(&api, &rows, true).await;
    assert_eq!((counts(&rehearsal), &rehearsal["dry_run"]), ([2, 1, 0, 0], &json!(true)));
    assert_eq!(found(&api, "").await, [sep(1)]);

    assert_eq!(counts(&save(&api, &rows, false).await), [2, 1, 0, 0]);
    assert_eq!(show(&api, &sep(1)).await["model"], "8845");
    assert_eq!(show(&api, &sep(1)).await["region"], "EMEA");
    let pending = show(&api, &sep(2)).await;
    assert_eq!(counts(&save(&api, &rows, false).await), [0, 0, 3, 0]);
    assert_eq!(show(&api, &sep(2)).await, pending);
}

#[tokio::test]
async fn a_row_that_is_refused_stops_no_other_and_is_told_with_its_field() {
    let api = Api::bare().await;
    let rows = [
        json!({ "name": "SEP 1" }),
        json!({ "name": sep(1) }),
        json!({ "name": sep(2), "operation": "install", "authentication": "string" }),
        json!({ "name": sep(1).to_lowercase() }),
        json!({ "name": sep(3), "profile": "No such profile" }),
        json!({ "name": sep(4), "model": "\u{202e}8845" }),
        json!({ "model": "8845" }),
    ];
    let report = save(&api, &rows, false).await;
    assert_eq!(counts(&report), [1, 0, 0, 6]);
    let faults = report["faults"].as_array().unwrap().iter();
    let told: Vec<_> = faults
        .map(|f| (f["item"].as_u64().unwrap(), f["field"].as_str().unwrap(), f["code"].as_str().unwrap()))
        .collect();
    let expected = [
        (0, "name", "invalid-device-name"),
        (2, "string", "missing-field"),
        (3, "name", "duplicate-name"),
        (4, "profile", "invalid-name"),
        (5, "model", "confusable-name"),
        (6, "name", "missing-field"),
    ];
    assert_eq!(told, expected);
    assert_eq!(found(&api, "").await, [sep(1)]);
}

#[tokio::test]
async fn generated_strings_are_each_devices_own_and_shown_once() {
    let api = Api::bare().await;
    let row = |n| json!({ "name": sep(n), "operation": "install", "string": "generate" });
    let rows: Vec<Value> = (0..20).map(row).collect();
    let rehearsal = save(&api, &rows, true).await;
    assert_eq!(rehearsal.get("strings"), None, "a string that is not kept is not shown");
    let made = save(&api, &rows, false).await;
    let strings: std::collections::BTreeSet<&str> =
        made["strings"].as_array().unwrap().iter().map(|s| s["string"].as_str().unwrap()).collect();
    assert!(strings.len() >= 19, "{strings:?}");
    let listed = api.get(DEVICES).await;
    assert!(strings.iter().all(|string| !listed.text().contains(string)));
}

/// What several send at once is there once.
#[tokio::test]
async fn batches_that_meet_add_each_device_once() {
    let api = Api::bare().await;
    let rows: Vec<Value> = (0..50).map(|n| json!({ "name": sep(n), "model": "8845" })).collect();
    let one = || save(&api, &rows, false);
    let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
    let reports = [a, b, c, d];
    let sum = |place: usize| reports.iter().map(|report| counts(report)[place]).sum::<u64>();
    assert_eq!([sum(0), sum(1), sum(2), sum(3)], [50, 0, 150, 0]);
    assert_eq!(found(&api, "").await.len(), 50);
}

#[tokio::test]
async fn a_batch_has_bounds_and_a_form() {
    let api = Api::bare().await;
    let path = format!("{DEVICES}/batch");
    let many: Vec<Value> = (0..1001).map(|n| json!({ "name": sep(n) })).collect();
    let refused = api.post(&path, &json!({ "items": many }).to_string()).await;
    refused.refused(422, "too-many-items");
    api.post(&path, r#"{"items":[]}"#).await.refused(422, "missing-field");
    api.post(&path, r#"{"items":[{"name":"GW1","vlan":7}]}"#).await.refused(400, "unknown-field");
    let mistyped = api.post(&path, r#"{"items":[{"name":7}]}"#).await;
    assert_eq!(mistyped.refused(400, "type-mismatch").as_deref(), Some("/items/0/name"));
    assert_eq!(counts(&save(&api, &many[..1000], false).await), [1000, 0, 0, 0]);
    let log = api.get("/api/v1/audit?action=device.import").await.done(200);
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    assert_eq!(log["items"][0]["details"]["created"], "1000");
}
