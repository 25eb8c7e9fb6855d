//! What a campaign refuses, whom it leaves out, and when it pauses by itself.

use std::time::Duration;

use serde_json::{Value, json};
use signet::device::campaign::NewsRecord;
use signet::store::{PRIMARY, Scan};

use super::house::{self, House};
use super::with;

fn asked() -> Value {
    json!({"name": "spring", "filter": {"name": "SEP"}, "operation": "install", "authentication": "existing-mic"})
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_field() {
    let house = House::with_devices(1).await;
    for (field, value, code, pointer) in [
        ("name", json!("Spring 1"), "invalid-name", "/name"),
        ("filter", json!({}), "invalid-selection", "/filter"),
        ("filter", json!({"state": "lost"}), "invalid-state", "/filter"),
        ("operation", json!("reset"), "invalid-operation", "/operation"),
        ("authentication", json!("string"), "invalid-authentication", "/authentication"),
        ("key", json!("rsa-2048/p-256"), "invalid-key-order", "/key"),
        ("within", json!("soon"), "invalid-duration", "/within"),
        ("within", json!("9999d"), "out-of-range", "/within"),
        ("at_once", json!(0), "out-of-range", "/at_once"),
        ("per_minute", json!(100_001), "out-of-range", "/per_minute"),
        ("hours", json!(["EMEA:22-04", "APAC:9"]), "invalid-hours", "/hours/1"),
        ("hours", json!(["EMEA:22-04", "emea:1-2"]), "invalid-hours", "/hours"),
    ] {
        let refused = house.post("/campaigns", &with(&asked(), field, value.clone())).await;
        assert_eq!(refused.refused(422, code).as_deref(), Some(pointer), "{field}: {value}");
    }
    house
        .post("/campaigns", &with(&asked(), "filter", json!({"colour": "red"})))
        .await
        .refused(400, "unknown-field");
    house.post("/campaigns", &asked()).await.done(201);
    house.post("/campaigns", &asked()).await.refused(409, "already-exists");
    house.get("/campaigns/spring/devices?step=lost").await.refused(422, "invalid-state");
    house.get("/campaigns/autumn").await.refused(404, "not-found");
}

#[tokio::test]
async fn devices_that_are_busy_gone_or_cannot_are_left_out_and_told() {
    let mut house = House::with_devices(6).await;
    let waits = json!({"operation": "fetch", "authentication": "existing-lsc"});
    house
        .api
        .post(&format!("/api/v1/devices/{}/operation", house::name(1)), &waits.to_string())
        .await
        .done(200);
    let weak = json!({"items": [{"name": house::name(2), "profile": "no-such-profile"}]});
    assert_eq!(house.post("/devices/batch", &weak).await.done(200)["refused"], 1);
    // One operation in a minute: a device that waits can go meanwhile.
    house.post("/campaigns", &with(&asked(), "per_minute", json!(1))).await.done(201);
    house.steps(1).await;
    let waiting = house.get("/campaigns/spring/devices?step=waiting").await.done(200);
    let mut waiting = waiting["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap());
    let gone = waiting.find(|name| matches!(house::number(name), 2 | 3 | 6)).unwrap();
    house.api.delete(&format!("/api/v1/devices/{gone}")).await;
    for _ in 0..60 {
        house.step(Duration::from_secs(30)).await;
        for name in house.open("spring").await {
            match house::number(&name) {
                // Another operation takes the place of the campaign's.
                4 => {
                    let path = format!("/api/v1/devices/{name}/operation");
                    house.api.post(&path, &waits.to_string()).await.done(200);
                }
                5 => drop(house.api.delete(&format!("/api/v1/devices/{name}")).await),
                _ => house.installs(&name).await,
            }
        }
    }
    let report = house.get("/campaigns/spring/report").await.done(200);
    assert_eq!(report["campaign"]["state"], "done", "{report}");
    let reasons: Vec<(&str, u64)> = report["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["reason"].as_str().unwrap(), one["count"].as_u64().unwrap()))
        .collect();
    let count =
        |reason: &str| reasons.iter().find(|(name, _)| *name == reason).map_or(0, |(_, count)| *count);
    assert_eq!(
        (count("operation-pending"), count("operation-replaced"), count("device-deleted")),
        (1, 1, 2),
        "{reasons:?}"
    );
    let counts = &report["campaign"]["counts"];
    assert_eq!(
        (&counts["skipped"], &counts["failed"], &counts["done"]),
        (&json!(2), &json!(2), &json!(2)),
        "{counts}"
    );
}

#[tokio::test]
async fn a_device_that_was_done_counts_as_done_also_if_another_operation_came_at_once() {
    let mut house = House::with_devices(2).await;
    house.post("/campaigns", &asked()).await.done(201);
    house.steps(2).await;
    let fetch = json!({"operation": "fetch"}).to_string();
    for (number, is_done) in [(1, true), (2, false)] {
        let name = house::name(number);
        if is_done {
            house.installs(&name).await
        } else {
            house.fails(&name).await
        }
        house.api.post(&format!("/api/v1/devices/{name}/operation"), &fetch).await.done(200);
    }
    house.steps(1).await;
    let report = house.get("/campaigns/spring/report").await.done(200);
    assert_eq!(report["campaign"]["counts"]["done"], 1, "{report}");
    assert_eq!(report["reasons"], json!([{"reason": "key-generation-failed", "count": 1}]));
}

#[tokio::test]
async fn a_campaign_that_goes_wrong_pauses_by_itself() {
    let mut house = House::with_devices(40).await;
    let asked = with(&with(&asked(), "at_once", json!(5)), "pause_after", json!(3));
    house.post("/campaigns", &asked).await.done(201);
    for _ in 0..4 {
        house.steps(1).await;
        for name in house.open("spring").await {
            house.fails(&name).await;
        }
    }
    let campaign = house.campaign("spring").await;
    assert_eq!(campaign["state"], "paused");
    assert_eq!(campaign["said"], "paused by itself: 5 devices failed or were late");
    assert_eq!(campaign["counts"]["waiting"], 35, "{campaign}");
    let log = house.get("/audit?action=campaign.pause").await.done(200);
    assert_eq!(log["items"][0]["outcome"], "warning");
    // Resumed, it does not pause again for what it paused for before.
    house.post("/campaigns/spring/resume", &json!({})).await.done(200);
    house.steps(1).await;
    let open = house.open("spring").await;
    house.fails(&open[0]).await;
    house.steps(1).await;
    assert_eq!(house.campaign("spring").await["state"], "running");
    for name in &open[1..] {
        house.fails(name).await;
    }
    house.steps(1).await;
    let said = house.campaign("spring").await["said"].clone();
    assert_eq!(said, "paused by itself: 5 devices failed or were late since it was resumed");
}

#[tokio::test]
async fn to_cancel_the_task_of_a_campaign_pauses_it() {
    let mut house = House::with_devices(5).await;
    house.post("/campaigns", &with(&asked(), "at_once", json!(2))).await.done(201);
    house.steps(2).await;
    let tasks = house.get("/tasks?kind=campaign.step").await.done(200);
    let id = tasks["items"][0]["id"].as_str().unwrap().to_owned();
    house.post(&format!("/tasks/{id}/cancel"), &json!({})).await.done(200);
    assert_eq!(house.campaign("spring").await["state"], "paused");
    for name in house.open("spring").await {
        house.fails(&name).await;
    }
    house.steps(1).await;
    let counts = house.campaign("spring").await["counts"].clone();
    assert_eq!(
        (&counts["failed"], &counts["waiting"]),
        (&json!(2), &json!(3)),
        "what was open is watched on"
    );
}

#[tokio::test]
async fn a_device_that_never_confirms_what_it_was_given_does_not_hold_a_campaign_up() {
    let mut house = House::with_devices(1).await;
    house.post("/campaigns", &with(&asked(), "within", json!("10m"))).await.done(201);
    house.steps(2).await;
    house.is_issued(&house::name(1)).await;
    house.step(Duration::from_mins(11)).await;
    assert_eq!(house.campaign("spring").await["counts"]["open"], 1, "it may still confirm");
    house.step(Duration::from_hours(1)).await;
    let failed = house.get("/campaigns/spring/devices?step=failed").await.done(200);
    assert_eq!(failed["items"][0]["reason"], "not-confirmed", "{failed}");
    house.steps(1).await;
    assert_eq!(house.campaign("spring").await["state"], "done");
    // It comes after all: the campaign is over, and what nobody waits for is not kept.
    house.installs(&house::name(1)).await;
    signet::admin::sweep(&house.api.state, 2).await.unwrap();
    let news = house.api.db().all::<NewsRecord>(Scan::all::<NewsRecord>(PRIMARY)).await.unwrap();
    assert!(news.is_empty(), "{news:?}");
    assert_eq!(house.campaign("spring").await["counts"]["failed"], 1);
}
