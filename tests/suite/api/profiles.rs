//! Profiles and roles over the API: shown, checked, reloaded as a whole.

use super::fixture::Api;

#[tokio::test]
async fn profiles_are_listed_and_shown_with_their_file() {
    let api = Api::bare().await;
    let list = api.get("/api/v1/profiles").await.done(200);
    let item = list["items"].as_array().unwrap().iter().find(|p| p["id"] == "tls-server").unwrap();
    assert_eq!(item["ca"], "ec-issuing");
    assert!(item.get("source").is_none());
    let shown = api.get("/api/v1/profiles/tls-server").await.done(200);
    assert!(shown["source"].as_str().unwrap().contains("ec-issuing"));
    api.get("/api/v1/profiles/nobody").await.refused(404, "not-found");
}

#[tokio::test]
async fn a_bad_profile_or_role_leaves_the_old_set_in_force() {
    let api = Api::bare().await;
    let good = api.post("/api/v1/profiles/reload", "").await.done(200);
    assert!(good["profiles"].as_u64().unwrap() >= 9);
    std::fs::write(api.state.policies.join("roles.toml"), "[roles.x]\npowers = 1\n").unwrap();
    std::fs::write(api.state.policies.join("profiles/broken.toml"), "nonsense = true\n").unwrap();
    let faults = api.post("/api/v1/profiles/check", "").await.done(200);
    let faults = faults["faults"].as_array().unwrap();
    assert!(
        faults.iter().any(|f| f["file"].as_str().unwrap().ends_with("roles.toml") && f["line"] == 2),
        "{faults:?}"
    );
    assert!(faults.iter().any(|f| f["file"].as_str().unwrap().contains("broken.toml")), "{faults:?}");
    let reply = api.post("/api/v1/profiles/reload", "").await;
    reply.refused(422, "bad-policies");
    assert!(reply.text().contains("broken.toml"), "{}", reply.text());
    api.get("/api/v1/profiles/tls-server").await.done(200);
    api.get("/api/v1/tokens").await.done(200);
}

#[tokio::test]
async fn a_new_set_of_roles_is_in_force_at_once_and_recorded() {
    let api = Api::bare().await;
    let auditor = api.token("eve", "auditor").await;
    api.get_as(&auditor, "/api/v1/audit").await.done(200);
    let roles = "[roles.administrator]\ndescription = \"all\"\npermissions = [\"tokens:manage\", \"profiles:reload\", \"audit:read\"]\n";
    std::fs::write(api.state.policies.join("roles.toml"), roles).unwrap();
    api.post("/api/v1/profiles/reload", "").await.done(200);
    api.get_as(&auditor, "/api/v1/audit").await.refused(403, "forbidden");
    let log = api.get("/api/v1/audit?action=policies.reload").await.done(200);
    assert_eq!(log["items"][0]["actor"], "operator admin");
}
