//! Devices found: by name, by words, by what they are, hold and do.

use std::time::Duration;

use serde_json::json;
use signet::clock::Timestamp;

use super::fixture::{DEVICES, add, add_many, comes, found, held, sep};
use crate::api::fixture::Api;

const NONE: [&str; 0] = [];

#[tokio::test]
async fn by_the_beginning_of_the_name_and_by_words_of_it() {
    let api = Api::bare().await;
    for name in ["SEP001122334455", "SEP0011AABBCCDD", "CSFjdoe", "gw-berlin-7", "gw-gwent-8"] {
        add(&api, json!({ "name": name })).await;
    }
    assert_eq!(found(&api, "name=sep0011").await, ["SEP001122334455", "SEP0011AABBCCDD"]);
    assert_eq!(found(&api, "name=gw").await, ["gw-berlin-7", "gw-gwent-8"]);
    assert_eq!(found(&api, "q=0011aa").await, ["SEP0011AABBCCDD"]);
    assert_eq!(found(&api, "q=sep").await.len(), 2);
    assert_eq!(found(&api, "q=berl").await, ["gw-berlin-7"]);
    // Its name, `GW` and `GWENT` begin with it: it is told of once.
    let mut gateways = found(&api, "q=gw").await;
    gateways.sort();
    assert_eq!(gateways, ["gw-berlin-7", "gw-gwent-8"]);
    assert_eq!(found(&api, "q=gw%20gwe").await, ["gw-gwent-8"]);
    assert_eq!(found(&api, "q=jdoe").await, NONE);
    assert_eq!(found(&api, "").await.len(), 5);
    api.get(&format!("{DEVICES}?q=gw*")).await.refused(422, "pattern-not-allowed");
    api.get(&format!("{DEVICES}?color=red")).await.refused(400, "unknown-parameter");
    api.get(&format!("{DEVICES}?state=happy")).await.refused(422, "invalid-state");
}

#[tokio::test]
async fn by_model_region_and_profile_together() {
    let api = Api::bare().await;
    add_many(&api, 0..3, "8845", "EMEA").await;
    add_many(&api, 3..6, "9841", "EMEA").await;
    add_many(&api, 6..9, "9841", "APAC").await;
    assert_eq!(found(&api, "model=9841&region=EMEA").await, [sep(3), sep(4), sep(5)]);
    assert_eq!(found(&api, "region=apac").await, [sep(6), sep(7), sep(8)]);
    assert_eq!(found(&api, "model=98").await, NONE, "a model is the whole word");
    assert_eq!(found(&api, "profile=capf-lsc").await.len(), 9);
    assert_eq!(found(&api, "profile=scep-device&model=9841").await, NONE);
}

#[tokio::test]
async fn by_what_they_hold() {
    let api = Api::bare().await;
    add_many(&api, 0..5, "8845", "EMEA").await;
    let now = api.clock().now();
    let day = Duration::from_hours(24);
    let lsc = |key: &str, since: Timestamp, days| held(key, "CN=CAPF-1", since, days);
    comes(&api, &sep(0), |c| c.installed(lsc("rsa-2048", now.minus(day * 300), 365))).await;
    comes(&api, &sep(1), |c| c.installed(lsc("rsa-1024", now, 365))).await;
    comes(&api, &sep(2), |c| c.installed(held("p-384", "CN=CAPF-2", now, 30))).await;
    comes(&api, &sep(3), |c| c.showed_mic(held("rsa-1024", "CN=Manufacturing", now, 3650))).await;

    assert_eq!(found(&api, "holds=lsc").await.len(), 3);
    assert_eq!(found(&api, "holds=mic").await, [sep(3)]);
    assert_eq!(found(&api, "holds=none").await, [sep(4)]);
    assert_eq!(found(&api, "renewal=due").await, [sep(0)]);
    assert_eq!(found(&api, "expires_within=100d").await, [sep(2), sep(0)], "the one that expires first");
    let soon = now.plus(day * 40);
    assert_eq!(found(&api, &format!("expires_before={soon}")).await, [sep(2)]);
    assert_eq!(found(&api, &format!("expires_after={soon}")).await, [sep(0), sep(1)]);
    assert_eq!(found(&api, "lsc_key=rsa-1024").await, [sep(1)]);
    assert_eq!(found(&api, "mic_key=rsa-1024").await, [sep(3)]);
    assert_eq!(found(&api, "lsc_issuer=CN%3DCAPF-2").await, [sep(2)]);
    api.clock().advance(day * 20);
    assert_eq!(found(&api, "renewal=due").await, [sep(0), sep(2)], "the one that is due longest");
}

#[tokio::test]
async fn by_when_they_were_seen() {
    let api = Api::bare().await;
    add_many(&api, 0..3, "8845", "EMEA").await;
    comes(&api, &sep(1), |change| change).await;
    api.clock().advance(Duration::from_hours(1));
    let then = api.clock().now();
    comes(&api, &sep(2), |change| change).await;
    assert_eq!(found(&api, &format!("seen_after={then}")).await, [sep(2)]);
    assert_eq!(found(&api, &format!("seen_before={then}")).await, [sep(0), sep(1)], "also those never seen");
    let device = api.get(&format!("{DEVICES}/{}", sep(2))).await.done(200);
    assert_eq!((&device["seen_address"], &device["seen_at"]), (&json!("10.0.0.9"), &json!(then.to_string())));
}

/// What no index orders is held against what is walked over, so much of it at a time.
#[tokio::test]
async fn a_page_looks_at_so_many_devices_and_goes_on() {
    let api = Api::bare().await;
    add_many(&api, 0..1000, "8845", "EMEA").await;
    add(&api, json!({ "name": "ZZZ", "profile": "scep-device" })).await;
    let page = api.get(&format!("{DEVICES}?profile=scep-device")).await.done(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 0);
    assert!(page["next"].is_string());
    assert_eq!(found(&api, "profile=scep-device").await, ["ZZZ"]);
    let mine = page["next"].as_str().unwrap();
    let other = api.token("other", "auditor").await;
    let stolen = api.get_as(&other, &format!("{DEVICES}?profile=scep-device&cursor={mine}")).await;
    stolen.refused(422, "invalid-cursor");
}
