//! A running cluster moves in: what its phones hold becomes a release, and its certificates anchors.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::fixture::{Site, codes, foreign, said};

/// Another's cluster, with these lists.
async fn elsewhere() -> Site {
    let site = Site::new().await;
    site.post("/settings", json!({"mode": "mixed"})).await.done(200);
    site.add(&foreign("cucm-pub"), &["ccm+tftp", "sast"]).await;
    let tvs = json!({"certificate": foreign("tvs-1"), "roles": ["tvs"], "dns_name": "tvs-1", "address": "10.0.0.9"});
    site.post("/anchors", tvs).await.done(201);
    site.publish().await;
    site
}

#[tokio::test]
async fn the_list_of_a_running_cluster_becomes_ours_with_all_its_anchors() {
    let (old, site) = (elsewhere().await, Site::new().await);
    let file = old.file("itl").await;
    let imported = site.post("/import", json!({"file": STANDARD.encode(&file)})).await.done(201);
    assert_eq!((&imported["release"]["list"], &imported["release"]["number"]), (&json!("itl"), &json!(1)));
    assert_eq!(imported["anchors"].as_array().unwrap().len(), 3);
    assert_eq!(site.file("itl").await, file, "phones go on being served what they hold");
    let again = site.post("/import", json!({"file": STANDARD.encode(&file)})).await;
    again.refused(409, "release-exists");

    site.publish().await;
    let (before, after) = (old.list("itl").await, site.list("itl").await);
    let now = said(&after);
    assert!(said(&before).iter().all(|entry| now.contains(entry)), "{now:?}");
    assert_eq!(now.len(), said(&before).len() + 1, "and our own signer");
    let tvs = after.entries().iter().find(|entry| entry.subject() == "CN=tvs-1").unwrap();
    assert_eq!((tvs.dns_name(), tvs.address().unwrap().to_string().as_str()), (Some("tvs-1"), "10.0.0.9"));
    // Its signer stays sast, and nothing more: who signs now is ours.
    let signer = before.verify().unwrap();
    assert!(now.contains(&("sast".to_owned(), signer.subject())));
    assert_ne!(after.verify().unwrap().serial(), signer.serial());
}

#[tokio::test]
async fn a_ctl_makes_the_cluster_mixed_and_warns_of_whom_its_phones_do_not_know() {
    let (old, site) = (elsewhere().await, Site::new().await);
    let file = STANDARD.encode(old.file("ctl").await);
    let imported = site.post("/import", json!({"file": file})).await.done(201);
    assert_eq!(codes(&imported), ["phones-locked-out"], "no phone knows our signer by that CTL");
    assert_eq!(site.get("").await["mode"], "mixed");
    assert_eq!(site.get("").await["ctl_release"], 1);
}

#[tokio::test]
async fn phones_that_hold_a_list_of_ours_are_not_given_another_ones() {
    let (old, site) = (elsewhere().await, Site::new().await);
    site.publish().await;
    let ours = site.file("itl").await;
    let reply = site.post("/import", json!({"file": STANDARD.encode(old.file("itl").await)})).await;
    reply.refused(409, "release-exists");
    assert_eq!(site.file("itl").await, ours);
    assert_eq!(site.get("").await["anchors"], 1);
}

#[tokio::test]
async fn what_cannot_be_verified_is_not_taken() {
    let (old, site) = (elsewhere().await, Site::new().await);
    let file = old.file("itl").await;
    let mut forged = file.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    for (bytes, code) in [
        (&forged[..], "signature-invalid"),
        (&file[..file.len() - 1], "bad-trust-list"),
        (b"", "bad-trust-list"),
    ] {
        let reply = site.post("/import", json!({"file": STANDARD.encode(bytes)})).await;
        assert_eq!(reply.json()["code"], code, "{}", reply.text());
    }
    assert_eq!(site.get("").await["anchors"], 1);
    assert_eq!(site.get("/releases").await["items"], json!([]));
}
