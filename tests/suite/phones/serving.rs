//! Lists and files over HTTP and HTTPS, fetched by curl.

use std::process::{Command, Output};

use serde_json::json;
use signet::trust::records::ListKind;

use super::estate::Estate;

async fn curl(arguments: &[&str]) -> Output {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    let run = move || Command::new("curl").args(["-sS", "--path-as-is"]).args(arguments).output().unwrap();
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// Status and body.
async fn fetch(url: &str, more: &[&str]) -> (u16, Vec<u8>) {
    let answer = curl(&[&["-w", "%{stderr}%{http_code}", url], more].concat()).await;
    let status = String::from_utf8_lossy(&answer.stderr).trim().parse();
    (status.unwrap_or_else(|_| panic!("{url}: {answer:?}")), answer.stdout)
}

/// Two releases of each list, the newer of another length.
async fn published(clusters: &[&str]) -> Estate {
    let estate = Estate::new(clusters).await;
    for cluster in clusters {
        estate.publish(cluster, ListKind::Ctl, 1, format!("the CTL of {cluster}").as_bytes(), &[]).await;
        estate.publish(cluster, ListKind::Itl, 1, b"an old ITL", &[]).await;
        estate.publish(cluster, ListKind::Itl, 2, format!("the ITL of {cluster}").as_bytes(), &[]).await;
    }
    estate
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_fetches_its_newest_lists_over_http_and_https() {
    let estate = published(&["hq"]).await;
    let http = format!("http://{}", estate.at.phone_http.unwrap());
    for (name, expected) in [
        ("CTLSEP0123456789AB.tlv", "the CTL of hq"),
        ("ITLSEP0123456789AB.tlv", "the ITL of hq"),
        ("CTLFile.tlv", "the CTL of hq"),
        ("ITLFile.tlv", "the ITL of hq"),
    ] {
        assert_eq!(fetch(&format!("{http}/{name}"), &[]).await, (200, expected.into()), "{name}");
        for at in [estate.at.phone_https.unwrap(), estate.at.phone_https_second.unwrap()] {
            let found = fetch(&format!("https://{at}/{name}"), &["-k"]).await;
            assert_eq!(found, (200, expected.into()), "{name} from {at}");
        }
    }
    // What is published is served at once.
    estate.publish("hq", ListKind::Itl, 3, b"a newer ITL", &[]).await;
    assert_eq!(fetch(&format!("{http}/ITLFile.tlv"), &[]).await, (200, b"a newer ITL".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_list_is_not_sent_it_again() {
    let estate = published(&["hq"]).await;
    let url = format!("http://{}/ITLFile.tlv", estate.at.phone_http.unwrap());
    let tag = estate.path("tag").display().to_string();
    assert_eq!(fetch(&url, &["--etag-save", &tag]).await.0, 200);
    assert_eq!(fetch(&url, &["--etag-compare", &tag]).await, (304, Vec::new()));
    estate.publish("hq", ListKind::Itl, 3, b"a newer ITL", &[]).await;
    assert_eq!(fetch(&url, &["--etag-compare", &tag]).await, (200, b"a newer ITL".to_vec()));
}

/// FETCH-01 to FETCH-08.
#[tokio::test(flavor = "multi_thread")]
async fn fetch_01_to_08_nothing_but_lists_and_signed_files_is_served() {
    let estate = published(&["hq"]).await;
    let folder = estate.path("files/hq");
    std::fs::create_dir_all(&folder).unwrap();
    let name = "SEP0123456789AB.cnf.xml.sgn";
    std::fs::write(folder.join(name), b"signed").unwrap();
    std::fs::write(folder.join("SEP0123456789AB.cnf.xml"), b"plain").unwrap();
    std::os::unix::fs::symlink(estate.path("admin.token"), folder.join("token.sgn")).unwrap();
    let http = format!("http://{}", estate.at.phone_http.unwrap());
    assert_eq!(fetch(&format!("{http}/{name}"), &[]).await, (200, b"signed".to_vec()));
    for path in [
        "/SEP0123456789AB.cnf.xml",
        "/token.sgn",
        "/admin.token",
        "/signet.toml",
        "/../admin.token",
        "/..%2fadmin.token",
        "/%2e%2e/admin.token",
        "/..\\admin.token",
        "/hq/SEP0123456789AB.cnf.xml.sgn",
        "/CTLFile.tlv.bak",
        "/CTLFile.tlv/",
        "//CTLFile.tlv",
        "/CTLFile.tlv%00",
        "/.sgn",
        "/",
        "/files/hq/SEP0123456789AB.cnf.xml.sgn",
        "/scep",
        "/api/v1/health",
    ] {
        let (status, body) = fetch(&format!("{http}{path}"), &[]).await;
        assert!(matches!(status, 400 | 404), "{path}: {status} {}", String::from_utf8_lossy(&body));
        assert!(!body.starts_with(b"signed") && !body.starts_with(b"plain"), "{path}");
    }
    assert_eq!(fetch(&format!("{http}/ITLFile.tlv"), &["-X", "PUT", "-d", "x"]).await.0, 405);
}

/// FETCH-09.
#[tokio::test(flavor = "multi_thread")]
async fn fetch_09_a_phone_gets_the_lists_of_its_own_cluster() {
    let estate = published(&["hq", "branch"]).await;
    estate.add_device("SEP0123456789AB", Some("branch")).await;
    estate.add_device("SEP0123456789AC", Some("elsewhere")).await;
    let http = format!("http://{}", estate.at.phone_http.unwrap());
    let found = fetch(&format!("{http}/ITLSEP0123456789AB.tlv"), &[]).await;
    assert_eq!(found, (200, b"the ITL of branch".to_vec()));
    for name in ["ITLSEP0123456789AC.tlv", "ITLSEP0123456789AD.tlv", "ITLFile.tlv"] {
        assert_eq!(fetch(&format!("{http}/{name}"), &[]).await.0, 404, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_phone_fetched_is_kept() {
    let estate = published(&["hq"]).await;
    estate.add_device("SEP0123456789AB", None).await;
    let http = format!("http://{}", estate.at.phone_http.unwrap());
    for name in [
        "CTLSEP0123456789AB.tlv",
        "ITLsep0123456789ab.tlv",
        "ITLSEP0123456789AB.tlv",
        "ITLSEPFFFFFFFFFFFF.tlv",
    ] {
        assert_eq!(fetch(&format!("{http}/{name}"), &[]).await.0, 200);
    }
    let trust = estate.trust("SEP0123456789AB").await;
    let fetched = &trust["fetched"];
    assert_eq!(fetched.as_array().unwrap().len(), 2, "{trust}");
    let first = json!({"what": "itl", "file": null, "cluster": "hq", "release": 2, "address": "127.0.0.1",
        "over": "http", "times": 2, "at": fetched[0]["at"]});
    assert_eq!(fetched[0], first);
    assert_eq!(fetched[1]["what"], "ctl");
    assert_eq!(
        (&trust["up_to_date"], &trust["itl"]["release"]),
        (&json!(false), &json!(null)),
        "it told nothing yet"
    );
    let state = estate.end().await;
    let stored = signet::device::ledger::list(
        &state.desk.authority.db,
        &signet::device::ledger::Wanted::All,
        10,
        None,
    );
    let stored = stored.await.unwrap().entries;
    assert_eq!(stored.len(), 1, "nothing is kept of a device that is not in the inventory");
    assert_eq!(stored[0].fetched.len(), 2, "it is on the disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_made_anew_does_not_serve_the_lists_of_the_one_before() {
    let estate = published(&["hq"]).await;
    let list = format!("http://{}/ITLFile.tlv", estate.at.phone_http.unwrap());
    assert_eq!(fetch(&list, &[]).await.0, 200);
    assert_eq!(estate.api("DELETE", "/clusters/hq", None).await.0, 204);
    estate.clock.advance(std::time::Duration::from_secs(1));
    let (status, made) = estate.api("POST", "/clusters", Some(json!({"id": "hq"}))).await;
    assert_eq!((status, &made["itl_release"]), (201, &json!(null)), "{made}");
    assert_eq!(fetch(&list, &[]).await.0, 404);
    let (status, published) = estate.api("POST", "/clusters/hq/releases", Some(json!({}))).await;
    assert_eq!((status, &published["items"][0]["number"]), (200, &json!(3)), "{published}");
    assert_eq!(fetch(&list, &[]).await.0, 200);
}
