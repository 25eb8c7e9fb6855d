//! All devices together: by state, by issuer, key and expiry, and what is wrong.

use std::time::Duration;

use serde_json::{Value, json};
use signet::audit::Actor;
use signet::clock::Timestamp;
use signet::device::records::{Held, Reason};
use signet::device::{Change, inventory};
use signet::store::Unit;

use crate::api::fixture::Api;

const DAY: Duration = Duration::from_hours(24);

fn held(now: Timestamp, issuer: &str, key: &str, (age, life): (u32, u32)) -> Held {
    let from = now.minus(DAY * age);
    Held {
        fingerprint: [1; 32],
        serial: "0A".parse().unwrap(),
        issuer: issuer.to_owned(),
        key: key.to_owned(),
        not_before: from,
        not_after: from.plus(DAY * life),
    }
}

async fn add(api: &Api, name: &str, what: impl FnOnce(Change, Timestamp) -> Change) {
    // Records made in one millisecond have no order.
    api.clock().advance(Duration::from_millis(1));
    let body = json!({"name": name, "model": "8845", "region": "EMEA", "operation": "fetch"});
    api.post("/api/v1/devices", &body.to_string()).await.done(201);
    let found = inventory::require(api.db(), &name.parse().unwrap()).await.unwrap();
    let now = api.clock().now();
    let mut unit = Unit::new();
    let changed = what(Change::of(found, Actor::System, now), now);
    if changed.is_needed() {
        changed.write(&mut unit).unwrap();
        api.db().commit(unit).await.unwrap();
    }
}

/// Of each sort one or two.
async fn estate() -> Api {
    let api = Api::bare().await;
    let (ours, maker) = ("CN=issuing", "CN=maker");
    add(&api, "SEP000000000001", |c, now| c.showed_lsc(held(now, ours, "rsa-2048", (10, 365)))).await;
    add(&api, "SEP000000000002", |c, now| c.showed_lsc(held(now, ours, "rsa-1024", (300, 365)))).await;
    add(&api, "SEP000000000003", |c, now| {
        c.showed_lsc(held(now, ours, "p-384", (400, 365))).showed_mic(held(
            now,
            maker,
            "rsa-1024",
            (900, 7300),
        ))
    })
    .await;
    add(&api, "SEP000000000004", |c, now| {
        c.showed_mic(held(now, maker, "rsa-2048", (900, 7300))).failed(Reason::InvalidMic)
    })
    .await;
    add(&api, "SEP000000000005", |c, _| c).await;
    api
}

/// PHN-2.
#[tokio::test]
async fn keys_under_2048_bits_stale_lscs_and_failures_are_counted_and_named() {
    let api = estate().await;
    let report = api.get("/api/v1/device-report").await.done(200);
    assert_eq!((&report["devices"], &report["states"]), (&json!(5), &json!({"pending": 4, "failed": 1})));
    assert_eq!(report["reasons"], json!({"invalid-mic": 1}));
    let expiry = |sort: &str, span: &str| report[sort]["expiry"][span].as_u64().unwrap();
    assert_eq!(
        (expiry("lsc", "expired"), expiry("lsc", "within_90d"), expiry("lsc", "within_1y")),
        (1, 1, 1)
    );
    assert_eq!((expiry("mic", "later"), &report["mic"]["held"]), (2, &json!(2)));
    let keys: Vec<_> =
        report["lsc"]["map"].as_array().unwrap().iter().map(|c| (&c["key"], &c["count"])).collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
    let names = |sort: &str| -> Vec<(String, String)> {
        let items = report[sort]["items"].as_array().unwrap();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        items.iter().map(|one| (text(&one["name"])[14..].to_owned(), text(&one["what"]))).collect()
    };
    let pair = |name: &str, what: &str| (name.to_owned(), what.to_owned());
    assert_eq!(names("weak"), [pair("2", "lsc"), pair("3", "mic")]);
    assert_eq!(names("stale"), [pair("2", "lsc"), pair("3", "lsc")]);
    assert_eq!(names("failed"), [pair("4", "failed")]);
    assert_eq!(report["failed"]["items"][0]["detail"], "invalid-mic");

    let all = api.get("/api/v1/device-findings?sort=weak&limit=2").await.done(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "a page looks at two devices: {all}");
    let next = all["next"].as_str().unwrap();
    let rest = api.get(&format!("/api/v1/device-findings?sort=weak&limit=2&cursor={next}")).await.done(200);
    assert_eq!(rest["items"][0]["detail"], "rsa-1024");
    api.get(&format!("/api/v1/device-findings?sort=stale&cursor={next}"))
        .await
        .refused(422, "invalid-cursor");
    api.get("/api/v1/device-findings").await.refused(422, "invalid-value");
}

#[tokio::test]
async fn a_report_is_counted_once_a_minute_and_not_for_everyone() {
    let api = estate().await;
    let first = api.get("/api/v1/device-report").await.done(200);
    add(&api, "SEP000000000006", |c, _| c).await;
    api.clock().advance(Duration::from_secs(58));
    assert_eq!(api.get("/api/v1/device-report").await.done(200), first);
    api.clock().advance(Duration::from_secs(2));
    assert_eq!(api.get("/api/v1/device-report").await.done(200)["devices"], 6);
    let enroller = api.token("e", "enroller").await;
    api.get_as(&enroller, "/api/v1/device-report").await.refused(403, "forbidden");
    api.get_as(&enroller, "/api/v1/device-findings?sort=weak").await.refused(403, "forbidden");
}
