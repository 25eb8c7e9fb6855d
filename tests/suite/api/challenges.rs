//! Challenges over the API: shown once, listed without their secret, withdrawn.

use serde_json::{Value, json};

use super::fixture::Api;

const CHALLENGES: &str = "/api/v1/challenges";
const BODY: &str = r#"{"profile":"scep-device","subject":"CN=SEP001122334455","ttl":"1h"}"#;

#[tokio::test]
async fn a_challenge_is_shown_once_and_withdrawn() {
    let api = Api::new().await;
    let made = api.post(CHALLENGES, BODY).await.done(201);
    let secret = made["challenge"].as_str().unwrap();
    assert!(secret.len() >= 20, "{secret}");
    assert_eq!(made["subject"], "CN=SEP001122334455");
    let listed = api.get(CHALLENGES).await;
    assert!(!listed.text().contains(secret));
    let listed = listed.done(200);
    assert_eq!(listed["items"][0]["state"], "unused");
    assert_eq!(listed["items"][0]["created_by"], "operator admin");
    api.clock().advance(std::time::Duration::from_hours(2));
    assert_eq!(api.get(CHALLENGES).await.done(200)["items"][0]["state"], "expired");
    let path = format!("{CHALLENGES}/{}", made["id"].as_str().unwrap());
    api.delete(&path).await.done(204);
    api.delete(&path).await.refused(404, "not-found");
}

#[tokio::test]
async fn a_replay_never_shows_the_secret_again() {
    let api = Api::new().await;
    let first = api.post_once("k", CHALLENGES, BODY).await.done(201);
    let again = api.post_once("k", CHALLENGES, BODY).await;
    again.refused(409, "idempotency-replay");
    assert!(!again.text().contains(first["challenge"].as_str().unwrap()));
    assert_eq!(api.get(CHALLENGES).await.done(200)["items"].as_array().unwrap().len(), 1);
    let other = BODY.replace("1h", "2h");
    api.post_once("k", CHALLENGES, &other).await.refused(422, "idempotency-mismatch");
}

