//! `[renewal] revoke_superseded_after`: the one before is revoked, unless it is the one that is still needed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use signet::ca::profile::ProfileSet;
use signet::ca::renewal::supersede;
use signet::task::{Handlers, Retry, Runner};

use crate::api::fixture::{Api, csr, issue_body};

const CERTIFICATES: &str = "/api/v1/certificates";
const DAY: Duration = Duration::from_hours(24);

async fn estate() -> Api {
    let api = Api::new().await;
    let file = api.state.policies.join("profiles/tls-server.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let strict = text.replace("[renewal]", "[renewal]\nrevoke_superseded_after = \"7d\"");
    std::fs::write(&file, strict).unwrap();
    api.state.desk.profiles.swap(ProfileSet::load(&api.state.policies).unwrap());
    api
}

/// Does what is due, as the server's worker would.
async fn work(api: &Api) {
    let authority = Arc::clone(&api.state.desk.authority);
    let (db, clock) = (authority.db.clone(), authority.clock.clone());
    let handlers = Handlers::default().on(supersede::KIND, Retry::default(), move |leased| {
        let authority = Arc::clone(&authority);
        async move { supersede::run(&authority, &leased.task.body).await }
    });
    Runner::new(db, clock, handlers).run_due().await.unwrap();
}

async fn issue(api: &Api, name: &str) -> Value {
    api.post(CERTIFICATES, &issue_body("tls-server", &csr(name, &[name]))).await.done(201)
}

async fn renew(api: &Api, old: &Value, name: &str) -> Value {
    let path = format!("{CERTIFICATES}/{}/renew", old["serial"].as_str().unwrap());
    api.clock().advance(Duration::from_secs(1));
    api.post(&path, &json!({ "csr": csr(name, &[name]) }).to_string()).await.done(201)
}

async fn status(api: &Api, certificate: &Value) -> (String, Value) {
    let path = format!("{CERTIFICATES}/{}", certificate["serial"].as_str().unwrap());
    let shown = api.get(&path).await.done(200);
    (shown["status"].as_str().unwrap().to_owned(), shown["reason"].clone())
}

#[tokio::test]
async fn the_one_before_is_revoked_after_the_grace_time_and_the_task_is_shown() {
    let api = estate().await;
    let old = issue(&api, "a.example.com").await;
    let new = renew(&api, &old, "a.example.com").await;
    let task = api.get("/api/v1/tasks").await.done(200)["items"][0].clone();
    assert_eq!(task["kind"], supersede::KIND);
    assert_eq!(task["subject"], format!("certificate:{}", old["serial"].as_str().unwrap()), "{task}");
    api.clock().advance(DAY * 6);
    work(&api).await;
    assert_eq!(status(&api, &old).await.0, "good", "overlap");
    api.clock().advance(DAY);
    work(&api).await;
    assert_eq!(status(&api, &old).await, ("revoked".to_owned(), json!("superseded")));
    assert_eq!(status(&api, &new).await.0, "good");
    let log = api.get("/api/v1/audit?action=certificate.revoke").await.done(200);
    assert_eq!(log["items"][0]["actor"], "system");
}

#[tokio::test]
async fn it_is_left_alone_when_the_later_one_was_revoked_meanwhile() {
    let api = estate().await;
    let old = issue(&api, "a.example.com").await;
    let new = renew(&api, &old, "a.example.com").await;
    let path = format!("{CERTIFICATES}/{}/revoke", new["serial"].as_str().unwrap());
    api.post(&path, r#"{"reason":"key-compromise"}"#).await.done(200);
    api.clock().advance(DAY * 8);
    work(&api).await;
    assert_eq!(status(&api, &old).await.0, "good");
}

#[tokio::test]
async fn one_that_was_renewed_twice_or_revoked_before_is_revoked_once() {
    let api = estate().await;
    let (old, other) = (issue(&api, "a.example.com").await, issue(&api, "b.example.com").await);
    let first = renew(&api, &old, "a.example.com").await;
    renew(&api, &old, "a.example.com").await;
    renew(&api, &other, "b.example.com").await;
    let path = |of: &Value| format!("{CERTIFICATES}/{}/revoke", of["serial"].as_str().unwrap());
    api.post(&path(&first), r#"{"reason":"superseded"}"#).await.done(200);
    api.post(&path(&other), r#"{"reason":"cessation-of-operation"}"#).await.done(200);
    api.clock().advance(DAY * 8);
    work(&api).await;
    assert_eq!(status(&api, &old).await, ("revoked".to_owned(), json!("superseded")), "by the second");
    assert_eq!(status(&api, &other).await.1, "cessation-of-operation", "as it was");
    let open = api.get("/api/v1/tasks?state=waiting").await.done(200);
    assert_eq!(open["items"], json!([]));
}

#[tokio::test]
async fn without_the_option_both_live_on() {
    let api = Api::new().await;
    let old = issue(&api, "a.example.com").await;
    renew(&api, &old, "a.example.com").await;
    assert_eq!(api.get("/api/v1/tasks").await.done(200)["items"], json!([]));
}
