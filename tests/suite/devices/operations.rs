//! What is to be done with a device: set, shown, late, taken back; its string is shown once.

use std::time::Duration;

use serde_json::{Value, json};
use signet::device::string::Strings;

use super::fixture::{DEVICES, add, found, phones, set, show, stored};
use crate::api::fixture::Api;

const PHONE: &str = "SEP001122334455";

fn strings(api: &Api) -> Strings {
    Strings::of(&*api.state.desk.authority.keys).unwrap()
}

#[tokio::test]
async fn a_generated_string_is_shown_once_and_kept_as_a_mac() {
    let api = Api::bare().await;
    add(&api, json!({ "name": PHONE })).await;
    let body = json!({ "operation": "install", "string": "generate", "key": "p-384/rsa-2048" });
    let made = set(&api, PHONE, body).await.done(200);
    let string = made["string"].as_str().unwrap().to_owned();
    assert!(string.len() == 8 && string.bytes().all(|b| b.is_ascii_digit()), "{string}");
    let operation = &made["device"]["operation"];
    assert_eq!(operation["authentication"], "string");
    assert_eq!(operation["key"], "p-384/rsa-2048");
    for path in [
        format!("{DEVICES}/{PHONE}"),
        DEVICES.into(),
        format!("{DEVICES}/{PHONE}/history"),
        "/api/v1/audit".into(),
    ] {
        assert!(!api.get(&path).await.text().contains(&string), "{path}");
    }
    let device = stored(&api, PHONE).await.value;
    assert!(!format!("{device:?}").contains(&string));
    assert!(strings(&api).is_right(Some(&device), &string));
    let other = if string == "00000000" { "00000001" } else { "00000000" };
    assert!(!strings(&api).is_right(Some(&device), other));
    assert!(!strings(&api).is_right(None, &string));
}

/// CAPF-32: what was one device's, for one operation, is good for no other.
#[tokio::test]
async fn a_string_is_good_for_its_device_and_its_operation_alone() {
    let api = Api::bare().await;
    for name in [PHONE, "SEP000000000001"] {
        add(&api, json!({ "name": name, "operation": "install", "string": "1234" })).await;
    }
    let one = stored(&api, PHONE).await.value;
    let mut other = stored(&api, "SEP000000000001").await.value;
    assert!(strings(&api).is_right(Some(&one), "1234") && strings(&api).is_right(Some(&other), "1234"));
    other.operation = one.operation;
    assert!(!strings(&api).is_right(Some(&other), "1234"));
    set(&api, PHONE, json!({ "operation": "delete", "authentication": "existing-lsc" })).await.done(200);
    assert!(!strings(&api).is_right(Some(&stored(&api, PHONE).await.value), "1234"));
}

#[tokio::test]
async fn what_waits_already_is_left_as_it_is() {
    let api = Api::bare().await;
    add(&api, json!({ "name": PHONE, "operation": "upgrade", "string": "123456" })).await;
    let before = show(&api, PHONE).await;
    for again in [
        json!({ "operation": "install", "string": "123456" }),
        json!({ "operation": "install", "authentication": "string" }),
    ] {
        assert_eq!(set(&api, PHONE, again).await.done(200)["device"], before);
    }
    let other = set(&api, PHONE, json!({ "operation": "install", "string": "654321" })).await.done(200);
    assert_ne!(other["device"]["operation"]["id"], before["operation"]["id"]);
}

#[tokio::test]
async fn an_operation_whose_deadline_has_passed_is_late() {
    let api = Api::bare().await;
    add(&api, json!({ "name": PHONE, "operation": "install", "deadline": "2h" })).await;
    add(&api, json!({ "name": "SEP000000000001", "operation": "fetch" })).await;
    assert_eq!(show(&api, PHONE).await["state"], "pending");
    assert_eq!(found(&api, "state=pending").await, [PHONE, "SEP000000000001"]);
    api.clock().advance(Duration::from_hours(3));
    let late = show(&api, PHONE).await;
    assert_eq!((&late["state"], &late["reason"]), (&json!("late"), &json!("user-initiated-request-late")));
    assert_eq!(found(&api, "state=late").await, [PHONE]);
    assert_eq!(found(&api, "state=pending").await, ["SEP000000000001"]);
    assert_eq!(found(&api, "reason=user-initiated-request-late").await, [PHONE]);
}

#[tokio::test]
async fn a_deadline_is_moved_and_the_string_stays() {
    let api = Api::bare().await;
    add(&api, json!({ "name": PHONE, "operation": "install", "string": "1234", "deadline": "1h" })).await;
    api.clock().advance(Duration::from_hours(2));
    assert_eq!(show(&api, PHONE).await["state"], "late");
    let more = json!({ "operation": "install", "authentication": "string", "deadline": "1h" });
    assert_eq!(set(&api, PHONE, more).await.done(200)["device"]["state"], "pending");
    assert!(strings(&api).is_right(Some(&stored(&api, PHONE).await.value), "1234"));
    let other = json!({ "operation": "install", "authentication": "string", "key": "p-256" });
    set(&api, PHONE, other).await.refused(422, "missing-field");
}

#[tokio::test]
async fn what_is_pending_is_taken_back() {
    let api = Api::bare().await;
    add(&api, json!({ "name": PHONE, "operation": "install" })).await;
    let path = format!("{DEVICES}/{PHONE}/operation");
    let cleared = api.delete(&path).await.done(200);
    assert_eq!((&cleared["state"], &cleared["operation"]), (&json!("none"), &Value::Null));
    api.delete(&path).await.done(200);
    assert_eq!(found(&api, "state=none").await, [PHONE]);
    let history = api.get(&format!("{DEVICES}/{PHONE}/history")).await.done(200);
    let steps: Vec<_> =
        history["items"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["cleared", "set"]);
    assert_eq!(history["items"][0]["operation"], history["items"][1]["operation"]);
    set(&api, PHONE, json!({})).await.refused(422, "missing-field");
    set(&api, PHONE, json!({ "model": "8845" })).await.refused(400, "unknown-field");
}

/// CAPF-35.
#[tokio::test]
async fn no_proof_is_asked_for_only_where_the_profile_says_so() {
    let api = Api::bare().await;
    add(&api, json!({ "name": PHONE })).await;
    let body = json!({ "operation": "install", "authentication": "null-string" });
    let refused = set(&api, PHONE, body.clone()).await;
    assert_eq!(refused.refused(422, "null-string-not-allowed").as_deref(), Some("/authentication"));
    api.state.desk.profiles.swap(phones(&[("null_string = false", "null_string = true")]));
    let device = set(&api, PHONE, body).await.done(200);
    assert_eq!(device["device"]["operation"]["authentication"], "null-string");
}

#[tokio::test]
async fn a_key_is_asked_for_only_if_the_profile_allows_it() {
    let api = Api::bare().await;
    add(&api, json!({ "name": PHONE })).await;
    api.state.desk.profiles.swap(phones(&[("\"p-521\"]", "]"), ("\"p-384\", ", "\"p-384\"")]));
    let refused = set(&api, PHONE, json!({ "operation": "install", "key": "p-521/rsa-2048" })).await;
    assert_eq!(refused.refused(422, "invalid-key-order").as_deref(), Some("/key"));
    set(&api, PHONE, json!({ "operation": "install", "key": "p-384/rsa-3072" })).await.done(200);
    // What makes no key does not mind.
    set(&api, PHONE, json!({ "operation": "delete", "key": "p-521" })).await.done(200);
}
