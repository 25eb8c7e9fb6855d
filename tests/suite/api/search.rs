//! Certificates are found by what an index orders, page by page, each once.

use std::time::Duration;

use serde_json::Value;

use super::fixture::{Api, YEAR, csr, issue_body};

const CERTIFICATES: &str = "/api/v1/certificates";

async fn issue(api: &Api, profile: &str, names: &[&str]) -> Value {
    api.clock().advance(Duration::from_secs(1));
    api.post(CERTIFICATES, &issue_body(profile, &csr(names[0], names))).await.done(201)
}

/// The common names found, in order, through all pages of two.
async fn found(api: &Api, query: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut path = format!("{CERTIFICATES}?limit=2&{query}");
    for _ in 0..50 {
        let page = api.get(&path).await.done(200);
        for item in page["items"].as_array().unwrap() {
            assert!(item.get("pem").is_none(), "a list carries no certificates");
            names.push(item["subject"].as_str().unwrap().trim_start_matches("CN=").to_owned());
        }
        let Some(next) = page["next"].as_str() else { return names };
        path = format!("{CERTIFICATES}?limit=2&{query}&cursor={next}");
    }
    panic!("the pages never end: {query}");
}

async fn estate() -> (Api, Value) {
    let api = Api::new().await;
    issue(&api, "tls-server", &["alpha.example.com"]).await;
    issue(&api, "tls-multi-server", &["beta.example.com", "www.beta.example.com", "bet.example.com"]).await;
    issue(&api, "tls-server", &["gamma.example.org"]).await;
    issue(&api, "tls-multi-server", &["delta.example.com", "beta-2.example.com"]).await;
    let last = issue(&api, "tls-server", &["epsilon.example.com"]).await;
    (api, last)
}

#[tokio::test]
async fn without_a_filter_the_newest_come_first() {
    let (api, _) = estate().await;
    let names = found(&api, "").await;
    let expected = [
        "epsilon.example.com",
        "delta.example.com",
        "gamma.example.org",
        "beta.example.com",
        "alpha.example.com",
    ];
    assert_eq!(names, expected);
    assert_eq!(found(&api, "profile=tls-multi-server").await, ["delta.example.com", "beta.example.com"]);
}

#[tokio::test]
async fn serial_and_fingerprint_find_one() {
    let (api, last) = estate().await;
    let serial = last["serial"].as_str().unwrap();
    assert_eq!(found(&api, &format!("serial={}", serial.to_lowercase())).await, ["epsilon.example.com"]);
    let print = last["fingerprint_sha256"].as_str().unwrap();
    assert_eq!(found(&api, &format!("fingerprint={print}")).await, ["epsilon.example.com"]);
    assert!(found(&api, &format!("serial={serial}&profile=tls-client")).await.is_empty());
    assert!(found(&api, "serial=01").await.is_empty());
    api.get(&format!("{CERTIFICATES}?fingerprint=abc")).await.refused(422, "invalid-fingerprint");
    api.get(&format!("{CERTIFICATES}?serial=xyz")).await.refused(422, "invalid-serial");
}

#[tokio::test]
async fn words_find_by_their_beginning_and_each_certificate_once() {
    let (api, _) = estate().await;
    let mut names = found(&api, "q=bet").await;
    names.sort();
    assert_eq!(names, ["beta.example.com", "delta.example.com"], "each is found by several of its words");
    assert_eq!(found(&api, "q=exam").await.len(), 5);
    assert_eq!(found(&api, "q=GAMMA").await, ["gamma.example.org"]);
    assert_eq!(found(&api, "q=gamma.example.org").await, ["gamma.example.org"]);
    assert_eq!(found(&api, "q=example+delt").await, ["delta.example.com"]);
    assert_eq!(found(&api, "q=example&profile=tls-multi-server").await.len(), 2);
    assert!(found(&api, "q=xample").await.is_empty());
}

#[tokio::test]
async fn status_and_the_expiry_window_are_told_by_the_time() {
    let (api, last) = estate().await;
    let path = format!("{CERTIFICATES}/{}/revoke", last["serial"].as_str().unwrap());
    api.post(&path, r#"{"reason":"superseded"}"#).await.done(200);
    assert_eq!(found(&api, "status=revoked").await, ["epsilon.example.com"]);
    assert_eq!(found(&api, "status=good").await.len(), 4);
    assert!(found(&api, "status=expired").await.is_empty());
    let (start, end) = ("2000-01-01T00:00:00Z", "2999-01-01T00:00:00Z");
    assert_eq!(found(&api, &format!("expires_after={start}&expires_before={end}")).await.len(), 5);
    assert!(found(&api, &format!("expires_before={start}")).await.is_empty());
    assert_eq!(found(&api, &format!("status=good&expires_before={end}&q=beta")).await.len(), 2);

    let auditor = api.token("long", "auditor").await;
    api.clock().advance(YEAR - Duration::from_hours(1));
    let page = api.get_as(&auditor, &format!("{CERTIFICATES}?status=expired")).await.done(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 4, "revoked is not expired");
    let page = api.get_as(&auditor, &format!("{CERTIFICATES}?status=good")).await.done(200);
    assert!(page["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn what_no_index_orders_is_refused_with_a_hint() {
    let api = Api::bare().await;
    for query in ["requester=admin", "q=a&device=b", "serial=01&q=a", "ca=ec-issuing", "issued_at=x"] {
        let reply = api.get(&format!("{CERTIFICATES}?{query}")).await;
        reply.refused(422, "unsupported-filter");
        assert!(reply.text().contains("what combines is"), "{}", reply.text());
    }
    api.get(&format!("{CERTIFICATES}?colour=red")).await.refused(400, "unknown-parameter");
    api.get(&format!("{CERTIFICATES}?status=fine")).await.refused(422, "invalid-status");
}

#[tokio::test]
async fn adminjson_21_22_quotes_and_filter_characters_are_data() {
    let (api, _) = estate().await;
    let hostile = [
        "q=%27+OR+1=1;--",
        "device=%27;DROP+TABLE+x;--",
        "device=*)(uid=*",
        "q=%22",
        "device=%0d%0a",
        "device=%00",
    ];
    for query in hostile {
        assert!(found(&api, query).await.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn adminjson_23_patterns_are_refused() {
    let api = Api::bare().await;
    for query in ["q=(a%2b)%2b$", "q=a*", "q=^a", "q=[a-z]", "q=a%7cb"] {
        api.get(&format!("{CERTIFICATES}?{query}")).await.refused(422, "pattern-not-allowed");
    }
    api.get(&format!("{CERTIFICATES}?q=*.example.com")).await.done(200);
}

#[tokio::test]
async fn adminjson_25_a_cursor_goes_with_its_filters() {
    let (api, _) = estate().await;
    let page = api.get(&format!("{CERTIFICATES}?limit=1&profile=tls-server")).await.done(200);
    let next = page["next"].as_str().unwrap();
    api.get(&format!("{CERTIFICATES}?profile=tls-server&cursor={next}")).await.done(200);
    api.get(&format!("{CERTIFICATES}?cursor={next}")).await.refused(422, "invalid-cursor");
    api.get(&format!("{CERTIFICATES}?profile=tls-client&cursor={next}")).await.refused(422, "invalid-cursor");
    api.get(&format!("{CERTIFICATES}?limit=0")).await.refused(422, "invalid-cursor");
}
