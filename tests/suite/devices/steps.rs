//! What CAPF writes of a device, and what the API tells of it: certificates, trouble, locks, history.

use std::time::Duration;

use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};
use signet::admin::Inspector;
use signet::audit::Actor;
use signet::device::records::Held;
use signet::device::spend;
use signet::enrol::{Application, DeviceProof, Outcome, Proof, Request, enrol};
use signet::server::inspector::StoreInspector;
use signet::x509::cert::Certificate;
use signet::x509::key::PublicKey;
use signet::x509::name::Name;

use super::fixture::{DEVICES, add, comes, found, phones, sep, set, show, stored};
use crate::api::fixture::Api;

const PHONE: &str = "SEP001122334455";

async fn with_phones() -> Api {
    let api = Api::new().await;
    api.state.desk.profiles.swap(phones(&[("ca = \"capf\"", "ca = \"ec-issuing\"")]));
    api
}

/// What CAPF asks for when the device has proven itself.
async fn ask(api: &Api, device: &str, subject: &str) -> signet::error::Result<Certificate> {
    let key = KeyPair::generate().unwrap();
    let request = Request {
        profile: "capf-lsc".parse().unwrap(),
        application: Application::Key {
            public_key: PublicKey::from_spki(&key.subject_public_key_info()).unwrap(),
            subject: Name::parse(&format!("CN={subject}")).unwrap(),
            sans: Vec::new(),
        },
        proof: Proof::Device(Box::new(DeviceProof { device: stored(api, device).await, replaces: None })),
        transaction: None,
        actor: Actor::Client { protocol: "capf".into(), address: "10.0.0.9".into() },
        address: Some("10.0.0.9".parse().unwrap()),
        not_after: None,
        issuer: None,
    };
    match enrol(&api.state.desk, request).await? {
        Outcome::Issued(issued) => Certificate::from_der(&issued.record.der),
        Outcome::Pending(_) => panic!("it waits"),
    }
}

async fn history(api: &Api, device: &str) -> Vec<Value> {
    let page = api.get(&format!("{DEVICES}/{device}/history")).await.done(200);
    page["items"].as_array().unwrap().clone()
}

/// CAPF-53: what was issued is not installed before the device says so.
#[tokio::test]
async fn a_certificate_is_issued_then_installed() {
    let api = with_phones().await;
    add(&api, json!({ "name": PHONE, "operation": "install", "string": "1234" })).await;
    let lsc = ask(&api, PHONE, PHONE).await.unwrap();
    let device = show(&api, PHONE).await;
    assert_eq!((&device["state"], &device["lsc"]), (&json!("issued"), &Value::Null));
    assert_eq!(device["operation"]["issued"], lsc.serial().to_string());
    assert_eq!(device["seen_address"], "10.0.0.9");
    assert_eq!(found(&api, "state=issued").await, [PHONE]);
    assert!(stored(&api, PHONE).await.value.operation.unwrap().string.is_some(), "it may come again for it");

    comes(&api, PHONE, |change| change.installed(Held::of(&lsc).unwrap())).await;
    let device = show(&api, PHONE).await;
    assert_eq!(device["state"], "installed");
    assert_eq!(device["lsc"]["serial"], lsc.serial().to_string());
    assert_eq!(device["lsc"]["key"], "p-256");
    assert_eq!(device["operation"]["issued"], Value::Null);
    assert!(stored(&api, PHONE).await.value.operation.unwrap().string.is_none());
    let linked = api.get(&format!("/api/v1/certificates/{}", lsc.serial())).await.done(200);
    assert_eq!(linked["device"], PHONE);
    let steps = history(&api, PHONE).await;
    let told: Vec<_> =
        steps.iter().map(|s| (s["step"].as_str().unwrap(), s["by"].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [("installed", "capf 10.0.0.9"), ("issued", "capf 10.0.0.9"), ("set", "operator admin")]
    );
    assert_eq!(steps[0]["serial"], lsc.serial().to_string());
}

#[tokio::test]
async fn nothing_is_issued_without_an_operation_that_is_open() {
    let api = with_phones().await;
    add(&api, json!({ "name": PHONE })).await;
    let refused = async || ask(&api, PHONE, PHONE).await.unwrap_err().code();
    assert_eq!(refused().await, "operation-refused");
    set(&api, PHONE, json!({ "operation": "delete" })).await.done(200);
    assert_eq!(refused().await, "operation-refused");
    set(&api, PHONE, json!({ "operation": "install", "deadline": "1h" })).await.done(200);
    assert_eq!(ask(&api, PHONE, "SEP0000000000FF").await.unwrap_err().code(), "operation-refused");
    api.clock().advance(Duration::from_hours(2));
    assert_eq!(refused().await, "operation-refused");
    assert_eq!(history(&api, PHONE).await.len(), 2, "only what was set");
}

/// CAPF-29, CAPF-30: counted, locked each time twice as long, and good again when an operator says so.
#[tokio::test]
async fn wrong_strings_are_counted_and_lock_the_device() {
    let api = Api::bare().await;
    add(&api, json!({ "name": PHONE, "operation": "install", "string": "1234" })).await;
    for _ in 0..4 {
        comes(&api, PHONE, |change| change.wrong_string()).await;
    }
    let device = show(&api, PHONE).await;
    assert_eq!((&device["wrong_strings"], &device["locked_until"]), (&json!(4), &Value::Null));
    assert_eq!(
        (&device["state"], &device["reason"]),
        (&json!("pending"), &json!("invalid-authentication-string"))
    );
    let mut locks = Vec::new();
    for _ in 0..13 {
        let now = api.clock().now();
        let until = comes(&api, PHONE, |change| change.wrong_string()).await.locked(now).unwrap();
        locks.push(until.since(now).as_secs() / 60);
    }
    assert_eq!(locks, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440]);
    assert_eq!(found(&api, "locked=true").await, [PHONE]);
    let log = api.get(&format!("/api/v1/audit?subject=device:{PHONE}")).await.done(200);
    assert_eq!(
        (&log["items"][0]["action"], &log["items"][0]["outcome"]),
        (&json!("device.lock"), &json!("warning"))
    );

    let open = api.post(&format!("{DEVICES}/{PHONE}/unlock"), "{}").await.done(200);
    assert_eq!((&open["locked_until"], &open["wrong_strings"]), (&Value::Null, &json!(0)));
    assert_eq!(open["state"], "pending");
    assert_eq!(found(&api, "locked=true").await, Vec::<String>::new());
    let steps = history(&api, PHONE).await.len();
    api.post(&format!("{DEVICES}/{PHONE}/unlock"), "{}").await.done(200);
    assert_eq!(history(&api, PHONE).await.len(), steps, "what is open is not unlocked");
    api.post(&format!("{DEVICES}/SEPFFFFFFFFFFFF/unlock"), "{}").await.refused(404, "not-found");
}

