//! Challenges over the API: shown once, listed without their secret, withdrawn.

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
