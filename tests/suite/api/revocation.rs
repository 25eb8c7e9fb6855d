//! Revocation over the API: dates, hold and release, many at once, CAs.

use std::time::Duration;

use serde_json::{Value, json};
use signet::clock::Timestamp;

use super::fixture::{Api, csr, issue_body};

const CERTIFICATES: &str = "/api/v1/certificates";
const MANY: &str = "/api/v1/certificates/revoke";

async fn issue(api: &Api, profile: &str, name: &str) -> String {
    api.clock().advance(Duration::from_secs(1));
    let issued = api.post(CERTIFICATES, &issue_body(profile, &csr(name, &[name]))).await.done(201);
    issued["serial"].as_str().unwrap().to_owned()
}

fn outcomes(report: &Value) -> Vec<&str> {
    report["items"].as_array().unwrap().iter().map(|item| item["outcome"].as_str().unwrap()).collect()
}

fn sums(report: &Value) -> [u64; 3] {
    ["revoked", "known", "refused"].map(|name| report[name].as_u64().unwrap())
}

#[tokio::test]
async fn revocation_52_a_hold_is_released_and_nothing_else_is() {
    let api = Api::new().await;
    let serial = issue(&api, "tls-server", "a.example.com").await;
    let (revoke, release) =
        (format!("{CERTIFICATES}/{serial}/revoke"), format!("{CERTIFICATES}/{serial}/release"));
    api.post(&release, "").await.refused(409, "not-on-hold");
    let held = api.post(&revoke, r#"{"reason":"certificate-hold"}"#).await.done(200);
    assert_eq!((&held["status"], &held["reason"]), (&"revoked".into(), &"certificate-hold".into()));
    api.post(&release, r#"{"why":"x"}"#).await.refused(400, "unknown-field");
    let reader = api.token("reader", "auditor").await;
    api.post_as(&reader, &release, "").await.refused(403, "forbidden");
    let released = api.post(&release, "").await.done(200);
    assert_eq!((&released["status"], &released["reason"]), (&"good".into(), &Value::Null));
    api.post(&revoke, r#"{"reason":"superseded"}"#).await.done(200);
    let reply = api.post(&release, "{}").await;
    assert!(reply.text().contains("only certificateHold can be released"), "{}", reply.text());
    reply.refused(409, "not-on-hold");
    assert_eq!(api.post(&revoke, r#"{"reason":"remove-from-crl"}"#).await.status.as_u16(), 422);
}

#[tokio::test]
async fn revocation_53_dates_out_of_range_are_named_and_good_ones_are_told() {
    let api = Api::new().await;
    let serial = issue(&api, "tls-server", "a.example.com").await;
    let shown = api.get(&format!("{CERTIFICATES}/{serial}")).await.done(200);
    let began = Timestamp::parse(shown["not_before"].as_str().unwrap()).unwrap();
    api.clock().advance(Duration::from_secs(7200));
    let path = format!("{CERTIFICATES}/{serial}/revoke");
    let (past, future) =
        (began.minus(Duration::from_secs(1)), api.clock().now().plus(Duration::from_secs(60)));
    let within = began.plus(Duration::from_secs(60)).to_string();
    for (field, value) in [
        ("date", past.to_string()),
        ("date", future.to_string()),
        ("invalidity_date", past.to_string()),
        ("invalidity_date", future.to_string()),
        ("invalidity_date", within.replace('Z', ".5Z")),
        ("date", within.replace('Z', ".0000001Z")),
    ] {
        let reply = api.post(&path, &json!({"reason": "superseded", field: value}).to_string()).await;
        assert!(reply.text().contains("revocation date out of range"), "{value}: {}", reply.text());
        assert_eq!(reply.refused(400, "date-out-of-range"), Some(format!("/{field}")), "{value}");
    }
    api.post(&path, r#"{"reason":"superseded","date":"soon"}"#).await.refused(422, "invalid-time");
    let body = json!({"reason": "key-compromise", "date": within, "invalidity_date": began.to_string()});
    let revoked = api.post(&path, &body.to_string()).await.done(200);
    assert_eq!(revoked["revoked_at"], within.as_str());
    assert_eq!(revoked["invalidity_date"], began.to_string());
}

#[tokio::test]
async fn many_by_name_are_each_decided_on_their_own_and_a_repeat_changes_nothing() {
    let api = Api::new().await;
    let (a, b) =
        (issue(&api, "tls-server", "a.example.com").await, issue(&api, "tls-server", "b.example.com").await);
    let print = api.get(&format!("{CERTIFICATES}/{b}")).await.done(200)["fingerprint_sha256"].clone();
    let ca_serial = api.get("/api/v1/cas/ec-issuing").await.done(200)["serial"].clone();
    let names = json!([a, print, "00FF", ca_serial, "no number", format!("ec-issuing.{a}")]);
    let body =
        |dry_run| json!({"reason": "superseded", "certificates": names, "dry_run": dry_run}).to_string();
    let plan = api.post(MANY, &body(true)).await.done(200);
    let expected = ["would-be-revoked", "would-be-revoked", "refused", "refused", "refused", "known"];
    assert_eq!((outcomes(&plan), plan["dry_run"].as_bool()), (expected.to_vec(), Some(true)), "{plan}");
    let codes: Vec<_> = plan["items"].as_array().unwrap().iter().filter_map(|i| i["code"].as_str()).collect();
    assert_eq!(codes, ["not-found", "ca-certificate", "not-found"]);
    assert_eq!((&plan["items"][1]["name"], &plan["items"][1]["serial"]), (&print, &json!(b)));
    assert_eq!(plan["items"][0]["profile"], "tls-server");
    assert_eq!(api.get(&format!("{CERTIFICATES}/{a}")).await.done(200)["status"], "good", "only a plan");

    let done = api.post(MANY, &body(false)).await.done(200);
    assert_eq!(outcomes(&done), ["revoked", "revoked", "refused", "refused", "refused", "known"]);
    assert_eq!(sums(&done), [2, 1, 3]);
    assert_eq!(api.get(&format!("{CERTIFICATES}/{b}")).await.done(200)["reason"], "superseded");
    assert_eq!(sums(&api.post(MANY, &body(false)).await.done(200)), [0, 3, 3]);
    let enroller = api.token("enroller", "enroller").await;
    api.post_as(&enroller, MANY, &body(false)).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_filter_finds_good_ones_page_by_page_and_never_our_own() {
    let api = Api::new().await;
    for n in 0..5 {
        issue(&api, "tls-server", &format!("lab-{n}.example.com")).await;
    }
    issue(&api, "tls-multi-server", "lab-9.example.com").await;
    let kept = issue(&api, "tls-server", "shop.example.com").await;
    let mut body = json!({"reason": "superseded", "limit": 2, "dry_run": true,
        "filter": {"q": "lab", "profile": "tls-server", "ca": "ec-issuing"}});
    let mut pages = Vec::new();
    loop {
        let page = api.post(MANY, &body.to_string()).await.done(200);
        pages.push(page["items"].as_array().unwrap().len());
        match &page["next"] {
            Value::Null => break,
            next => body["cursor"] = next.clone(),
        }
    }
    assert_eq!(pages.iter().sum::<usize>(), 5, "{pages:?}");
    let done = json!({"reason": "superseded", "filter": {"q": "lab", "profile": "tls-server"}});
    assert_eq!(sums(&api.post(MANY, &done.to_string()).await.done(200)), [5, 0, 0]);
    assert_eq!(sums(&api.post(MANY, &done.to_string()).await.done(200)), [0, 0, 0], "good ones are meant");
    assert_eq!(api.get(&format!("{CERTIFICATES}/{kept}")).await.done(200)["status"], "good");
}

#[tokio::test]
async fn a_selection_says_what_it_is_about() {
    let api = Api::new().await;
    let refused = async |body: Value, code: &str| {
        api.post(MANY, &body.to_string()).await.refused(422, code);
    };
    refused(json!({"reason": "superseded"}), "invalid-selection").await;
    refused(json!({"reason": "superseded", "filter": {}}), "invalid-selection").await;
    let both = json!({"reason": "superseded", "filter": {"q": "a"}, "certificates": ["01"]});
    refused(both, "invalid-selection").await;
    refused(json!({"reason": "superseded", "filter": {"q": "a"}, "own": true}), "invalid-selection").await;
    refused(json!({"reason": "boredom", "certificates": ["01"]}), "invalid-reason").await;
    refused(json!({"reason": "superseded", "certificates": vec!["01"; 1001]}), "too-many-items").await;
    refused(json!({"reason": "superseded", "filter": {"q": "a", "device": "b"}}), "unsupported-filter").await;
    let operator = api.token("operator", "operator").await;
    let own = json!({"reason": "superseded", "certificates": ["01"], "own": true}).to_string();
    api.post_as(&operator, MANY, &own).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_ca_is_revoked_after_what_that_stops_was_told() {
    let api = Api::new().await;
    issue(&api, "tls-server", "a.example.com").await;
    let path = "/api/v1/cas/ec-issuing/revoke";
    let plan = api.post(path, r#"{"reason":"ca-compromise","dry_run":true}"#).await.done(200);
    assert_eq!(plan["stops"]["live"], json!([{"profile": "tls-server", "certificates": 1}]));
    assert_eq!((&plan["stops"]["cas"], &plan["parent"]), (&json!(["ec-issuing"]), &json!("ec-root")));
    assert_eq!(api.get("/api/v1/cas/ec-issuing").await.done(200)["state"], "active");
    let operator = api.token("operator", "operator").await;
    api.post_as(&operator, path, r#"{"reason":"superseded"}"#).await.refused(403, "forbidden");
    api.post(path, r#"{"reason":"certificate-hold"}"#).await.refused(422, "invalid-reason");

    let revoked = api.post(path, r#"{"reason":"ca-compromise"}"#).await.done(200);
    assert_eq!((&revoked["crl_number"], &revoked["parent"]), (&json!(2), &json!("ec-root")));
    let shown = api.get("/api/v1/cas/ec-issuing").await.done(200);
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("revoked"), &json!("ca-compromise")));
    let body = issue_body("tls-server", &csr("b.example.com", &["b.example.com"]));
    api.post(CERTIFICATES, &body).await.refused(409, "ca-revoked");
    api.post("/api/v1/cas/ec-root/revoke", r#"{"reason":"ca-compromise"}"#)
        .await
        .refused(409, "root-not-revocable");
}
