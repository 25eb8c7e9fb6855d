//! Tokens: made once, listed without themselves, revoked at once.

use super::fixture::{Api, YEAR};

const TOKENS: &str = "/api/v1/tokens";

#[tokio::test]
async fn a_token_is_shown_once_works_and_stops_working_when_revoked() {
    let api = Api::bare().await;
    let made = api.post(TOKENS, r#"{"name":"ci","role":"auditor","ttl":"1h"}"#).await.done(201);
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("signet_") && token.len() == 50, "{token}");
    api.get_as(token, "/api/v1/cas").await.done(200);

    let listed = api.get(TOKENS).await;
    assert!(!listed.text().contains(token), "the list shows the token");
    let listed = listed.done(200);
    let item = listed["items"].as_array().unwrap().iter().find(|t| t["name"] == "ci").unwrap().clone();
    assert_eq!(
        (&item["role"], &item["state"], &item["id"]),
        (&"auditor".into(), &"active".into(), &made["id"])
    );

    let path = format!("{TOKENS}/{}", made["id"].as_str().unwrap());
    api.delete(&path).await.done(204);
    api.get_as(token, "/api/v1/cas").await.refused(401, "unauthenticated");
    api.delete(&path).await.refused(409, "state-conflict");
    // Its name is free again.
    api.post(TOKENS, r#"{"name":"ci","role":"auditor"}"#).await.done(201);
}

#[tokio::test]
async fn a_token_stops_working_when_it_expires() {
    let api = Api::bare().await;
    let made = api.post(TOKENS, r#"{"name":"ci","role":"auditor","ttl":"1h"}"#).await.done(201);
    let token = made["token"].as_str().unwrap().to_owned();
    api.get_as(&token, "/api/v1/cas").await.done(200);
    api.clock().advance(std::time::Duration::from_hours(1));
    api.get_as(&token, "/api/v1/cas").await.refused(401, "unauthenticated");
    let listed = api.get(TOKENS).await.done(200);
    let item = listed["items"].as_array().unwrap().iter().find(|t| t["name"] == "ci").unwrap();
    assert_eq!(item["state"], "expired");
    api.clock().advance(YEAR);
    api.get(TOKENS).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn the_store_never_holds_a_token() {
    let api = Api::bare().await;
    let secret = api.admin.trim_start_matches("signet_").as_bytes().to_vec();
    let store = std::fs::read_dir(api.dir.path().join("store")).unwrap();
    let mut seen = 0;
    for file in store.map(|f| f.unwrap().path()).filter(|p| p.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        seen += bytes.len();
        assert!(!bytes.windows(secret.len()).any(|w| w == secret), "{}", file.display());
    }
    assert!(seen > 0);
}

#[tokio::test]
async fn a_replay_never_shows_the_token_again() {
    let api = Api::bare().await;
    let body = r#"{"name":"ci","role":"auditor"}"#;
    let first = api.post_once("k-1", TOKENS, body).await.done(201);
    let again = api.post_once("k-1", TOKENS, body).await;
    again.refused(409, "idempotency-replay");
    assert!(!again.text().contains(first["token"].as_str().unwrap()));
    let other = r#"{"name":"cd","role":"auditor"}"#;
    api.post_once("k-1", TOKENS, other).await.refused(422, "idempotency-mismatch");
    // A refusal leaves the key free.
    api.post_once("k-2", TOKENS, body).await.refused(409, "already-exists");
    api.post_once("k-2", TOKENS, other).await.done(201);
    // After a day the key is forgotten.
    api.clock().advance(std::time::Duration::from_hours(25));
    assert_eq!(signet::admin::sweep(&api.state, 100).await.unwrap(), 2);
    api.post_once("k-1", TOKENS, r#"{"name":"third","role":"auditor"}"#).await.done(201);
}

#[tokio::test]
async fn a_key_is_visible_ascii_and_sent_once() {
    let api = Api::bare().await;
    let long = "k".repeat(256);
    for key in ["", "a b", "ü", &long] {
        let reply = api.post_once(key, TOKENS, r#"{"name":"a","role":"auditor"}"#).await;
        reply.refused(400, "invalid-idempotency-key");
    }
}

#[tokio::test]
async fn names_and_roles_are_checked() {
    let api = Api::bare().await;
    for name in ["", " a", "a "] {
        let body = format!(r#"{{"name":"{name}","role":"auditor"}}"#);
        assert_eq!(api.post(TOKENS, &body).await.refused(422, "invalid-name").as_deref(), Some("/name"));
    }
    let reply = api.post(TOKENS, r#"{"name":"a","role":"king"}"#).await;
    assert_eq!(reply.refused(422, "unknown-role").as_deref(), Some("/role"));
    api.delete("/api/v1/tokens/nonsense").await.refused(404, "not-found");
    api.delete("/api/v1/tokens/01890a5d-ac96-774b-bcce-b302099a8057").await.refused(404, "not-found");
}

#[tokio::test]
async fn adminjson_25_pages_go_on_and_a_cursor_belongs_to_its_list_and_token() {
    let api = Api::bare().await;
    for i in 0..5 {
        api.token(&format!("t{i}"), "administrator").await;
    }
    let mut names = Vec::new();
    let mut path = format!("{TOKENS}?limit=2");
    let mut cursor = String::new();
    loop {
        let page = api.get(&path).await.done(200);
        names
            .extend(page["items"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = next.to_owned();
        path = format!("{TOKENS}?limit=2&cursor={next}");
    }
    assert_eq!(names, ["t4", "t3", "t2", "t1", "t0", "admin"]);

    for limit in ["0", "-1", "1000000000", "x", "1001"] {
        api.get(&format!("{TOKENS}?limit={limit}")).await.refused(422, "invalid-cursor");
    }
    let forged = format!("{}A{}", &cursor[..4], &cursor[5..]);
    for bad in ["x", "AAAA", "%00", &forged] {
        api.get(&format!("{TOKENS}?cursor={bad}")).await.refused(422, "invalid-cursor");
    }
    let other = api.token("other", "administrator").await;
    api.get_as(&other, &format!("{TOKENS}?cursor={cursor}")).await.refused(422, "invalid-cursor");
    api.get(&format!("/api/v1/challenges?cursor={cursor}")).await.refused(422, "invalid-cursor");
}
