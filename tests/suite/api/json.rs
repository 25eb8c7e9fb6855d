//! The catalogue's ADMINJSON rows on bodies: `POST /tokens`, which has each sort of field but numbers, and others.

use super::fixture::{Api, csr};

const TOKENS: &str = "/api/v1/tokens";

async fn refused(api: &Api, body: &str, status: u16, code: &str) -> Option<String> {
    api.post(TOKENS, body).await.refused(status, code)
}

#[tokio::test]
async fn adminjson_01_what_is_not_json_is_refused_with_its_place() {
    let api = Api::bare().await;
    for body in
        ["", "{", "nothing", "{\"name\": \"a\",}", "[1,]", "{} {}", "{'name':1}", "{\"a\":\"\t\"}", "tru"]
    {
        let reply = api.post(TOKENS, body).await;
        reply.refused(400, "invalid-json");
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("line 1, column "), "{body}: {detail}");
    }
    let reply = api.post(TOKENS, "{\n  \"name\": \"ü\", oops\n}").await;
    assert!(reply.json()["detail"].as_str().unwrap().starts_with("line 2, column 16:"), "{}", reply.text());
}

#[tokio::test]
async fn adminjson_02_another_type_is_a_mismatch_at_its_pointer() {
    let api = Api::bare().await;
    for body in ["[]", "\"text\"", "1", "true", "null"] {
        assert_eq!(refused(&api, body, 400, "type-mismatch").await.as_deref(), Some(""), "{body}");
    }
    for name in ["1", "[]", "{}", "true"] {
        let body = format!("{{\"name\": {name}, \"role\": \"auditor\"}}");
        assert_eq!(refused(&api, &body, 400, "type-mismatch").await.as_deref(), Some("/name"));
    }
    let challenge = r#"{"profile":"scep-device","subject":"CN=a","sans":["dns:a",1]}"#;
    let reply = api.post("/api/v1/challenges", challenge).await;
    assert_eq!(reply.refused(400, "type-mismatch").as_deref(), Some("/sans/1"));
}

#[tokio::test]
async fn adminjson_03_a_name_that_stands_twice_is_refused() {
    let api = Api::bare().await;
    let body = r#"{"name":"a","role":"auditor","role":"administrator"}"#;
    assert_eq!(refused(&api, body, 400, "duplicate-key").await.as_deref(), Some("/role"));
    let escaped = r#"{"name":"a","role":"auditor","rol\u0065":"administrator"}"#;
    refused(&api, escaped, 400, "duplicate-key").await;
}

