//! What an operator says of a campaign: pause, resume, stop; and who may.

use std::time::Duration;

use serde_json::json;
use signet::device::campaign::{CampaignRecord, MemberRecord};
use signet::store::{PRIMARY, Scan};

use super::house::{self, House};
use super::with;

#[tokio::test]
async fn a_campaign_is_paused_goes_on_and_is_stopped_taking_back_what_is_pending() {
    let mut house = House::with_devices(30).await;
    let asked = json!({"name": "spring", "filter": {"name": "SEP"}, "operation": "install",
        "authentication": "existing-mic", "at_once": 10, "per_minute": 100});
    house.post("/campaigns", &asked).await.done(201);
    house.steps(3).await;
    assert_eq!(house.open("spring").await.len(), 10);

    let paused = house.post("/campaigns/spring/pause", &json!({})).await.done(200);
    assert_eq!((&paused["state"], &paused["said"]), (&json!("paused"), &json!("paused by operator admin")));
    house.post("/campaigns/spring/pause", &json!({})).await.refused(409, "state-conflict");
    let open = house.open("spring").await;
    house.installs(&open[0]).await;
    house.fails(&open[1]).await;
    house.steps(2).await;
    let counts = house.campaign("spring").await["counts"].clone();
    // Those that are open are watched on; no other is set.
    assert_eq!(
        (&counts["done"], &counts["failed"], &counts["open"]),
        (&json!(1), &json!(1), &json!(8)),
        "{counts}"
    );

    house.post("/campaigns/spring/resume", &json!({})).await.done(200);
    house.steps(1).await;
    assert_eq!(house.open("spring").await.len(), 10);
    let open = house.open("spring").await;
    house.is_issued(&open[0]).await;

    house.post("/campaigns/spring/stop", &json!({})).await.done(200);
    house.steps(1).await;
    let stopped = house.campaign("spring").await;
    let counts = &stopped["counts"];
    assert_eq!((&counts["withdrawn"], &counts["open"]), (&json!(9), &json!(1)), "{stopped}");
    assert!(stopped["ended_at"].is_null(), "a device that got its certificate may still confirm it");
    assert_eq!(house.get(&format!("/devices/{}", open[1])).await.done(200)["state"], "none");
    house.installs(&open[0]).await;
    house.steps(1).await;
    let stopped = house.campaign("spring").await;
    assert_eq!((&stopped["state"], &stopped["counts"]["done"]), (&json!("stopped"), &json!(2)));
    assert!(stopped["ended_at"].is_string());
    house.steps(2).await;
    assert_eq!(house.campaign("spring").await["counts"]["waiting"], 18, "nothing is set any more");
    for word in ["pause", "resume", "stop"] {
        house.post(&format!("/campaigns/spring/{word}"), &json!({})).await.refused(409, "state-conflict");
    }
    for action in ["campaign.create", "campaign.pause", "campaign.resume", "campaign.stop", "campaign.end"] {
        let log = house.get(&format!("/audit?action={action}")).await.done(200);
        assert_eq!(log["items"][0]["subject"], "campaign:spring", "{action}");
    }
}

#[tokio::test]
async fn a_pause_is_kept_over_a_restart() {
    let mut house = House::with_devices(8).await;
    let asked = json!({"name": "spring", "filter": {"name": "SEP"}, "operation": "fetch", "at_once": 2});
    house.post("/campaigns", &asked).await.done(201);
    house.steps(2).await;
    house.post("/campaigns/spring/pause", &json!({})).await.done(200);
    house.restart().await;
    house.steps(3).await;
    assert_eq!(house.campaign("spring").await["counts"]["waiting"], 6);
    house.post("/campaigns/spring/resume", &json!({})).await.done(200);
    for _ in 0..20 {
        for name in house.open("spring").await {
            house.deletes(&name).await;
        }
        house.steps(1).await;
    }
    assert_eq!(house.campaign("spring").await["state"], "done");
}

#[tokio::test]
async fn what_is_over_is_forgotten_after_a_year_with_its_devices() {
    let mut house = House::with_devices(3).await;
    for name in ["spring", "autumn"] {
        let asked = json!({"name": name, "filter": {"name": "SEP"}, "operation": "fetch"});
        house.post("/campaigns", &asked).await.done(201);
        house.steps(2).await;
        if name == "spring" {
            house.post("/campaigns/spring/stop", &json!({})).await.done(200);
            house.steps(2).await;
        }
    }
    let members =
        async |house: &House| house.api.db().all::<MemberRecord>(Scan::all::<MemberRecord>(PRIMARY)).await;
    assert_eq!(members(&house).await.unwrap().len(), 6);
    house.api.clock().advance(Duration::from_hours(24 * 367));
    signet::admin::sweep(&house.api.state, 2).await.unwrap();
    let left = house.api.db().all::<CampaignRecord>(Scan::all::<CampaignRecord>(PRIMARY)).await.unwrap();
    assert_eq!(left.len(), 1, "the one that never ended stays");
    assert_eq!((left[0].value.name.as_str(), members(&house).await.unwrap().len()), ("autumn", 3));
}

#[tokio::test]
async fn who_may_look_may_not_start_or_stop() {
    let house = House::with_devices(2).await;
    let asked = json!({"name": "spring", "filter": {"name": "SEP"}, "operation": "fetch"});
    house.post("/campaigns", &asked).await.done(201);
    let (auditor, enroller) = (house.api.token("a", "auditor").await, house.api.token("e", "enroller").await);
    for path in ["/campaigns", "/campaigns/spring", "/campaigns/spring/report", "/campaigns/spring/devices"] {
        let path = format!("/api/v1{path}");
        house.api.get_as(&auditor, &path).await.done(200);
        house.api.get_as(&enroller, &path).await.refused(403, "forbidden");
    }
    let body = with(&asked, "name", json!("autumn")).to_string();
    house.api.post_as(&auditor, "/api/v1/campaigns", &body).await.refused(403, "forbidden");
    for word in ["pause", "resume", "stop"] {
        let path = format!("/api/v1/campaigns/spring/{word}");
        house.api.post_as(&auditor, &path, "").await.refused(403, "forbidden");
    }
    assert_eq!(house.campaign("spring").await["state"], "running");
    assert_eq!(house.device(&house::name(1)).await.value.operation, None);
}
