//! `api/openapi.json` says what the handlers do.

use std::path::Path;

/// Run with `UPDATE_OPENAPI=1` to rewrite the file.
#[test]
fn the_description_is_that_of_the_handlers() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("api/openapi.json");
    let made = signet::admin::api::openapi().unwrap();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == made,
        "api/openapi.json is not what the handlers say: run the test with UPDATE_OPENAPI=1"
    );
}

#[test]
fn every_operation_says_what_it_answers_and_who_may_ask() {
    let api: serde_json::Value = serde_json::from_str(&signet::admin::api::openapi().unwrap()).unwrap();
    let paths = api["paths"].as_object().unwrap();
    assert!(paths.len() > 20, "{}", paths.len());
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let open = path == "/api/v1/version";
            assert!(open || responses.contains_key("401"), "{method} {path}");
            assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
            assert!(
                operation["operationId"].is_string() && operation["summary"].is_string(),
                "{method} {path}"
            );
        }
    }
    assert_eq!(api["security"][0]["bearer"], serde_json::json!([]));
}