/// CAPF-46, CAPF-52: the operation stays pending, and the trouble is shown.
#[tokio::test]
async fn trouble_is_shown_while_the_operation_waits_and_failure_ends_it() {
    let api = Api::bare().await;
    add(&api, json!({ "name": PHONE, "operation": "install", "string": "1234" })).await;
    for _ in 0..3 {
        comes(&api, PHONE, |change| change.troubled("key-generation-timeout".parse().unwrap())).await;
    }
    let device = show(&api, PHONE).await;
    assert_eq!((&device["state"], &device["reason"]), (&json!("pending"), &json!("key-generation-timeout")));
    assert_eq!(device["operation"]["failures"], 3);
    assert_eq!(history(&api, PHONE).await.len(), 2, "the same trouble again is counted, not told again");
    comes(&api, PHONE, |change| change.failed("ca-rejected-connection".parse().unwrap())).await;
    let device = show(&api, PHONE).await;
    assert_eq!((&device["state"], &device["reason"]), (&json!("failed"), &json!("ca-rejected-connection")));
    assert_eq!(found(&api, "state=failed").await, [PHONE]);
    assert!(stored(&api, PHONE).await.value.operation.unwrap().string.is_none());
}

#[tokio::test]
async fn the_last_fifty_steps_are_kept() {
    let api = Api::bare().await;
    add(&api, json!({ "name": PHONE })).await;
    for n in 0..60 {
        let string = format!("{n:04}");
        set(&api, PHONE, json!({ "operation": "install", "string": string })).await.done(200);
    }
    assert_eq!(history(&api, PHONE).await.len(), 50);
    api.delete(&format!("{DEVICES}/{PHONE}")).await.done(204);
    add(&api, json!({ "name": PHONE })).await;
    assert_eq!(history(&api, PHONE).await.len(), 0);
}

/// To be seen again from the same address is no reason to write.
#[tokio::test]
async fn a_device_that_comes_often_is_not_written_each_time() {
    let api = Api::bare().await;
    add(&api, json!({ "name": PHONE })).await;
    let needed = async |address: &str| {
        let device = stored(&api, PHONE).await;
        let change = signet::device::Change::of(device, Actor::System, api.clock().now());
        change.seen(address.parse().unwrap()).is_needed()
    };
    assert!(needed("10.0.0.9").await);
    comes(&api, PHONE, |change| change).await;
    api.clock().advance(Duration::from_secs(30));
    assert!(!needed("10.0.0.9").await);
    assert!(needed("10.0.0.8").await);
    api.clock().advance(Duration::from_secs(31));
    assert!(needed("10.0.0.9").await);
}

