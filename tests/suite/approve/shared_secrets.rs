//! One secret for all devices of a profile.

use std::os::unix::fs::PermissionsExt;

use signet::ca::profile::ProfileSet;
use signet::enrol::source::Sources;

use super::fixture::{Client, Office, secret};
use super::judges::{SECRET, profile, secret_file};

const CN: &str = "gw1.example";

async fn office(dir: &std::path::Path) -> Office {
    let file = dir.join("shared.secret").display().to_string();
    let lines =
        format!("source = \"shared-secret\"\nacknowledge_shared_secret = true\nsecret_file = \"{file}\"");
    Office::with(&[("shared", &profile(&lines))]).await
}

#[tokio::test]
async fn it_serves_every_device_and_is_marked_in_the_audit_log() {
    let dir = tempfile::tempdir().unwrap();
    secret_file(dir.path(), "shared.secret", SECRET);
    let office = office(dir.path()).await;
    for name in ["gw1", "gw2"] {
        let client = Client::new();
        office.issued(office.enrol(client.request("shared", client.csr(name, &[]), secret(SECRET))).await);
    }
    let marked = office.details("challenge.accept").await;
    assert!(marked.len() == 2 && marked.iter().all(|d| d["source"] == "shared-secret"), "{marked:?}");
    assert!(!format!("{marked:?}").contains(SECRET));
    let client = Client::new();
    for wrong in [&SECRET[1..], "guess", &format!("{SECRET} ")] {
        let request = client.request("shared", client.csr(CN, &[]), secret(wrong));
        assert_eq!(office.refusal(request).await, ("challenge-refused", "challenge not accepted".into()));
    }
    for _ in 0..3 {
        office.refusal(client.request("shared", client.csr(CN, &[]), secret("guess"))).await;
    }
    let slowed = client.request("shared", client.csr(CN, &[]), secret(SECRET));
    assert_eq!(office.refusal(slowed).await.0, "throttled");
}

#[tokio::test]
async fn it_is_changed_by_a_second_line_and_read_anew_with_the_profiles() {
    let dir = tempfile::tempdir().unwrap();
    secret_file(dir.path(), "shared.secret", SECRET);
    let office = office(dir.path()).await;
    let new = "another horse battery";
    let enrol = async |name: &str, password: &str| {
        let client = Client::new();
        office.enrol(client.request("shared", client.csr(name, &[]), secret(password))).await
    };
    assert!(enrol("gw1", new).await.is_err());
    let reload = || {
        let policies = office.dir.path().join("policies");
        office.desk.profiles.swap(ProfileSet::load(&policies).unwrap());
    };
    secret_file(dir.path(), "shared.secret", &format!("{SECRET}\n{new}\n"));
    reload();
    office.issued(enrol("gw2", SECRET).await);
    office.issued(enrol("gw3", new).await);
    secret_file(dir.path(), "shared.secret", new);
    reload();
    assert_eq!(enrol("gw4", SECRET).await.unwrap_err().code(), "challenge-refused");
    office.issued(enrol("gw5", new).await);
}

#[tokio::test]
async fn without_its_file_the_profile_refuses_and_says_so_at_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let office = office(dir.path()).await;
    let client = Client::new();
    let request = || client.request("shared", client.csr(CN, &[]), secret(SECRET));
    assert_eq!(office.refusal(request()).await.0, "challenge-source-unavailable");
    assert!(!office.desk.profiles.sources().is_well());

    let file = secret_file(dir.path(), "shared.secret", SECRET);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let set = ProfileSet::load(&office.dir.path().join("policies")).unwrap();
    let [fault] = Sources::check(&set).unwrap_err().try_into().unwrap();
    assert_eq!((fault.code(), fault.field()), ("secret-file", Some("shared.toml:22")));
    assert!(fault.detail().contains("mode 0644"), "{fault}");
    office.desk.profiles.swap(set);
    assert_eq!(office.refusal(request()).await.0, "challenge-source-unavailable");
}
