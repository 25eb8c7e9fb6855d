//! The audit log over the API.

use super::fixture::Api;

#[tokio::test]
async fn entries_are_listed_newest_first_and_filtered() {
    let api = Api::bare().await;
    for i in 0..4 {
        api.token(&format!("t{i}"), "auditor").await;
    }
    let page = api.get("/api/v1/audit?limit=2").await.done(200);
    assert_eq!((&page["items"][0]["seq"], &page["next"]), (&5.into(), &"4".into()));
    assert_eq!(page["items"][0]["hash"].as_str().unwrap().len(), 64);
    let page = api.get("/api/v1/audit?limit=2&before=4").await.done(200);
    assert_eq!(page["items"][0]["seq"], 3);
    let page = api.get("/api/v1/audit?before=2").await.done(200);
    assert!(page["next"].is_null());
    let subject = page["items"][0]["subject"].as_str().unwrap().to_owned();
    let page = api.get(&format!("/api/v1/audit?subject={subject}")).await.done(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["items"][0]["details"]["name"], "admin");
    api.get("/api/v1/audit?subject=a&action=b").await.refused(422, "unsupported-filter");
    api.get("/api/v1/audit?before=x").await.refused(422, "invalid-cursor");
}

#[tokio::test]
async fn adminjson_55_a_line_break_in_a_search_stays_within_one_escaped_line() {
    let api = Api::bare().await;
    let page = api.get("/api/v1/audit?subject=token:%0d%0aforged").await;
    assert!(!page.text().contains('\n') && !page.text().contains('\r'), "{}", page.text());
    assert!(page.done(200)["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn the_log_is_verified_also_against_a_kept_head_and_the_store_checked() {
    let api = Api::bare().await;
    assert_eq!(api.post("/api/v1/audit/verify", "").await.done(200)["entries"], 7);
    let head = r#"{"head":{"seq":9,"hash":"ab","at":"2026-11-22T01:26:00Z","key_id":"k","signature":"s"}}"#;
    assert_eq!(api.post("/api/v1/audit/verify", head).await.done(200)["entries"], 9);
    let missing = r#"{"head":{"hash":"ab","at":"x","key_id":"k","signature":"s"}}"#;
    let reply = api.post("/api/v1/audit/verify", missing).await;
    assert_eq!(reply.refused(422, "missing-field").as_deref(), Some("/head/seq"));
    api.get("/api/v1/audit/head").await.refused(404, "not-found");
    api.get("/api/v1/check").await.refused(404, "not-found");
    let checked = api.post("/api/v1/check", "").await.done(200);
    assert_eq!(checked["ok"], true);
    // Whoever was told that it goes on asks so for its end.
    assert_eq!(api.get("/api/v1/check").await.done(200), checked);
    let enroller = api.token("e", "enroller").await;
    api.post_as(&enroller, "/api/v1/check", "").await.refused(403, "forbidden");
    api.get_as(&enroller, "/api/v1/audit").await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_token_cannot_fill_the_log_with_its_refusals() {
    let api = Api::bare().await;
    let enroller = api.token("e", "enroller").await;
    for _ in 0..30 {
        api.get_as(&enroller, "/api/v1/audit").await.refused(403, "forbidden");
    }
    let recorded = "/api/v1/audit?action=api.refuse&limit=100";
    assert_eq!(api.get(recorded).await.done(200)["items"].as_array().unwrap().len(), 10);
    let other = api.token("f", "enroller").await;
    api.get_as(&other, "/api/v1/audit").await.refused(403, "forbidden");
    let log = api.get(recorded).await.done(200);
    assert_eq!(log["items"].as_array().unwrap().len(), 11, "another token is another count");
    assert_eq!(log["items"][0]["details"]["refusals-not-recorded"], "20");
    api.clock().advance(std::time::Duration::from_secs(60));
    api.get_as(&enroller, "/api/v1/audit").await.refused(403, "forbidden");
    assert_eq!(api.get(recorded).await.done(200)["items"].as_array().unwrap().len(), 12);
}

#[tokio::test]
async fn one_long_look_into_the_store_goes_on_at_a_time() {
    let api = Api::bare().await;
    let closed = api.gate.lock().await;
    let first = async {
        loop {
            let reply = api.post("/api/v1/check", "").await;
            if reply.status != 503 {
                return reply;
            }
        }
    };
    let others = async {
        let refused = loop {
            let reply = api.post("/api/v1/audit/verify", "").await;
            if reply.status != 200 {
                break reply;
            }
        };
        refused.refused(503, "busy");
        assert!(refused.header("retry-after").is_some());
        api.post("/api/v1/check", "").await.refused(503, "busy");
        drop(closed);
    };
    let (checked, ()) = tokio::join!(first, others);
    checked.done(200);
    api.post("/api/v1/audit/verify", "").await.done(200);
}
