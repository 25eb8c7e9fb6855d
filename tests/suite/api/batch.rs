//! Many requests at once, renewal by serial number, and lists that are narrowed by the server.

use std::time::Duration;

use serde_json::{Value, json};
use signet::clock::Timestamp;

use super::fixture::{Api, csr, issue_body};

const BATCH: &str = "/api/v1/certificates/batch";

fn item(name: &str) -> Value {
    json!({"name": name, "csr": csr(name, &[name])})
}

fn batch(items: &[Value]) -> String {
    json!({"profile": "tls-server", "items": items}).to_string()
}

fn serials(report: &Value) -> Vec<&str> {
    let items = report["items"].as_array().unwrap();
    items.iter().filter_map(|item| item["certificate"]["serial"].as_str()).collect()
}

#[tokio::test]
async fn each_request_of_a_batch_is_decided_on_its_own() {
    let api = Api::new().await;
    let mut other = item("b.example.com");
    other["profile"] = json!("nonesuch");
    let mut late = item("c.example.com");
    late["not_after"] = json!("tomorrow");
    let items = [item("a.example.com"), other, late, json!({"csr": "AAAA"}), item("d.example.com")];
    let report = api.post(BATCH, &batch(&items)).await.done(200);
    assert_eq!((&report["issued"], &report["refused"]), (&json!(2), &json!(3)), "{report}");
    let outcomes: Vec<_> = report["items"].as_array().unwrap().iter().map(|i| &i["outcome"]).collect();
    assert_eq!(outcomes, ["issued", "refused", "refused", "refused", "issued"]);
    assert_eq!(report["items"][0]["name"], "a.example.com");
    assert!(report["items"][0]["certificate"]["subject"].as_str().unwrap().contains("a.example.com"));
    assert_eq!(report["items"][2]["problem"]["pointer"], "/not_after");
    assert_eq!(report["items"][3]["problem"]["pointer"], "/csr");
    let stored = api.get("/api/v1/certificates").await.done(200);
    assert_eq!(stored["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_batch_that_is_sent_again_issues_nothing_twice() {
    let api = Api::new().await;
    let body = batch(&[item("a.example.com"), item("b.example.com")]);
    let first = api.post_once("k1", BATCH, &body).await.done(200);
    let again = api.post_once("k1", BATCH, &body).await.done(200);
    assert_eq!(serials(&first), serials(&again));
    let stored = api.get("/api/v1/certificates").await.done(200);
    assert_eq!(stored["items"].as_array().unwrap().len(), 2);
    let other = batch(&[item("c.example.com")]);
    api.post_once("k1", BATCH, &other).await.refused(422, "idempotency-mismatch");
}

#[tokio::test]
async fn a_batch_is_bounded_and_its_faults_are_pointed_at() {
    let api = Api::bare().await;
    let one = json!({"csr": "AAAA"});
    let many = vec![one.clone(); 101];
    assert_eq!(api.post(BATCH, &batch(&many)).await.refused(422, "too-many-items").unwrap(), "/items");
    assert_eq!(api.post(BATCH, &batch(&[])).await.refused(422, "missing-field").unwrap(), "/items");
    let unknown = json!({"csr": "AAAA", "profil": "x"});
    let pointer = api.post(BATCH, &batch(&[one.clone(), unknown])).await.refused(400, "unknown-field");
    assert_eq!(pointer.unwrap(), "/items/1/profil");
    let no_profile = json!({ "items": [one] }).to_string();
    assert_eq!(api.post(BATCH, &no_profile).await.refused(422, "missing-field").unwrap(), "/items/0/profile");
    let large = batch(&[json!({"csr": "A".repeat(300_000)})]);
    api.post(BATCH, &large).await.refused(413, "body-too-large");
    let auditor = api.token("a", "auditor").await;
    api.post_as(&auditor, BATCH, &batch(&[one])).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_renewal_is_for_the_same_identity_and_names_what_it_renews() {
    let api = Api::new().await;
    let name = "www.example.com";
    let old =
        api.post("/api/v1/certificates", &issue_body("tls-server", &csr(name, &[name]))).await.done(201);
    let path = format!("/api/v1/certificates/{}/renew", old["serial"].as_str().unwrap());
    let body = json!({"csr": csr(name, &[name])}).to_string();
    let new = api.post(&path, &body).await.done(201);
    let shown = api.get(&format!("/api/v1/certificates/{}", new["serial"].as_str().unwrap())).await.done(200);
    assert_eq!((&shown["renews"], &shown["profile"]), (&old["serial"], &json!("tls-server")));

    let other = json!({"csr": csr("evil.example.com", &["evil.example.com"])}).to_string();
    api.post(&path, &other).await.refused(403, "renewal-refused");
    let revoke = format!("/api/v1/certificates/{}/revoke", old["serial"].as_str().unwrap());
    api.post(&revoke, r#"{"reason":"superseded"}"#).await.done(200);
    api.post(&path, &body).await.refused(403, "renewal-refused");
    api.post("/api/v1/certificates/3F0A/renew", &body).await.refused(404, "not-found");
}

#[tokio::test]
async fn what_expires_within_a_time_is_good_and_comes_first_that_goes_first() {
    let api = Api::new().await;
    for name in ["a.example.com", "b.example.com"] {
        api.post("/api/v1/certificates", &issue_body("tls-server", &csr(name, &[name]))).await.done(201);
        api.clock().advance(Duration::from_hours(24 * 30));
    }
    let found = async |query: &str| {
        let page = api.get(&format!("/api/v1/certificates?{query}")).await.done(200);
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("expires_within=29d").await, Vec::<String>::new());
    assert_eq!(found("expires_within=31d").await, ["CN=a.example.com"]);
    assert_eq!(
        found("expires_within=61d&profile=tls-server").await,
        ["CN=a.example.com", "CN=b.example.com"]
    );
    assert_eq!(found("expires_within=61d&status=revoked").await, Vec::<String>::new());
    let both = "/api/v1/certificates?expires_within=1d&expires_after=2027-01-01T00:00:00Z";
    api.get(both).await.refused(422, "unsupported-filter");
    api.get("/api/v1/certificates?expires_within=soon").await.refused(422, "invalid-duration");
}

#[tokio::test]
async fn pages_stay_in_place_while_others_write() {
    let api = Api::new().await;
    let name = |n: usize| format!("h{n:02}.example.com");
    let issue = async |n: usize| {
        api.clock().advance(Duration::from_secs(1));
        let body = issue_body("tls-server", &csr(&name(n), &[&name(n)]));
        api.post("/api/v1/certificates", &body).await.done(201);
    };
    for n in 0..6 {
        issue(n).await;
    }
    for query in ["", "profile=tls-server", "status=good", "q=example"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/certificates?limit=2&{query}{cursor}");
            let page = api.get(&path).await.done(200);
            seen.extend(
                page["items"].as_array().unwrap().iter().map(|i| format!("{} {}", i["serial"], i["subject"])),
            );
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
            issue(10 + seen.len()).await;
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{query}: twice in {seen:?}");
        for n in 0..6 {
            assert!(seen.iter().any(|s| s.contains(&name(n))), "{query}: {} is missing", name(n));
        }
    }
}

#[tokio::test]
async fn challenges_tokens_and_profiles_are_narrowed_by_the_server() {
    let api = Api::bare().await;
    for (profile, ttl) in [("scep-device", "1h"), ("scep-device", "2h"), ("dot1x-device", "1h")] {
        let body = json!({"profile": profile, "subject": "CN=d1", "ttl": ttl}).to_string();
        api.post("/api/v1/challenges", &body).await.done(201);
    }
    let count = async |path: &str| api.get(path).await.done(200)["items"].as_array().unwrap().len();
    assert_eq!(count("/api/v1/challenges?profile=scep-device").await, 2);
    api.clock().advance(Duration::from_mins(90));
    assert_eq!(count("/api/v1/challenges?profile=scep-device&state=unused").await, 1);
    assert_eq!(count("/api/v1/challenges?state=expired").await, 2);
    assert_eq!(count("/api/v1/challenges?state=used").await, 0);
    api.get("/api/v1/challenges?state=lost").await.refused(422, "invalid-state");
    api.token("t", "auditor").await;
    assert_eq!(count("/api/v1/tokens?role=auditor").await, 1);
    let all = count("/api/v1/profiles").await;
    let ec = count("/api/v1/profiles?ca=ec-issuing").await;
    assert!(ec > 0 && ec < all, "{ec} of {all}");
}

#[tokio::test]
async fn the_audit_log_is_read_by_time() {
    let api = Api::bare().await;
    let mut times: Vec<Timestamp> = Vec::new();
    for n in 0..30 {
        api.clock().advance(Duration::from_mins(10));
        times.push(api.clock().now());
        api.token(&format!("t{n}"), "auditor").await;
    }
    let names = async |query: String| {
        let page = api.get(&format!("/api/v1/audit?{query}")).await.done(200);
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|i| i["details"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (from, to) = (times[10], times[12].plus(Duration::from_secs(1)));
    assert_eq!(names(format!("since={from}&until={to}")).await, ["t12", "t11", "t10"]);
    assert_eq!(names(format!("since={from}&until={to}&action=token.create&limit=2")).await, ["t12", "t11"]);
    assert_eq!(names(format!("until={}", times[1])).await, ["t0", "admin"]);
    assert_eq!(names(format!("since={}", times[29])).await, ["t29"]);
    api.get("/api/v1/audit?since=yesterday").await.refused(422, "invalid-time");
}
