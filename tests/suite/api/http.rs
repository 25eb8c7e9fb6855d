//! The catalogue's HTTP rows that the router itself answers.

use axum::body::Body;
use axum::http::{Method, Request};

use super::fixture::{Api, bearer};

#[tokio::test]
async fn adminjson_28_http_36_37_every_bad_credential_is_answered_alike() {
    let api = Api::bare().await;
    let good = bearer(&api.admin);
    let long = format!("Basic {}", "QUFB".repeat(16 * 1024));
    let unknown = format!("Bearer signet_{}", "A".repeat(43));
    let alone: [&[(&str, &str)]; 11] = [
        &[],
        &[("authorization", "Bearer")],
        &[("authorization", "Bearer ")],
        &[("authorization", &unknown)],
        &[("authorization", "Bearer eyJhbGciOiJub25lIn0.e30.")],
        &[("authorization", "Basic YWRtaW46YWRtaW4=")],
        &[("authorization", "Basic ====")],
        &[("authorization", &long)],
        &[("authorization", "Digest username=x")],
        &[("authorization", &good), ("authorization", &good)],
        &[("authorization", &good[..good.len() - 1])],
    ];
    let mut answers = Vec::new();
    for headers in alone {
        let reply = api.call(Method::GET, "/api/v1/tokens", headers, b"").await;
        reply.refused(401, "unauthenticated");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        answers.push(reply.body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "the answers tell them apart");
    api.call(Method::GET, "/api/v1/tokens", &[("authorization", &good)], b"").await.done(200);
}

#[tokio::test]
async fn adminjson_29_a_role_without_the_permission_is_forbidden_and_the_refusal_recorded() {
    let api = Api::bare().await;
    let auditor = api.token("eve", "auditor").await;
    api.post_as(&auditor, "/api/v1/tokens", r#"{"name":"a","role":"administrator"}"#)
        .await
        .refused(403, "forbidden");
    api.get_as(&auditor, "/api/v1/tokens").await.refused(403, "forbidden");
    let log = api.get("/api/v1/audit?action=api.refuse").await.done(200);
    assert_eq!(log["items"][0]["actor"], "operator eve");
    assert_eq!(log["items"][0]["outcome"], "refused");
    assert_eq!(log["items"][0]["details"]["permission"], "tokens:manage");
}

#[tokio::test]
async fn http_10_11_other_methods_are_refused_with_those_allowed() {
    let api = Api::bare().await;
    for method in ["TRACE", "PUT", "PATCH", "get", "CONNECT"] {
        let reply = api.call(method.parse().unwrap(), "/api/v1/tokens", &[], b"").await;
        reply.refused(405, "method-not-allowed");
        let allowed = reply.header("allow").unwrap().to_owned();
        assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    }
}

#[tokio::test]
async fn http_13_41_headers_that_overrule_others_are_ignored() {
    let api = Api::bare().await;
    let auth = bearer(&api.admin);
    for header in ["x-http-method-override", "x-method-override", "x-http-method"] {
        let headers = [("authorization", &*auth), (header, "DELETE"), ("x-forwarded-for", "127.0.0.1")];
        let listed = api.call(Method::GET, "/api/v1/tokens", &headers, b"").await.done(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn http_14_16_other_spellings_of_a_path_are_other_paths() {
    let api = Api::bare().await;
    let paths = [
        "/api/v1/tokens/",
        "/api/v1/Tokens",
        "/API/v1/tokens",
        "//api/v1/tokens",
        "/api//v1/tokens",
        "/api/v1/%2e%2e/v1/tokens",
        "/api/v1/..;/v1/tokens",
        "/api/v1/tokens%00",
        "/api/v1/tokens;a=b",
        "/api/v1/%c0%af",
        "/api/v2/tokens",
        "/",
    ];
    for path in paths {
        let reply = api.get(path).await;
        assert!([400, 404].contains(&reply.status.as_u16()), "{path}: {}", reply.status);
    }
    for id in ["..%2f..%2fetc%2fpasswd", "%00", "%5c", "a%20b", "%c0%af"] {
        let reply = api.get(&format!("/api/v1/profiles/{id}")).await;
        assert!([400, 404].contains(&reply.status.as_u16()), "{id}: {}", reply.status);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{id}");
    }
}

#[tokio::test]
async fn http_17_a_parameter_twice_is_refused_and_so_is_an_unknown_one() {
    let api = Api::bare().await;
    api.get("/api/v1/tokens?limit=1&limit=2").await.refused(400, "duplicate-parameter");
    api.get("/api/v1/tokens?limit=1&l%69mit=2").await.refused(400, "duplicate-parameter");
    api.get("/api/v1/tokens?order=name").await.refused(400, "unknown-parameter");
    api.get("/api/v1/tokens?limit=%zz").await.refused(400, "invalid-query");
    api.get("/api/v1/tokens?limit=%ff").await.refused(400, "invalid-utf8");
}

#[tokio::test]
async fn http_20_27_40_43_44_what_does_not_matter_to_us_changes_nothing() {
    let api = Api::bare().await;
    let auth = bearer(&api.admin);
    let ranges = format!("bytes={}", "0-1,".repeat(1000));
    let extras = [
        ("accept", "image/png"),
        ("accept", "*/*;q=0.1, text/html"),
        ("range", &*ranges),
        ("upgrade", "h2c"),
        ("cookie", "session=fixed"),
    ];
    for extra in extras {
        let reply = api.call(Method::GET, "/api/v1/tokens", &[("authorization", &auth), extra], b"{}").await;
        assert_eq!(reply.header("content-type"), Some("application/json"), "{extra:?}");
        assert_eq!(reply.header("set-cookie"), None);
        reply.done(200);
    }
}

#[tokio::test]
async fn http_31_a_content_type_of_two_charsets_or_a_long_one_is_not_taken() {
    let api = Api::bare().await;
    let auth = bearer(&api.admin);
    let long = format!("application/json; {}=x", "a".repeat(1024));
    for media in [
        "application/json; charset=utf-8; charset=utf-7",
        "application/json; charset=utf-7",
        &long,
        "multipart/form-data; boundary=x",
        "multipart/form-data",
    ] {
        let headers = [("authorization", &*auth), ("content-type", media)];
        let reply = api.call(Method::POST, "/api/v1/tokens", &headers, b"{}").await;
        reply.refused(415, "unsupported-media-type");
    }
}

#[tokio::test]
async fn http_29_compressed_bodies_are_not_taken() {
    let api = Api::bare().await;
    let auth = bearer(&api.admin);
    for encoding in ["gzip", "br", "deflate", "identity, gzip"] {
        let headers =
            [("authorization", &*auth), ("content-type", "application/json"), ("content-encoding", encoding)];
        let reply = api.call(Method::POST, "/api/v1/tokens", &headers, b"\x1f\x8b").await;
        reply.refused(415, "unsupported-media-type");
    }
}

#[tokio::test]
async fn http_39_other_origins_are_given_nothing() {
    let api = Api::bare().await;
    let headers = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    let reply = api.call(Method::OPTIONS, "/api/v1/tokens", &headers, b"").await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    reply.refused(405, "method-not-allowed");
    let auth = bearer(&api.admin);
    let headers = [("origin", "https://evil.example"), ("authorization", &*auth)];
    let reply = api.call(Method::GET, "/api/v1/tokens", &headers, b"").await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn http_57_a_closed_store_is_answered_as_unavailable_and_changes_nothing() {
    let api = Api::bare().await;
    api.db().raw().close().await.unwrap();
    let reply = api.post("/api/v1/tokens", r#"{"name":"a","role":"auditor"}"#).await;
    assert_eq!(reply.status.as_u16(), 503, "{}", reply.text());
    assert!(reply.header("retry-after").is_some());
}

#[tokio::test]
async fn the_plain_listener_says_whether_all_serves_and_gives_metrics() {
    let api = Api::bare().await;
    let router = signet::admin::plain_router(api.state.clone());
    for (path, status) in [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/api/v1/version", 404)] {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn version_needs_no_token_and_health_any() {
    let api = Api::bare().await;
    let version = api.call(Method::GET, "/api/v1/version", &[], b"").await.done(200);
    assert_eq!(version["name"], "signet");
    api.call(Method::GET, "/api/v1/health", &[], b"").await.refused(401, "unauthenticated");
    let auditor = api.token("eve", "auditor").await;
    let health = api.get_as(&auditor, "/api/v1/health").await.done(200);
    assert_eq!(health["status"], "ok", "{health}");
}
