//! Profiles and roles over the API: shown, checked, reloaded as a whole.

use signet::admin::policies;
use signet::audit::Actor;

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
    let api = Api::new().await;
    api.drop_rsa_profiles();
    let good = api.post("/api/v1/profiles/reload", "").await.done(200);
    assert!(good["profiles"].as_u64().unwrap() >= 5);
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
    let api = Api::new().await;
    api.drop_rsa_profiles();
    let auditor = api.token("eve", "auditor").await;
    api.get_as(&auditor, "/api/v1/audit").await.done(200);
    let roles = "[roles.administrator]\ndescription = \"all\"\npermissions = [\"tokens:manage\", \"profiles:reload\", \"audit:read\"]\n";
    std::fs::write(api.state.policies.join("roles.toml"), roles).unwrap();
    api.post("/api/v1/profiles/reload", "").await.done(200);
    api.get_as(&auditor, "/api/v1/audit").await.refused(403, "forbidden");
    let log = api.get("/api/v1/audit?action=policies.reload").await.done(200);
    assert_eq!(log["items"][0]["actor"], "operator admin");
}

#[tokio::test]
async fn adminjson_39_profiles_are_held_against_the_cas_as_they_are() {
    let api = Api::new().await;
    api.drop_rsa_profiles();
    let profile = api.state.policies.join("profiles/tls-server.toml");
    let sound = std::fs::read_to_string(&profile).unwrap();
    let cases = [
        ("ca = \"ec-issuing\"", "ca = \"nowhere\"", "no CA named nowhere"),
        ("ca = \"ec-issuing\"", "ca = \"ec-root\"", "name an issuing CA"),
        ("validity = \"90d\"", "validity = \"3653d\"", "longer than the CA ec-issuing lives"),
        ("validity = \"90d\"", "validity = \"90d\"\ndigest = \"sha512\"", "does not sign with this digest"),
    ];
    for (from, to, reason) in cases {
        assert!(sound.contains(from));
        std::fs::write(&profile, sound.replacen(from, to, 1)).unwrap();
        let found = api.post("/api/v1/profiles/check", "").await.done(200);
        let faults = found["faults"].as_array().unwrap();
        assert_eq!(faults.len(), 1, "{found}");
        assert_eq!(faults[0]["file"], "tls-server.toml");
        assert!(faults[0]["line"].as_u64().unwrap() > 1, "{found}");
        assert!(faults[0]["reason"].as_str().unwrap().contains(reason), "{found}");
        let reply = api.post("/api/v1/profiles/reload", "").await;
        reply.refused(422, "bad-policies");
        assert!(reply.text().contains(reason), "{}", reply.text());
    }
    let standing = api.get("/api/v1/profiles/tls-server").await.done(200);
    assert_eq!((&standing["ca"], &standing["validity_days"]), (&"ec-issuing".into(), &90.into()));
    std::fs::write(&profile, sound).unwrap();
    api.post("/api/v1/profiles/reload", "").await.done(200);
}

#[tokio::test]
async fn reloads_go_one_after_another_and_to_their_end() {
    let api = Api::new().await;
    api.drop_rsa_profiles();
    let profile = api.state.policies.join("profiles/tls-server.toml");
    let text = std::fs::read_to_string(&profile).unwrap().replace("\"90d\"", "\"30d\"");
    std::fs::write(&profile, text).unwrap();
    // The client goes away as soon as it has asked.
    tokio::select! {
        biased;
        _ = policies::reload(&api.state, Actor::System) => panic!("it waits for the disk"),
        () = std::future::ready(()) => {}
    }
    api.post("/api/v1/profiles/reload", "").await.done(200);
    let log = api.get("/api/v1/audit?action=policies.reload").await.done(200);
    assert_eq!(log["items"].as_array().unwrap().len(), 2, "{log}");
    assert_eq!(api.get("/api/v1/profiles/tls-server").await.done(200)["validity_days"], 30);
}
