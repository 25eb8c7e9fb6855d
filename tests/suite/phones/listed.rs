//! What phones are shown stands in their lists: an elliptic curve for those that take one, and health says what is lacking.

use serde_json::{Value, json};
use signet::audit::Actor;
use signet::ca::revoke::revoke;
use signet::trust::identity::{OwnIdentities, Purpose};
use signet::trust::records::ListKind;
use signet::x509::cert::Certificate;
use signet::x509::crl::Reason;

use super::estate::Estate;
use crate::openssl::openssl;

const RSA_12: &[&str] = &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"];
const EC_12: &[&str] = &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"];
const RSA_13: &[&str] = &["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"];
const EC_13: &[&str] = &["-tls1_3", "-sigalgs", "ECDSA+SHA256:RSA-PSS+SHA256"];

/// What openssl is shown, as a phone that offers this.
async fn shown(port: u16, offers: &'static [&'static str]) -> [u8; 32] {
    let seen = tokio::task::spawn_blocking(move || {
        let at = format!("127.0.0.1:{port}");
        openssl(&[&["s_client", "-connect", &at][..], offers].concat(), b"")
    });
    Certificate::read(&seen.await.unwrap()).unwrap().fingerprint()
}

async fn check(estate: &Estate, name: &str) -> (String, String) {
    estate.state.phones.keep_up().await.unwrap();
    let (_, health) = estate.api("GET", "/health", None).await;
    let found = health["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).cloned();
    let found = found.unwrap_or_else(|| panic!("no {name}: {health}"));
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    (text("status"), text("detail"))
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_that_take_an_elliptic_curve_get_it_on_the_first_port_once_it_is_in_every_list() {
    let estate = Estate::new(&["branch", "hq"]).await;
    let (first, second) =
        (estate.at.phone_https.unwrap().port(), estate.at.phone_https_second.unwrap().port());
    let rsa = estate.tftp.certificate.fingerprint();
    for cluster in ["branch", "hq"] {
        estate.publish(cluster, ListKind::Itl, 1, cluster.as_bytes(), &[rsa]).await;
    }
    estate.state.phones.keep_up().await.unwrap();
    assert_eq!(shown(first, EC_13).await, rsa, "there is no other");

    let ec = estate.state.identities.hold(Purpose::TftpEc).await.unwrap().certificate.fingerprint();
    estate.publish("hq", ListKind::Itl, 2, b"hq two", &[rsa, ec]).await;
    let (status, detail) = check(&estate, "identity tftp-ec").await;
    assert_eq!(status, "warning");
    assert!(detail.contains("shown RSA until it stands in the ITL of branch"), "{detail}");
    assert_eq!(shown(first, EC_13).await, rsa, "phones of the branch do not know it");

    estate.publish("branch", ListKind::Itl, 2, b"branch two", &[rsa, ec]).await;
    assert_eq!(check(&estate, "identity tftp-ec").await.0, "ok");
    assert_eq!((shown(first, EC_12).await, shown(first, EC_13).await), (ec, ec));
    assert_eq!((shown(first, RSA_12).await, shown(first, RSA_13).await), (rsa, rsa), "they cannot verify it");
    assert_eq!(
        (shown(second, EC_12).await, shown(second, EC_13).await),
        (rsa, rsa),
        "nobody asks for it there"
    );

    estate.publish("branch", ListKind::Itl, 3, b"branch three", &[rsa]).await;
    estate.state.phones.keep_up().await.unwrap();
    assert_eq!(shown(first, EC_13).await, rsa, "it was taken out");
}

#[tokio::test]
async fn lists_of_signer_version_1_1_want_an_elliptic_curve_that_signs_no_files() {
    let estate = Estate::new(&["hq"]).await;
    let post = async |path: &str, body: Value| {
        let (status, answer) = estate.api("POST", &format!("/clusters/hq{path}"), Some(body)).await;
        assert!(status < 300, "{path}: {answer}");
        answer
    };
    let codes = |answer: &Value| -> Vec<String> {
        let all = answer["warnings"].as_array().unwrap().iter();
        all.map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
    };
    let set = post("/settings", json!({"signer_version": "1.1"})).await;
    assert_eq!(codes(&set), ["no-ec-file-server"]);
    let added = post("/anchors", json!({"identity": "tftp-ec"})).await;
    assert_eq!((&added["items"][0]["roles"], &added["items"][0]["key"]), (&json!(["tftp"]), &json!("p-256")));
    assert_eq!(codes(&added), Vec::<String>::new());
    assert_eq!(codes(&post("/releases", json!({})).await["items"][0]), Vec::<String>::new());
    let hex = |bytes: &[u8]| signet::trust::warning::hex(bytes).to_uppercase();
    let file = json!({"items": [{"name": "a.xml", "content": "PHgvPg=="}]});
    let rsa = hex(&estate.tftp.certificate.fingerprint());
    assert_eq!(post("/files", file.clone()).await["signer_sha256"], json!(rsa));

    // Alone it signs nothing, and is not taken for who would.
    let (status, removed) = estate.api("DELETE", &format!("/clusters/hq/anchors/{rsa}"), None).await;
    assert_eq!(status, 200, "{removed}");
    let (status, problem) = estate.api("POST", "/clusters/hq/files", Some(file)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("no-file-signer")));
    assert_eq!(codes(&post("/releases", json!({})).await["items"][0]), ["no-file-signer"]);
}

#[tokio::test]
async fn health_says_which_clusters_lack_the_certificate_that_tvs_shows() {
    let estate = Estate::new(&["branch", "hq"]).await;
    let known = estate.tvs.certificate.fingerprint();
    estate.publish("branch", ListKind::Itl, 1, b"branch one", &[known]).await;
    estate.publish("hq", ListKind::Itl, 1, b"hq one", &[known]).await;
    assert_eq!(check(&estate, "identity tvs").await.0, "ok");
    let next = estate.state.identities.renew(Purpose::Tvs).await.unwrap().certificate.fingerprint();
    estate.publish("hq", ListKind::Itl, 2, b"hq two", &[next]).await;
    let (status, detail) = check(&estate, "identity tvs").await;
    assert_eq!(status, "degraded");
    assert!(detail.contains("phones refuse it that hold the ITL of hq: signet trust publish hq"), "{detail}");

    // One that stands in no list at all is refused by everybody, if it is shown.
    let (status, detail) = check(&estate, "identity tftp").await;
    assert_eq!(status, "warning");
    assert!(
        detail.contains("until it stands in the ITL of branch, hq: signet trust publish branch"),
        "{detail}"
    );
}

/// What is shown need not be the newest: a cluster gets all that it lacks.
#[tokio::test]
async fn an_identity_of_our_own_is_added_with_its_certificates_of_before() {
    let estate = Estate::new(&["hq"]).await;
    let known = estate.tvs.certificate.fingerprint();
    let next = estate.state.identities.renew(Purpose::Tvs).await.unwrap().certificate.fingerprint();
    estate.api("POST", "/clusters", Some(json!({"id": "shop"}))).await;
    let hex = |bytes: &[u8]| json!(signet::trust::warning::hex(bytes).to_uppercase());
    let add = async |cluster: &str| {
        let body = json!({"identity": "tvs", "dns_name": "tvs.example.org"});
        let (status, added) = estate.api("POST", &format!("/clusters/{cluster}/anchors"), Some(body)).await;
        assert_eq!(status, 201, "{added}");
        let mut sha256: Vec<Value> =
            added["items"].as_array().unwrap().iter().map(|item| item["sha256"].clone()).collect();
        sha256.sort_by_key(Value::to_string);
        sha256
    };
    let mut both = vec![hex(&known), hex(&next)];
    both.sort_by_key(Value::to_string);
    assert_eq!(add("shop").await, both);
    assert_eq!(add("hq").await, [hex(&next)], "hq has the first one already");
}

/// It may have been taken out on suspicion.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_was_taken_out_of_all_lists_is_added_by_nobody_who_does_not_name_it() {
    let estate = Estate::new(&["hq"]).await;
    let port = estate.at.tvs.unwrap().port();
    let hex = |bytes: &[u8]| signet::trust::warning::hex(bytes).to_uppercase();
    let post = async |path: &str, body: Value| {
        let (status, answer) = estate.api("POST", path, Some(body)).await;
        assert!(status < 300, "{path}: {answer}");
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["sha256"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let publish = async || {
        post("/clusters/hq/releases", json!({})).await;
        estate.state.phones.keep_up().await.unwrap();
        hex(&shown(port, RSA_12).await)
    };
    let removed = hex(&estate.tvs.certificate.fingerprint());
    assert_eq!(publish().await, removed);
    let second = post("/clusters/hq/anchors", json!({"identity": "tvs", "renew": true})).await;
    assert!(second.len() == 1 && second[0] != removed, "{second:?}");
    assert_eq!(publish().await, removed, "phones of the list before know it alone");
    let (status, answer) = estate.api("DELETE", &format!("/clusters/hq/anchors/{removed}"), None).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(publish().await, second[0]);

    let again = json!({"identity": "tvs", "dns_name": "tvs.example.org"});
    assert_eq!(post("/clusters/hq/anchors", again).await, second);
    assert_eq!(publish().await, second[0]);
    let third = post("/clusters/hq/anchors", json!({"identity": "tvs", "renew": true})).await;
    assert!(third.len() == 1 && third != second, "{third:?}");
    assert_eq!(publish().await, second[0]);
    post("/clusters", json!({"id": "shop"})).await;
    let mut added = post("/clusters/shop/anchors", json!({"identity": "tvs"})).await;
    added.sort();
    let mut wanted = [second, third].concat();
    wanted.sort();
    assert_eq!(added, wanted, "what phones of hq know, and no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_all_that_lists_hold_was_revoked_health_is_a_fault_that_says_what_to_do() {
    let estate = Estate::new(&["hq"]).await;
    let port = estate.at.tvs.unwrap().port();
    let (tvs, tftp) = (estate.tvs.certificate.fingerprint(), estate.tftp.certificate.fingerprint());
    estate.publish("hq", ListKind::Itl, 1, b"hq one", &[tvs, tftp]).await;
    assert_eq!(check(&estate, "identity tvs").await.0, "ok");
    let authority = &estate.state.desk.authority;
    revoke(authority, estate.tvs.certificate.serial(), Reason::KeyCompromise, Actor::System).await.unwrap();
    let (status, detail) = check(&estate, "identity tvs").await;
    assert_eq!(status, "degraded", "{detail}");
    let command = "signet trust anchor add hq --own tvs --renew, then signet trust publish hq";
    assert!(detail.contains(command), "{detail}");

    let body = json!({"identity": "tvs", "renew": true});
    let (status, added) = estate.api("POST", "/clusters/hq/anchors", Some(body)).await;
    assert_eq!(status, 201, "{added}");
    let (status, detail) = check(&estate, "identity tvs").await;
    assert_eq!(status, "degraded", "phones know the revoked one alone: {detail}");
    assert!(detail.ends_with("the ITL of hq: signet trust publish hq"), "{detail}");
    let next = estate.state.identities.hold(Purpose::Tvs).await.unwrap().certificate.fingerprint();
    estate.publish("hq", ListKind::Itl, 2, b"hq two", &[next, tftp]).await;
    assert_eq!(check(&estate, "identity tvs").await.0, "ok");
    assert_eq!(shown(port, RSA_12).await, next);
    assert_eq!(check(&estate, "identity tftp").await.0, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_elliptic_curve_that_no_list_is_to_hold_is_no_matter_of_health() {
    let estate = Estate::new(&["hq"]).await;
    let tftp = estate.tftp.certificate.fingerprint();
    estate.publish("hq", ListKind::Itl, 1, b"hq one", &[tftp]).await;
    estate.state.identities.hold(Purpose::TftpEc).await.unwrap();
    assert_eq!(check(&estate, "identity tftp").await.0, "ok");
    let (_, health) = estate.api("GET", "/health", None).await;
    let names: Vec<_> = health["checks"].as_array().unwrap().iter().map(|check| &check["name"]).collect();
    assert!(!names.contains(&&json!("identity tftp-ec")), "{names:?}");
}
