//! Lists as they are published: numbered, never changed, the same content the same release.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use signet::trust::list::List;
use signet::trust::records::ListKind;

use super::fixture::{Site, codes, foreign, said};

#[tokio::test]
async fn the_same_content_is_the_same_release() {
    let site = Site::new().await;
    let shown = site.post("/releases", json!({"dry_run": true})).await.done(200)["items"].clone();
    assert_eq!(
        (&shown[0]["number"], &shown[0]["is_new"], &shown[0]["release"]),
        (&json!(1), &json!(true), &Value::Null)
    );
    assert_eq!(site.get("").await["itl_release"], Value::Null, "it was only shown");

    let first = site.publish().await;
    assert_eq!(first.as_array().unwrap().len(), 1, "a cluster that is not mixed has no CTL");
    assert_eq!(
        (&first[0]["list"], &first[0]["number"], &first[0]["is_new"]),
        (&json!("itl"), &json!(1), &json!(true))
    );
    let file = site.file("itl").await;
    site.api.clock().advance(std::time::Duration::from_secs(3600));
    let again = site.publish().await;
    assert_eq!(
        (&again[0]["number"], &again[0]["is_new"], &again[0]["changes"]),
        (&json!(1), &json!(false), &json!([]))
    );
    assert_eq!(site.file("itl").await, file);
    assert_eq!(again[0]["release"]["file_sha256"], hex(&Sha256::digest(&file)));
    assert_eq!(again[0]["release"]["file_sha512"], hex(&sha2::Sha512::digest(&file)));
    assert_eq!(site.get("/releases").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_changed_is_told_in_words_and_old_releases_stay() {
    let site = Site::new().await;
    site.publish().await;
    let first = site.file("itl").await;
    let tvs = site.add(&foreign("tvs-1"), &["tvs"]).await;
    site.add(&foreign("cucm-pub"), &["ccm+tftp", "sast"]).await;
    let shown = site.post("/releases", json!({"dry_run": true})).await.done(200)["items"][0].clone();
    site.publish().await;
    let told = site.get("/releases/itl/current/changes").await;
    assert_eq!((&told["since"], &told["number"]), (&json!(1), &json!(2)));
    assert_eq!(told["changes"], shown["changes"], "shown before as told after");
    let words = told["changes"].to_string();
    assert!(words.contains("added tvs CN=tvs-1") && words.contains("added ccm+tftp CN=cucm-pub"), "{words}");
    site.api.delete(&format!("/api/v1/clusters/hq/anchors/{tvs}")).await.done(200);
    site.publish().await;
    let told = site.get("/releases/itl/3/changes?since=2").await;
    assert!(told["changes"][0].as_str().unwrap().starts_with("removed tvs CN=tvs-1"), "{told}");
    assert_eq!(site.get("/releases/itl/3/changes?since=3").await["changes"], json!([]));

    let path = "/api/v1/clusters/hq/releases/itl/1/file";
    assert_eq!(site.api.get(path).await.body, first);
    let listed = site.get("/releases?list=itl&limit=2").await;
    let numbers: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|item| item["number"].clone()).collect();
    assert_eq!((numbers, listed["next"].is_string()), (vec![json!(3), json!(2)], true));
    for bad in ["/releases/itl/9", "/releases/itl/0", "/releases/xtl/1", "/releases/ctl/current"] {
        site.api.get(&format!("/api/v1/clusters/hq{bad}")).await.refused(404, "not-found");
    }
}

#[tokio::test]
async fn a_list_holds_its_anchors_in_their_roles_and_verifies() {
    let site = Site::new().await;
    site.post("/settings", json!({"mode": "mixed", "signer_version": "1.0"})).await.done(200);
    site.add(&foreign("tvs-1"), &["tvs"]).await;
    let pub_one = json!({"certificate": foreign("cucm-pub"), "roles": ["ccm+tftp", "sast"],
        "dns_name": "cucm-pub.example.org", "address": "10.1.2.3"});
    site.post("/anchors", pub_one).await.done(201);
    site.publish().await;
    let recovery = || ("sast".to_owned(), "CN=Signet ITLRecovery 1".to_owned());
    let row = |role: &str, name: &str| (role.to_owned(), format!("CN={name}"));
    let itl = site.list("itl").await;
    assert_eq!(itl.verify().unwrap().subject(), recovery().1);
    assert_eq!((itl.kind(), itl.file_name().as_str()), (Some(ListKind::Itl), "ITLFile.tlv"));
    assert_eq!(itl.signer_version().unwrap().to_string(), "1.0");
    let mut entries = said(&itl);
    entries.sort();
    let both = [row("ccm+tftp", "cucm-pub"), recovery(), row("sast", "cucm-pub"), row("tvs", "tvs-1")];
    assert_eq!(entries, both);
    let named = itl.entries().iter().find(|entry| entry.subject() == "CN=cucm-pub").unwrap();
    assert_eq!(named.dns_name(), Some("cucm-pub.example.org"));
    assert_eq!(named.address().unwrap().to_string(), "10.1.2.3");

    let ctl = site.list("ctl").await;
    assert_eq!((ctl.kind(), ctl.verify().unwrap().subject()), (Some(ListKind::Ctl), recovery().1));
    assert!(said(&ctl).iter().all(|(role, _)| role != "tvs"), "TVS does not stand in a CTL");
    assert_eq!(said(&ctl).len(), 3);
    // A cluster that becomes non-secure again keeps the CTL that its phones hold.
    site.post("/settings", json!({"mode": "non-secure"})).await.done(200);
    site.publish().await;
    assert_eq!(site.list("ctl").await.bytes(), ctl.bytes());
}

#[tokio::test]
async fn more_than_phones_hold_is_published_with_a_warning() {
    let site = Site::new().await;
    for number in 0..39 {
        site.add(&foreign(&format!("sub-{number}")), &["ccm"]).await;
    }
    let published = site.publish().await;
    assert_eq!(published[0]["entries"], 40);
    assert!(codes(&published[0]).contains(&"list-too-large-for-phones".to_owned()), "{published}");
    assert_eq!(List::parse(&site.file("itl").await).unwrap().entries().len(), 40);
}

#[tokio::test]
async fn a_change_that_would_lock_phones_out_is_told_before_it_is_published() {
    let site = Site::apart().await;
    let tvs = site.add(&foreign("tvs-1"), &["tvs"]).await;
    site.publish().await;
    // The next recovery signer is to sign at once: phones know it by TVS alone.
    let made = site.api.post("/api/v1/recovery-signers", "{}").await.done(201);
    assert_eq!(made["generation"], 2);
    let changed = site.post("/settings", json!({"signer": "recovery"})).await.done(200);
    assert_eq!(codes(&changed), Vec::<String>::new(), "TVS vouches for it");
    // And TVS goes in the same step.
    let gone = site.api.delete(&format!("/api/v1/clusters/hq/anchors/{tvs}")).await.done(200);
    assert_eq!(codes(&gone), ["phones-locked-out"]);
    let shown = site.post("/releases", json!({"dry_run": true})).await.done(200)["items"][0].clone();
    assert!(codes(&shown).contains(&"phones-locked-out".to_owned()), "{shown}");
    assert!(
        shown["changes"][0].as_str().unwrap().starts_with("signer changed from CN=Signet ITLRecovery 1"),
        "{shown}"
    );
    // Step by step: a list that holds the next signer, signed by the one before.
    let first = made["sha256"].as_str().unwrap();
    let before = site.get("/anchors").await["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|anchor| anchor["source"] == "recovery" && anchor["sha256"] != first)
        .unwrap()["sha256"]
        .clone();
    let back = site.post("/settings", json!({"signer": before})).await.done(200);
    assert_eq!(codes(&back), Vec::<String>::new());
    site.publish().await;
    let onward = site.post("/settings", json!({"signer": "recovery"})).await.done(200);
    assert_eq!(codes(&onward), Vec::<String>::new());
    site.publish().await;
    assert_eq!(site.list("itl").await.verify().unwrap().subject(), "CN=Signet ITLRecovery 2");
}

#[tokio::test]
async fn those_who_publish_at_once_publish_one_release() {
    let site = Site::new().await;
    let publish = || site.publish();
    let (a, b, c, d) = tokio::join!(publish(), publish(), publish(), publish());
    for one in [a, b, c, d] {
        assert_eq!(one[0]["number"], 1, "{one}");
    }
    assert_eq!(site.get("/releases").await["items"].as_array().unwrap().len(), 1);
}

#[cfg(feature = "legacy")]
#[tokio::test]
async fn old_phones_get_lists_signed_with_sha_1() {
    let site = Site::new().await;
    site.publish().await;
    site.post("/settings", json!({"digest": "sha1"})).await.done(200);
    let published = site.publish().await;
    assert_eq!(published[0]["changes"], json!(["digest changed from SHA-512 to SHA-1"]));
    let list = site.list("itl").await;
    assert_eq!(list.digest().to_string(), "SHA-1");
    list.verify().unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
