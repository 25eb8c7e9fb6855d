//! One operation for many devices, named or found.

use serde_json::{Value, json};

use super::fixture::{DEVICES, add, add_many, comes, found, sep, show};
use crate::api::fixture::{Api, Reply};

async fn post(api: &Api, body: &Value) -> Reply {
    api.post(&format!("{DEVICES}/operations"), &body.to_string()).await
}

fn names(report: &Value) -> Vec<&str> {
    report["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_a_filter_finds_is_set_page_by_page() {
    let api = Api::bare().await;
    add_many(&api, 0..5, "8845", "EMEA").await;
    add_many(&api, 5..7, "8845", "APAC").await;
    let mut body = json!({ "operation": "install", "string": "generate", "deadline": "7d", "dry_run": true,
        "filter": { "model": "8845", "region": "emea" }, "limit": 3 });
    let rehearsal = post(&api, &body).await.done(200);
    assert_eq!(
        (&rehearsal["changed"], &rehearsal["items"][0]["outcome"]),
        (&json!(3), &json!("would-be-set"))
    );
    assert_eq!(rehearsal["items"][0].get("string"), None);
    assert_eq!(show(&api, &sep(0)).await["state"], "none");

    body["dry_run"] = json!(false);
    let first = post(&api, &body).await.done(200);
    assert_eq!(names(&first), [sep(0), sep(1), sep(2)]);
    assert!(first["items"][0]["string"].as_str().unwrap() != first["items"][1]["string"]);
    body["cursor"] = first["next"].clone();
    let second = post(&api, &body).await.done(200);
    assert_eq!((names(&second), &second["next"]), (vec![&*sep(3), &*sep(4)], &Value::Null));
    assert_eq!(found(&api, "state=pending").await.len(), 5);
    assert_eq!(found(&api, "state=pending&region=APAC").await, Vec::<String>::new());
    // A cursor is good for its own filter.
    body["filter"]["region"] = json!("apac");
    post(&api, &body).await.refused(422, "invalid-cursor");
}

/// Each that is set moves to another place of the very order that is walked along.
#[tokio::test]
async fn a_walk_does_not_meet_again_what_it_has_set() {
    let api = Api::bare().await;
    add_many(&api, 0..7, "8845", "EMEA").await;
    let mut body = json!({ "operation": "install", "authentication": "existing-mic", "deadline": "1h",
        "filter": { "model": "8845" } });
    assert_eq!(post(&api, &body).await.done(200)["changed"], 7);
    api.clock().advance(std::time::Duration::from_mins(1));
    body["filter"] = json!({ "state": "pending" });
    body["limit"] = json!(3);
    body["deadline"] = json!("9h");
    let mut seen = Vec::new();
    for _ in 0..10 {
        let page = post(&api, &body).await.done(200);
        seen.extend(names(&page).into_iter().map(str::to_owned));
        api.clock().advance(std::time::Duration::from_secs(1));
        match page["next"].as_str() {
            Some(next) => body["cursor"] = json!(next),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, (0..7).map(sep).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_pending_is_taken_back_for_many() {
    let api = Api::bare().await;
    add(&api, json!({ "name": sep(1), "operation": "install" })).await;
    add(&api, json!({ "name": sep(2) })).await;
    let body = json!({ "operation": "none", "names": [sep(1), sep(2), "SEPFFFFFFFFFFFF"] });
    let report = post(&api, &body).await.done(200);
    let outcomes: Vec<_> =
        report["items"].as_array().unwrap().iter().map(|item| item["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["cleared", "unchanged", "refused"]);
    assert_eq!(report["items"][2]["code"], "not-found");
    assert_eq!(found(&api, "").await, [sep(1), sep(2)], "nothing is added by an operation");
}

#[tokio::test]
async fn which_devices_is_said_in_one_way() {
    let api = Api::bare().await;
    let with = |more: Value| {
        let mut body = json!({ "operation": "install" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for bad in [
        json!({}),
        json!({ "filter": {} }),
        json!({ "filter": { "region": "" } }),
        json!({ "names": [sep(1)], "filter": { "region": "EMEA" } }),
        json!({ "names": [sep(1)], "limit": 7 }),
    ] {
        post(&api, &with(bad)).await.refused(422, "invalid-selection");
    }
    let common = post(&api, &with(json!({ "string": "1234", "names": [sep(1)] }))).await;
    assert_eq!(common.refused(422, "invalid-authentication-string").as_deref(), Some("/string"));
    let named = post(&api, &with(json!({ "names": [sep(1), "no name"] }))).await;
    assert_eq!(named.refused(422, "invalid-device-name").as_deref(), Some("/names/1"));
    post(&api, &with(json!({ "filter": { "colour": "red" } }))).await.refused(400, "unknown-field");
}

/// One whose device came meanwhile is set anew like the others.
#[tokio::test]
async fn those_that_failed_are_set_again() {
    let api = Api::bare().await;
    for n in 1..4 {
        add(&api, json!({ "name": sep(n), "operation": "install" })).await;
    }
    comes(&api, &sep(2), |change| change.failed("key-generation-failed".parse().unwrap())).await;
    api.clock().advance(std::time::Duration::from_mins(1));
    let body = json!({ "operation": "install", "key": "rsa-2048", "filter": { "state": "failed" } });
    assert_eq!(names(&post(&api, &body).await.done(200)), [sep(2)]);
    assert_eq!(show(&api, &sep(2)).await["state"], "pending");
}