#[tokio::test]
async fn a_device_is_deleted_and_its_certificate_revoked_only_if_that_is_asked_for() {
    let api = with_phones().await;
    let mut serials = Vec::new();
    for n in 1..3 {
        add(&api, json!({ "name": sep(n), "operation": "install" })).await;
        let lsc = ask(&api, &sep(n), &sep(n)).await.unwrap();
        comes(&api, &sep(n), |change| change.installed(Held::of(&lsc).unwrap())).await;
        serials.push(lsc.serial().to_string());
    }
    set(&api, &sep(2), json!({ "operation": "install" })).await.done(200);
    let earlier = ask(&api, &sep(2), &sep(2)).await.unwrap().serial().to_string();
    // Another operation takes its place: the device's record names the certificate no more.
    set(&api, &sep(2), json!({ "operation": "install", "key": "p-384" })).await.done(200);
    let unconfirmed = ask(&api, &sep(2), &sep(2)).await.unwrap().serial().to_string();
    set(&api, &sep(2), json!({ "operation": "fetch" })).await.done(200);
    api.delete(&format!("{DEVICES}/{}", sep(1))).await.done(204);
    api.delete(&format!("{DEVICES}/{}?revoke=maybe", sep(2))).await.refused(422, "invalid-flag");
    api.delete(&format!("{DEVICES}/{}?revoke=true", sep(2))).await.done(204);
    let status = async |serial: &str| {
        let shown = api.get(&format!("/api/v1/certificates/{serial}")).await.done(200);
        (shown["status"].as_str().unwrap().to_owned(), shown["reason"].as_str().map(str::to_owned))
    };
    assert_eq!(status(&serials[0]).await, ("good".to_owned(), None));
    let ceased = ("revoked".to_owned(), Some("cessation-of-operation".to_owned()));
    assert_eq!(status(&serials[1]).await, ceased);
    assert_eq!(status(&earlier).await, ceased);
    assert_eq!(status(&unconfirmed).await, ceased);
}

/// A string that was used since the backup would be good once more.
#[tokio::test]
async fn a_restore_ends_what_waits_for_a_string() {
    let api = Api::bare().await;
    add(&api, json!({ "name": sep(1), "operation": "install", "string": "1234", "deadline": "1h" })).await;
    add(&api, json!({ "name": sep(2), "operation": "install" })).await;
    comes(&api, &sep(2), |change| change.issued("0A1B".parse().unwrap())).await;
    api.state.desk.profiles.swap(phones(&[("null_string = false", "null_string = true")]));
    let open = json!({ "name": sep(3), "operation": "install", "authentication": "null-string" });
    add(&api, open).await;
    assert_eq!(spend::end_strings(api.db(), api.clock().now()).await.unwrap(), 2);
    let unproven = show(&api, &sep(3)).await;
    assert_eq!((&unproven["state"], &unproven["reason"]), (&json!("failed"), &json!("invalid-credentials")));
    let ended = show(&api, &sep(1)).await;
    assert_eq!(
        (&ended["state"], &ended["reason"]),
        (&json!("failed"), &json!("invalid-authentication-string"))
    );
    assert_eq!(show(&api, &sep(2)).await["state"], "issued");
    assert_eq!(spend::end_strings(api.db(), api.clock().now()).await.unwrap(), 0);
}

/// `signet check` knows what is kept of devices.
#[tokio::test]
async fn the_store_of_devices_is_found_consistent() {
    let api = Api::bare().await;
    for n in 0..3 {
        add(&api, json!({ "name": sep(n), "model": "8845", "operation": "install", "string": "1234" })).await;
    }
    let lsc = super::fixture::held("rsa-2048", "CN=CAPF", api.clock().now(), 365);
    comes(&api, &sep(0), |change| change.installed(lsc)).await;
    comes(&api, &sep(1), |change| change.wrong_string()).await;
    api.delete(&format!("{DEVICES}/{}", sep(2))).await.done(204);
    let key = PublicKey::from_spki(&KeyPair::generate().unwrap().subject_public_key_info()).unwrap();
    let inspector = StoreInspector::new(api.db().clone(), key);
    let checked = tokio::task::spawn_blocking(move || inspector.check()).await.unwrap().unwrap();
    assert_eq!(checked.findings, Vec::<String>::new());
    assert!(checked.records >= 6, "{checked:?}");
}
