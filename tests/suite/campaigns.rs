//! Campaigns: the same operation for many devices, so many at once and in a minute, each region in its hours.

mod counted;
mod house;
mod limits;
mod words;

use std::time::Duration;

use serde_json::{Value, json};

use house::{House, Phones};

/// The issue's own: 500 devices, of which some fail and some never come, over a restart in the middle.
#[tokio::test]
async fn five_hundred_devices_are_done_within_the_bounds_and_those_that_failed_are_told() {
    let mut house = House::with_devices(500).await;
    let asked = json!({"name": "spring", "filter": {"model": "8845"}, "operation": "install",
        "authentication": "existing-mic", "key": "p-384/rsa-2048", "at_once": 50, "per_minute": 90, "within": "10m"});
    let made = house.post("/campaigns", &asked).await.done(201);
    assert_eq!((&made["state"], &made["gathering"]), (&json!("running"), &json!(true)));

    let mut phones = Phones::default();
    let mut rounds = 0;
    while house.campaign("spring").await["state"] == "running" {
        house.step(Duration::from_secs(5)).await;
        let open = house.open("spring").await;
        assert!(open.len() <= 50, "{} open at once", open.len());
        phones.set_at(house.now(), &open);
        assert!(phones.most_in_a_minute() <= 90, "{} in a minute", phones.most_in_a_minute());
        for name in open {
            // Of each hundred four make no key, and two never come.
            match house::number(&name) % 100 {
                7 | 27 | 47 | 67 => house.fails(&name).await,
                13 | 33 => {}
                _ => house.installs(&name).await,
            }
        }
        rounds += 1;
        if rounds == 20 {
            house.restart().await;
        }
        assert!(rounds < 400, "{}", house.campaign("spring").await);
    }

    let report = house.get("/campaigns/spring/report").await.done(200);
    let counts = &report["campaign"]["counts"];
    assert_eq!(
        (&counts["devices"], &counts["done"], &counts["failed"], &counts["late"], &counts["open"]),
        (&json!(500), &json!(470), &json!(20), &json!(10), &json!(0)),
        "{report}"
    );
    assert_eq!(
        report["reasons"],
        json!([{"reason": "key-generation-failed", "count": 20},
            {"reason": "user-initiated-request-late", "count": 10}])
    );
    let regions: Vec<_> =
        report["regions"].as_array().unwrap().iter().map(|r| &r["counts"]["devices"]).collect();
    assert_eq!(regions, [&json!(250), &json!(250)]);
    // 490 at 90 a minute cannot be done sooner.
    assert!(report["took_seconds"].as_u64().unwrap() >= 300, "{report}");
    assert!(report["mean_seconds"].as_f64().is_some() && report["campaign"]["ended_at"].is_string());

    let failed = house.get("/campaigns/spring/devices?step=failed&limit=1000").await.done(200);
    let failed: Vec<_> = failed["items"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(failed.len(), 20);
    assert!(failed.contains(&json!(house::name(107))), "{failed:?}");
    let ended = house.get("/audit?action=campaign.end").await.done(200);
    let said = ended["items"][0]["details"]["result"].as_str().unwrap();
    assert!(said.starts_with("470 of 500 done, 20 failed, 10 late"), "{said}");
    assert_eq!(house.operations_set().await, 500, "each device was asked once");
}

#[tokio::test]
async fn a_region_is_reached_in_its_hours_alone() {
    let mut house = House::with_devices(20).await;
    // Half of the devices are in EMEA, half in APAC; it is two hours before the hours of EMEA.
    let hour = (house.now().secs() / 3600 + 2).rem_euclid(24);
    let hours = format!("EMEA:{hour:02}-{:02}", (hour + 2) % 24);
    let asked = json!({"name": "night", "filter": {"model": "8845"}, "operation": "delete",
        "authentication": "existing-lsc", "at_once": 100, "per_minute": 1000, "hours": [hours], "within": "1d"});
    let preview = house.post("/campaigns", &with(&asked, "dry_run", json!(true))).await.done(200);
    assert_eq!(preview, json!({"devices": 20, "busy": 0, "in_hours": 10, "more": false}));
    house.get("/campaigns/night").await.refused(404, "not-found");
    house.post("/campaigns", &asked).await.done(201);
    house.steps(3).await;
    let open = house.open("night").await;
    assert!(open.len() == 10 && open.iter().all(|name| house::number(name) % 2 == 1), "{open:?}");
    for name in open {
        house.deletes(&name).await;
    }
    house.steps(2).await;
    assert_eq!(house.campaign("night").await["counts"]["waiting"], 10);
    // Nothing is to be done until the hours begin: then the task comes by itself.
    let task = house.get("/tasks?kind=campaign.step&state=waiting").await.done(200)["items"][0].clone();
    let due = signet::clock::Timestamp::parse(task["due"].as_str().unwrap()).unwrap();
    assert!(due.since(house.now()) > Duration::from_mins(30), "{task}");
    house.step(due.since(house.now()) + Duration::from_secs(1)).await;
    assert_eq!(house.open("night").await.len(), 10);
}

#[tokio::test]
async fn who_is_due_for_renewal_is_found_by_what_each_device_holds() {
    let mut house = House::with_devices(6).await;
    for (number, age_days) in [(1, 300), (2, 200), (3, 10)] {
        house.holds(&house::name(number), age_days).await;
    }
    let asked = json!({"name": "renewal", "filter": {"renewal": "due"}, "operation": "install",
        "authentication": "existing-lsc"});
    assert_eq!(house.post("/campaigns", &with(&asked, "dry_run", json!(true))).await.done(200)["devices"], 1);
    house.post("/campaigns", &asked).await.done(201);
    house.steps(2).await;
    assert_eq!(house.open("renewal").await, [house::name(1)]);
    house.installs(&house::name(1)).await;
    house.steps(1).await;
    let done = house.campaign("renewal").await;
    assert_eq!((&done["state"], &done["counts"]["done"]), (&json!("done"), &json!(1)));
    let task = house.get("/tasks?kind=campaign.step").await.done(200)["items"][0].clone();
    assert_eq!((&task["state"], &task["said"]), (&json!("done"), &json!("1 of 1 done, 0 failed, 0 late")));
}

/// The same with one field more.
fn with(asked: &Value, field: &str, value: Value) -> Value {
    let mut asked = asked.clone();
    asked[field] = value;
    asked
}
