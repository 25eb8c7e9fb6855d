//! Scheduled work over the API: listed, shown, run now, cancelled.

use std::time::Duration;

use serde_json::Value;
use signet::store::Unit;
use signet::task::{self, NewTask};

use super::fixture::Api;

const TASKS: &str = "/api/v1/tasks";

async fn schedule(api: &Api, kind: &'static str, key: &str, hours: u64) -> String {
    api.clock().advance(Duration::from_millis(1));
    let due = api.clock().now().plus(Duration::from_hours(hours));
    let new = NewTask { kind, key: key.into(), subject: format!("thing:{key}"), body: Vec::new(), due };
    let mut unit = Unit::new();
    let random = &api.state.desk.authority.random;
    let (id, _) = task::schedule(&mut unit, new, api.clock().now(), random).unwrap();
    api.db().commit(unit).await.unwrap();
    id.to_string()
}

fn keys(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn tasks_are_listed_by_state_and_kind_and_read_in_pages() {
    let api = Api::bare().await;
    for (kind, key, hours) in [("a.x", "1", 3), ("a.x", "2", 1), ("b.y", "3", 2)] {
        schedule(&api, kind, key, hours).await;
    }
    let list = async |query: &str| api.get(&format!("{TASKS}{query}")).await.done(200);
    assert_eq!(keys(&list("").await), ["3", "2", "1"], "newest first");
    assert_eq!(keys(&list("?state=waiting").await), ["2", "3", "1"], "the next first");
    assert_eq!(keys(&list("?kind=a.x").await), ["2", "1"]);
    assert_eq!(keys(&list("?kind=a.x&state=waiting").await), ["2", "1"]);
    assert_eq!(keys(&list("?state=failed").await), Vec::<&str>::new());
    let page = list("?state=waiting&limit=2").await;
    let next = page["next"].as_str().unwrap();
    assert_eq!(keys(&list(&format!("?state=waiting&limit=2&cursor={next}")).await), ["1"]);
    api.get(&format!("{TASKS}?cursor={next}")).await.refused(422, "invalid-cursor");
    api.get(&format!("{TASKS}?state=lost")).await.refused(422, "invalid-state");
    api.get(&format!("{TASKS}?due=now")).await.refused(400, "unknown-parameter");
}

#[tokio::test]
async fn a_task_is_cancelled_and_run_after_all() {
    let api = Api::bare().await;
    let id = schedule(&api, "a.x", "1", 24).await;
    let path = format!("{TASKS}/{id}");
    assert_eq!(api.get(&path).await.done(200)["state"], "waiting");
    let cancelled = api.post(&format!("{path}/cancel"), "").await.done(200);
    assert_eq!(
        (&cancelled["state"], &cancelled["said"]),
        (&"cancelled".into(), &"cancelled by operator admin".into())
    );
    api.post(&format!("{path}/cancel"), "").await.refused(409, "state-conflict");
    let run = api.post(&format!("{path}/run"), "{}").await.done(200);
    assert_eq!((&run["state"], &run["due"]), (&"waiting".into(), &api.clock().now().to_string().into()));
    for action in ["task.cancel", "task.run"] {
        let log = api.get(&format!("/api/v1/audit?action={action}")).await.done(200);
        assert_eq!(log["items"][0]["subject"], format!("task:{id}"));
        assert_eq!(log["items"][0]["details"]["about"], "thing:1");
    }
    api.post(&format!("{path}/cancel"), "").await.done(200);
    schedule(&api, "a.x", "1", 1).await;
    api.post(&format!("{path}/run"), "").await.refused(409, "state-conflict");
    api.post(&format!("{path}/run"), r#"{"now":true}"#).await.refused(400, "unknown-field");
    api.get(&format!("{TASKS}/x")).await.refused(404, "not-found");
}

#[tokio::test]
async fn who_may_look_may_not_run() {
    let api = Api::bare().await;
    let id = schedule(&api, "a.x", "1", 24).await;
    let (auditor, enroller) = (api.token("a", "auditor").await, api.token("e", "enroller").await);
    api.get_as(&auditor, TASKS).await.done(200);
    api.get_as(&auditor, &format!("{TASKS}/periodic")).await.done(200);
    for verb in ["run", "cancel"] {
        api.post_as(&auditor, &format!("{TASKS}/{id}/{verb}"), "").await.refused(403, "forbidden");
    }
    for path in [TASKS.to_owned(), format!("{TASKS}/periodic"), format!("{TASKS}/{id}")] {
        api.get_as(&enroller, &path).await.refused(403, "forbidden");
    }
}

#[tokio::test]
async fn periodic_work_says_when_it_ran_how_it_went_and_when_it_runs_next() {
    let api = Api::bare().await;
    let (upkeep, clock) = (&api.state.desk.authority.upkeep, api.clock());
    upkeep.expect("b.sweep", Duration::from_mins(10), clock.now());
    upkeep.expect("a.publish", Duration::from_mins(1), clock.now());
    let path = format!("{TASKS}/periodic");
    let before = api.get(&path).await.done(200);
    assert_eq!(before["items"][0]["name"], "a.publish");
    assert!(before["items"][0]["last"].is_null());
    upkeep.run("b.sweep", clock, async { Err("the disk is full".to_owned()) }).await;
    let after = api.get(&path).await.done(200)["items"][1].clone();
    assert_eq!((&after["name"], &after["ok"]), (&"b.sweep".into(), &false.into()));
    assert_eq!(after["said"], "the disk is full");
    assert_eq!(after["last"], clock.now().to_string());
    let next = clock.now().plus(Duration::from_mins(10));
    assert!(after["next"].as_str().unwrap() >= next.to_string().as_str());
}
