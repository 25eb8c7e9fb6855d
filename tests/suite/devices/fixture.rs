//! The API with devices in its inventory.

use axum::http::Method;
use serde_json::{Value, json};
use signet::ca::profile::ProfileSet;
use signet::clock::Timestamp;
use signet::device::inventory::find;
use signet::device::records::{DeviceRecord, Held};
use signet::device::{Change, DeviceName};
use signet::id::Serial;
use signet::store::{Stored, Unit};

use crate::api::fixture::{Api, Reply, bearer};

pub const DEVICES: &str = "/api/v1/devices";

/// The shipped profile of phones, with these changes.
pub fn phones(changes: &[(&str, &str)]) -> ProfileSet {
    let shipped = include_str!("../../../policies/profiles/capf-lsc.toml");
    let text = changes.iter().fold(shipped.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    ProfileSet::from_sources(vec![("capf-lsc.toml".into(), text)]).unwrap()
}

pub fn name(text: &str) -> DeviceName {
    text.parse().unwrap()
}

/// Adds a device.
pub async fn add(api: &Api, device: Value) -> Value {
    api.post(DEVICES, &device.to_string()).await.done(201)
}

/// Sets an operation.
pub async fn set(api: &Api, device: &str, operation: Value) -> Reply {
    api.post(&format!("{DEVICES}/{device}/operation"), &operation.to_string()).await
}

pub async fn show(api: &Api, device: &str) -> Value {
    api.get(&format!("{DEVICES}/{device}")).await.done(200)
}

pub async fn patch(api: &Api, device: &str, body: Value) -> Reply {
    let headers = [("authorization", &*bearer(&api.admin)), ("content-type", "application/json")];
    api.call(Method::PATCH, &format!("{DEVICES}/{device}"), &headers, body.to_string().as_bytes()).await
}

/// The names that a query finds, over all pages.
pub async fn found(api: &Api, query: &str) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{DEVICES}?limit=2&{query}{cursor}")).await.done(200);
        names.extend(
            page["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return names,
        }
    }
}

pub async fn stored(api: &Api, device: &str) -> Stored<DeviceRecord> {
    find(api.db(), &name(device)).await.unwrap().unwrap()
}

/// What CAPF would write.
pub async fn comes(api: &Api, device: &str, what: impl FnOnce(Change) -> Change) -> DeviceRecord {
    let actor = signet::audit::Actor::Client { protocol: "capf".into(), address: "10.0.0.9".into() };
    let change = Change::of(stored(api, device).await, actor, api.clock().now());
    let mut unit = Unit::new();
    let after = what(change.seen("10.0.0.9".parse().unwrap())).write(&mut unit).unwrap();
    api.db().commit(unit).await.unwrap();
    after
}

/// A certificate that a device may hold.
pub fn held(key: &str, issuer: &str, not_before: Timestamp, days: u64) -> Held {
    Held {
        fingerprint: [7; 32],
        serial: "0A1B".parse::<Serial>().unwrap(),
        issuer: issuer.to_owned(),
        key: key.to_owned(),
        not_before,
        not_after: not_before.plus(std::time::Duration::from_hours(24 * days)),
    }
}

pub fn sep(number: u32) -> String {
    format!("SEP{number:012X}")
}

/// Adds devices, all of one model and region.
pub async fn add_many(api: &Api, numbers: std::ops::Range<u32>, model: &str, region: &str) {
    let row = |n| json!({ "name": sep(n), "model": model, "region": region });
    let items: Vec<Value> = numbers.map(row).collect();
    let report =
        api.post(&format!("{DEVICES}/batch"), &json!({ "items": items }).to_string()).await.done(200);
    assert_eq!(report["created"], items.len());
}
