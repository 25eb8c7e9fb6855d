//! Requests that wait: seen, approved by another, denied, and decided once.

use signet::ca::profile::ProfileSet;

use super::fixture::{Api, csr, issue_body};

const CERTIFICATES: &str = "/api/v1/certificates";

/// The API with `tls-server` on manual approval, and a request of the first administrator that waits.
async fn waiting() -> (Api, String) {
    let api = Api::new().await;
    let file = api.state.policies.join("profiles/tls-server.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let manual = text.replace("approval = \"automatic\"", "approval = \"manual\"");
    assert_ne!(manual, text, "the shipped profile is not automatic");
    std::fs::write(&file, manual).unwrap();
    api.state.desk.profiles.swap(ProfileSet::load(&api.state.policies).unwrap());
    let body = issue_body("tls-server", &csr("a.example.com", &["a.example.com"]));
    let reply = api.post(CERTIFICATES, &body).await;
    let location = reply.header("location").unwrap().to_owned();
    let id = reply.done(202)["request"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("/api/v1/requests/{id}"));
    (api, location)
}

#[tokio::test]
async fn a_request_is_seen_approved_and_its_certificate_given() {
    let (api, path) = waiting().await;
    let list = api.get("/api/v1/requests?state=pending").await.done(200);
    assert_eq!(list["items"][0]["requester"], "operator admin");
    assert_eq!(list["items"][0]["sans"], serde_json::json!(["dns:a.example.com"]));
    let shown = api.get(&path).await.done(200);
    assert_eq!(shown["sans"], serde_json::json!(["dns:a.example.com"]));
    assert!(shown["csr_pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
    let other = api.token("boss", "operator").await;
    let approved =
        api.post_as(&other, &format!("{path}/approve"), r#"{"comment":"known host"}"#).await.done(200);
    assert_eq!(
        (&approved["request"]["state"], &approved["request"]["decided_by"]),
        (&"issued".into(), &"operator boss".into())
    );
    assert_eq!(approved["request"]["sans"], shown["sans"]);
    assert_eq!(approved["request"]["serial"], approved["certificate"]["serial"]);
    assert!(
        api.get("/api/v1/requests?state=pending").await.done(200)["items"].as_array().unwrap().is_empty()
    );
    assert_eq!(
        api.get("/api/v1/requests?state=issued").await.done(200)["items"].as_array().unwrap().len(),
        1
    );
    api.get("/api/v1/requests?state=lost").await.refused(422, "invalid-state");
}

#[tokio::test]
async fn adminjson_35_of_two_approvals_at_once_one_wins() {
    let (api, path) = waiting().await;
    let (one, two) = (api.token("one", "operator").await, api.token("two", "operator").await);
    let approve = format!("{path}/approve");
    let (a, b) = tokio::join!(api.post_as(&one, &approve, ""), api.post_as(&two, &approve, "{}"));
    let mut answers = [a, b];
    answers.sort_by_key(|reply| reply.status.as_u16());
    assert_eq!(answers[0].status.as_u16(), 200, "{}", answers[0].text());
    answers[1].refused(409, "state-conflict");
    assert_eq!(api.get(CERTIFICATES).await.done(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn adminjson_36_who_asked_does_not_decide() {
    let (api, path) = waiting().await;
    api.post(&format!("{path}/approve"), "{}").await.refused(403, "self-approval");
    let other = api.token("boss", "operator").await;
    let denied = api.post_as(&other, &format!("{path}/deny"), r#"{"comment":"unknown"}"#).await.done(200);
    assert_eq!((&denied["state"], &denied["comment"]), (&"denied".into(), &"unknown".into()));
    api.post_as(&other, &format!("{path}/approve"), "{}").await.refused(409, "state-conflict");
}