#[tokio::test]
async fn each_fault_is_told_at_its_field() {
    let api = Api::new().await;
    let cases = [
        (BODY.replace("CN=SEP001122334455", "no name"), "/subject"),
        (BODY.replace(r#""ttl""#, r#""sans":["dns:ok.example","carrier:pigeon"],"ttl""#), "/sans/1"),
        (BODY.replace("1h", "31d"), "/ttl"),
    ];
    for (body, pointer) in cases {
        let reply = api.post(CHALLENGES, &body).await;
        assert_eq!(reply.status.as_u16(), 422, "{}", reply.text());
        assert_eq!(reply.json()["pointer"], pointer, "{}", reply.text());
    }
    let enroller = api.token("e", "enroller").await;
    api.post_as(&enroller, CHALLENGES, BODY).await.done(201);
    api.get_as(&enroller, CHALLENGES).await.refused(403, "forbidden");
}

#[tokio::test]
async fn expired_challenges_and_answers_are_swept_in_batches_until_none_is_left() {
    let api = Api::new().await;
    for n in 0..5 {
        api.post_once(&format!("k-{n}"), CHALLENGES, BODY).await.done(201);
    }
    let day = std::time::Duration::from_hours(24);
    api.clock().advance(day * 2);
    assert_eq!(signet::admin::sweep(&api.state, 2).await.unwrap(), 5, "the answers");
    assert_eq!(api.get(CHALLENGES).await.done(200)["items"].as_array().unwrap().len(), 5, "kept for a week");
    api.clock().advance(day * 6);
    assert_eq!(signet::admin::sweep(&api.state, 2).await.unwrap(), 5, "the challenges");
    assert!(api.get(CHALLENGES).await.done(200)["items"].as_array().unwrap().is_empty());
    assert_eq!(signet::admin::sweep(&api.state, 2).await.unwrap(), 0);
}

const BATCH: &str = "/api/v1/challenges/batch";

fn batch(items: &[Value], dry_run: bool) -> String {
    json!({"items": items, "dry_run": dry_run}).to_string()
}

fn device(n: usize) -> Value {
    json!({"profile": "scep-device", "subject": format!("CN=gw{n}"), "sans": [format!("dns:gw{n}.example")], "ttl": "7d"})
}

async fn listed(api: &Api) -> usize {
    api.get(CHALLENGES).await.done(200)["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_batch_is_made_whole_in_its_order_and_shown_once() {
    let api = Api::new().await;
    let items: Vec<Value> = (0..100).map(device).collect();
    let made = api.post_once("k", BATCH, &batch(&items, false)).await.done(201);
    let made = made["items"].as_array().unwrap();
    assert_eq!(made.len(), 100);
    for (n, challenge) in made.iter().enumerate() {
        assert_eq!(challenge["subject"], format!("CN=gw{n}"));
        assert!(challenge["challenge"].as_str().unwrap().len() >= 20);
    }
    let listing = api.get(&format!("{CHALLENGES}?limit=1000")).await;
    assert!(made.iter().all(|c| !listing.text().contains(c["challenge"].as_str().unwrap())));
    assert_eq!(listing.done(200)["items"].as_array().unwrap().len(), 100);
    let again = api.post_once("k", BATCH, &batch(&items, false)).await;
    again.refused(409, "idempotency-replay");
    let audit = api.get("/api/v1/audit?action=challenge.create&limit=1000").await.done(200);
    assert_eq!(audit["items"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn a_batch_with_a_faulty_item_makes_nothing_and_a_dry_run_names_every_fault() {
    let api = Api::new().await;
    let mut items: Vec<Value> = (0..4).map(device).collect();
    items[1]["subject"] = json!("no name");
    items[2]["sans"] = json!(["dns:ok.example", "carrier:pigeon"]);
    items[3]["profile"] = json!("tls-server");
    let reply = api.post(BATCH, &batch(&items, false)).await;
    assert_eq!(reply.status.as_u16(), 422, "{}", reply.text());
    assert_eq!(reply.json()["pointer"], "/items/1/subject");
    let found = api.post(BATCH, &batch(&items, true)).await.done(200);
    let faults: Vec<_> =
        found["faults"].as_array().unwrap().iter().map(|f| f["pointer"].as_str().unwrap()).collect();
    assert_eq!(faults, ["/items/1/subject", "/items/2/sans/1", "/items/3/profile"]);
    assert_eq!(found["faults"][2]["code"], "no-challenges");
    assert_eq!(listed(&api).await, 0);
    let good: Vec<Value> = (0..4).map(device).collect();
    assert_eq!(api.post(BATCH, &batch(&good, true)).await.done(200)["faults"], json!([]));
    assert_eq!(listed(&api).await, 0, "a dry run makes nothing");
    // a fault of policy, not of form, is told the same way
    let mut good = good;
    good[2]["profile"] = json!("nowhere");
    let reply = api.post(BATCH, &batch(&good, false)).await;
    assert!(reply.text().contains("/items/2"), "{}", reply.text());
    assert_eq!(listed(&api).await, 0);
}

#[tokio::test]
async fn a_batch_is_bounded_and_needs_the_permission() {
    let api = Api::new().await;
    let many: Vec<Value> = (0..101).map(device).collect();
    assert_eq!(api.post(BATCH, &batch(&many, false)).await.refused(422, "too-many-items").unwrap(), "/items");
    api.post(BATCH, &batch(&[], false)).await.refused(422, "missing-field");
    api.post(BATCH, r#"{"items":[{"profile":"scep-device","subject":"CN=x","colour":1}]}"#)
        .await
        .refused(400, "unknown-field");
    api.post(BATCH, r#"{"items":["x"]}"#).await.refused(400, "type-mismatch");
    let auditor = api.token("a", "auditor").await;
    api.post_as(&auditor, BATCH, &batch(&[device(1)], true)).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_source_that_cannot_judge_shows_as_degraded_and_refuses_a_reload() {
    let api = Api::new().await;
    api.drop_rsa_profiles();
    let profile = "description = \"Asks.\"\nca = \"ec-issuing\"\napproval = \"challenge\"\nkeys = [\"p-256\"]\n\
        validity = \"30d\"\n[subject]\nCN = { from = \"request\" }\n[usage]\nkey = [\"digitalSignature\"]\n\
        extended = [\"clientAuth\"]\n[challenge]\nsource = \"webhook\"\nurl = \"https://inventory.example/\"\n\
        secret_file = \"/nowhere/secret\"\n";
    std::fs::write(api.state.policies.join("profiles/asks.toml"), profile).unwrap();
    let refused = api.post("/api/v1/profiles/reload", "").await;
    refused.refused(422, "bad-policies");
    assert!(
        refused.text().contains("asks.toml:14: the secret file /nowhere/secret cannot be read"),
        "{}",
        refused.text()
    );
    let well = async || {
        let health = api.get("/api/v1/health").await.done(200);
        let checks = health["checks"].as_array().unwrap().clone();
        checks.into_iter().find(|c| c["name"] == "challenges asks (webhook)")
    };
    assert!(well().await.is_none(), "the old set stays in force");

    // as at a start, where the rest must serve
    api.state.desk.profiles.swap(signet::ca::profile::ProfileSet::load(&api.state.policies).unwrap());
    let check = well().await.unwrap();
    assert!(
        check["status"] == "degraded" && check["detail"].as_str().unwrap().contains("cannot be read"),
        "{check}"
    );
    let shown = api.get("/api/v1/profiles/asks").await.done(200);
    assert_eq!(shown["challenge_source"], "webhook");
    let plain = signet::admin::plain_router(api.state.clone());
    let request = axum::http::Request::get("/readyz").body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(plain, request).await.unwrap();
    assert_eq!(response.status(), 200, "the rest serves");
    let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
    assert_eq!(body, "ready\ndegraded: a challenge source does not answer\n");
}