#[tokio::test]
async fn adminjson_05_06_what_is_needed_may_be_neither_missing_nor_null() {
    let api = Api::bare().await;
    assert_eq!(refused(&api, r#"{"name":"a"}"#, 422, "missing-field").await.as_deref(), Some("/role"));
    assert_eq!(refused(&api, "{}", 422, "missing-field").await.as_deref(), Some("/name"));
    let null = r#"{"name":null,"role":"auditor"}"#;
    assert_eq!(refused(&api, null, 422, "null-not-allowed").await.as_deref(), Some("/name"));
}

#[tokio::test]
async fn adminjson_08_39_numbers_outside_their_range_are_refused_not_rounded() {
    let api = Api::bare().await;
    let numbers = ["9007199254740993", "18446744073709551616", "-1", "1e400", "NaN", "Infinity", "-Infinity"];
    for number in numbers.into_iter().chain(["0", "1000000", "1.5", "3650.0", "1e2"]) {
        let body = format!(
            r#"{{"id":"x","role":"root","algorithm":"p-256","external":false,"validity_days":{number}}}"#
        );
        let reply = api.post("/api/v1/cas", &body).await;
        assert_eq!(reply.refused(422, "out-of-range").as_deref(), Some("/validity_days"), "{number}");
    }
}

#[tokio::test]
async fn adminjson_09_other_spellings_of_numbers_are_no_json() {
    let api = Api::bare().await;
    for number in ["-0", "-0.0", "007", "0x1F", "+1", ".5", "1.", "1e", "-", "01"] {
        refused(&api, &format!(r#"{{"name":{number}}}"#), 400, "invalid-json").await;
    }
}

#[tokio::test]
async fn adminjson_11_a_body_over_its_limit_is_refused() {
    let api = Api::bare().await;
    let long = format!(r#"{{"name":"{}","role":"auditor"}}"#, "x".repeat(10 << 20));
    refused(&api, &long, 413, "body-too-large").await;
    let key = format!(r#"{{"{}":1}}"#, "x".repeat(1 << 20));
    refused(&api, &key, 413, "body-too-large").await;
}

#[tokio::test]
async fn adminjson_12_too_many_elements_are_refused() {
    let api = Api::bare().await;
    let many = format!(r#"{{"profile":"p","subject":"CN=a","sans":[{}"dns:a"]}}"#, "\"dns:a\",".repeat(1000));
    let reply = api.post("/api/v1/challenges", &many).await;
    assert_eq!(reply.refused(422, "too-many-items").as_deref(), Some("/sans"));
    // A million do not fit into a body; the reader stops all the same.
    let million = format!("[{}1]", "1,".repeat(999_999));
    let limits = signet::admin::api::json::Limits::default();
    let error = signet::admin::api::json::reader::parse(million.as_bytes(), limits).unwrap_err();
    assert_eq!(error.code(), "too-many-items");
    let deep = "[".repeat(100_000);
    assert_eq!(
        signet::admin::api::json::reader::parse(deep.as_bytes(), limits).unwrap_err().code(),
        "too-deep"
    );
}

#[tokio::test]
async fn adminjson_13_15_only_plain_utf8_is_read() {
    let api = Api::bare().await;
    refused(&api, "\u{feff}{\"name\":\"a\",\"role\":\"auditor\"}", 400, "invalid-json").await;
    for lone in [r"\ud800", r"\udc00", r"\ud800\u0041", r"\ud800x", r"\udfff\ud800"] {
        refused(&api, &format!(r#"{{"name":"{lone}","role":"auditor"}}"#), 400, "invalid-utf8").await;
    }
    let token = super::fixture::bearer(&api.admin);
    let headers = [("authorization", &*token), ("content-type", "application/json")];
    for bytes in [&b"{\"name\":\"\xff\"}"[..], b"{\"name\":\"\xc0\xaf\"}", b"{\"name\":\"\xed\xa0\x80\"}"] {
        api.call(axum::http::Method::POST, TOKENS, &headers, bytes).await.refused(400, "invalid-utf8");
    }
}

#[tokio::test]
async fn adminjson_16_control_characters_do_not_stand_in_names_or_secrets() {
    let api = Api::bare().await;
    for escape in [r"\u0000", r"\n", r"\u007f", r"\u0085"] {
        let body = format!(r#"{{"name":"a{escape}b","role":"auditor"}}"#);
        assert_eq!(refused(&api, &body, 422, "control-character").await.as_deref(), Some("/name"));
    }
    let reply = api.post("/api/v1/cas/ec-root/key/export", r#"{"passphrase":"twelve letters\u0000"}"#).await;
    assert_eq!(reply.refused(422, "control-character").as_deref(), Some("/passphrase"));
}

#[tokio::test]
async fn adminjson_18_names_that_look_alike_are_refused() {
    let api = Api::bare().await;
    for name in ["adm\\u200bin", "\\u202enimda", "аdmin", "p\\u2060hone", "\\ufeffa"] {
        let body = format!(r#"{{"name":"{name}","role":"auditor"}}"#);
        assert_eq!(refused(&api, &body, 422, "confusable-name").await.as_deref(), Some("/name"), "{name}");
        let body = format!(r#"{{"profile":"{name}","csr":"x"}}"#);
        let reply = api.post("/api/v1/certificates", &body).await;
        assert_eq!(reply.refused(422, "confusable-name").as_deref(), Some("/profile"), "{name}");
    }
}

#[tokio::test]
async fn adminjson_19_one_name_in_two_forms_is_one_name() {
    let api = Api::bare().await;
    let composed = r#"{"name":"Jos\u00e9","role":"auditor"}"#;
    let decomposed = r#"{"name":"Jose\u0301","role":"auditor"}"#;
    assert_eq!(api.post(TOKENS, composed).await.done(201)["name"], "José");
    refused(&api, decomposed, 409, "already-exists").await;
}

#[tokio::test]
async fn adminjson_22_directory_filter_characters_are_data() {
    let api = Api::bare().await;
    let body = r#"{"name":"*)(uid=*))(|(uid=*","role":"auditor"}"#;
    assert_eq!(api.post(TOKENS, body).await.done(201)["name"], "*)(uid=*))(|(uid=*");
}

#[tokio::test]
async fn adminjson_26_http_30_31_other_media_types_are_refused() {
    let api = Api::bare().await;
    let bearer = super::fixture::bearer(&api.admin);
    let body = br#"{"name":"a","role":"auditor"}"#;
    let long = format!("application/json; x={}", "y".repeat(1024));
    let types = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-8; charset=utf-8",
        "application/json; charset=latin1",
        "application/pkcs10",
        &long,
    ];
    for media in types {
        let headers = [("authorization", &*bearer), ("content-type", media)];
        api.call(axum::http::Method::POST, TOKENS, &headers, body)
            .await
            .refused(415, "unsupported-media-type");
    }
    let none = [("authorization", &*bearer)];
    api.call(axum::http::Method::POST, TOKENS, &none, body).await.refused(415, "unsupported-media-type");
    let twice =
        [("authorization", &*bearer), ("content-type", "application/json"), ("content-type", "text/plain")];
    api.call(axum::http::Method::POST, TOKENS, &twice, body).await.refused(415, "unsupported-media-type");
    let plain = [("authorization", &*bearer), ("content-type", "Application/JSON; charset=\"UTF-8\"")];
    api.call(axum::http::Method::POST, TOKENS, &plain, body).await.done(201);
}

#[tokio::test]
async fn adminjson_31_fields_that_nobody_asked_for_are_refused() {
    let api = Api::bare().await;
    for field in ["is_admin", "ca_key", "serial", "status", "id", "token"] {
        let body = format!(r#"{{"name":"a","role":"auditor","{field}":true}}"#);
        let pointer = refused(&api, &body, 400, "unknown-field").await;
        assert_eq!(pointer, Some(format!("/{field}")));
    }
    let verify = r#"{"head":{"seq":1,"hash":"","at":"","key_id":"","signature":"","more":1}}"#;
    let reply = api.post("/api/v1/audit/verify", verify).await;
    assert_eq!(reply.refused(400, "unknown-field").as_deref(), Some("/head/more"));
}

#[tokio::test]
async fn adminjson_49_a_private_key_in_a_public_field_is_refused_and_not_repeated() {
    let api = Api::new().await;
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let body =
        serde_json::json!({ "profile": "tls-server", "csr": format!("{}{key}", csr("a.example", &[])) });
    let reply = api.post("/api/v1/certificates", &body.to_string()).await;
    assert_eq!(reply.refused(422, "private-key-not-accepted").as_deref(), Some("/csr"));
    assert!(!reply.text().contains("MIG"), "the key stands in the answer");
    let reply =
        api.post("/api/v1/cas/x/certificate", &serde_json::json!({ "chain_pem": key }).to_string()).await;
    assert_eq!(reply.refused(422, "private-key-not-accepted").as_deref(), Some("/chain_pem"));
}

#[tokio::test]
async fn adminjson_52_durations_have_one_form() {
    let api = Api::bare().await;
    for ttl in ["P1Y2M", "1d;rm", "* * * * * *", "0s", "-1h", "1"] {
        let body = format!(r#"{{"name":"a","role":"auditor","ttl":"{ttl}"}}"#);
        assert_eq!(refused(&api, &body, 422, "invalid-duration").await.as_deref(), Some("/ttl"));
    }
    let body = r#"{"name":"a","role":"auditor","ttl":"999999d"}"#;
    assert_eq!(refused(&api, body, 422, "out-of-range").await.as_deref(), Some("/ttl"));
}
