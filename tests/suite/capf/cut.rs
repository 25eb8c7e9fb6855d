//! Links that are cut: the operation is taken up again, and never leaves two live certificates.

use super::stage::Stage;

const STRING: &[&str] = &["--password", "4711"];

/// Nothing was issued yet: the phone comes again as if nothing had been.
#[tokio::test(flavor = "multi_thread")]
async fn cut_before_the_key_nothing_was_issued() {
    let stage = Stage::open().await;
    for (number, cut) in ["connected", "greeted", "answered", "key-asked"].into_iter().enumerate() {
        let phone = stage.phone(number).await;
        stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
        stage.comes(&phone, &[STRING, &["--cut", cut]].concat()).await.outcome("cut").fair();
        assert_eq!(stage.state(&phone).await.0, "pending", "{cut}");
        assert_eq!(stage.live(&phone).await, Vec::<String>::new(), "{cut}");
        stage.comes(&phone, STRING).await.ends(1);
        assert_eq!(stage.live(&phone).await.len(), 1, "{cut}");
        assert_eq!(stage.state(&phone).await, ("installed".into(), None), "{cut}");
    }
}

/// CAPF-53. With the same key it gets the same certificate; with another, the first one is revoked.
#[tokio::test(flavor = "multi_thread")]
async fn cut_after_the_issue_the_phone_comes_again_with_the_same_key_or_another() {
    let stage = Stage::open().await;
    for (number, (cut, same_key)) in
        [("certificate", true), ("certificate", false), ("key-sent", true), ("key-sent", false)]
            .into_iter()
            .enumerate()
    {
        let phone = stage.phone(number).await;
        stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
        let key = phone.path("new.key");
        let flags = [STRING, &["--key", &key]].concat();
        let cut_off =
            stage.comes(&phone, &[&flags[..], &["--cut", cut]].concat()).await.outcome("cut").fair();
        stage.until(&phone, "issued").await;
        let first = stage.issued(&phone).await.unwrap();
        assert_eq!(stage.live(&phone).await, std::slice::from_ref(&first), "{cut}");
        assert_eq!(stage.lsc_serial(&phone).await, None, "{cut}: it confirmed nothing");
        if cut == "certificate" {
            assert_eq!(first, cut_off.serial());
        }
        if !same_key {
            std::fs::remove_file(&key).unwrap();
        }
        let again = stage.comes(&phone, &flags).await.ends(1);
        assert_eq!(again.serial() == first, same_key, "{cut}");
        assert_eq!(stage.live(&phone).await, [again.serial()], "{cut}: one live certificate");
        assert_eq!(stage.state(&phone).await, ("installed".into(), None));
        assert_eq!(stage.lsc_serial(&phone).await, Some(again.serial()));
    }
}

/// CAPF-53: it says that it did not store the certificate.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_the_phone_did_not_store_is_not_installed() {
    let stage = Stage::open().await;
    let phone = stage.phone(1).await;
    stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
    for altered in ["store.1=07", "store.1=00", "store.1=-", "store.1=0101"] {
        let seen = stage.comes(&phone, &[STRING, &["--alter", altered]].concat()).await;
        assert_ne!(seen.fair().0["reason"], 1, "{altered}");
        let (state, reason) = stage.state(&phone).await;
        assert_eq!(state, "issued", "{altered}");
        assert!(reason.is_some(), "{altered}: an administrator must see it");
        assert_eq!(stage.lsc_serial(&phone).await, None, "{altered}");
        assert_eq!(stage.live(&phone).await.len(), 1, "{altered}");
    }
    let done = stage.comes(&phone, STRING).await.ends(1);
    assert_eq!(stage.live(&phone).await, [done.serial()]);
}

/// The phone confirmed: whether it heard the end makes no difference.
#[tokio::test(flavor = "multi_thread")]
async fn cut_after_the_confirmation_it_is_installed() {
    let stage = Stage::open().await;
    let phone = stage.phone(1).await;
    stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
    let seen = stage.comes(&phone, &[STRING, &["--cut", "confirmed"]].concat()).await.outcome("cut").fair();
    stage.until(&phone, "installed").await;
    assert_eq!(stage.live(&phone).await, [seen.serial()]);
    stage.comes(&phone, STRING).await.ends(0);
}

/// A new operation begins anew: what the one before issued and nobody confirmed is not left live beside the next.
#[tokio::test(flavor = "multi_thread")]
async fn an_operation_in_place_of_an_unconfirmed_one_leaves_one_certificate() {
    let stage = Stage::open().await;
    let phone = stage.phone(1).await;
    stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
    stage.comes(&phone, &[STRING, &["--cut", "certificate"]].concat()).await.outcome("cut");
    stage.operation(&phone, "install", "string", Some("8222"), "p-256").await;
    let seen = stage.comes(&phone, &["--password", "8222"]).await.ends(1);
    assert_eq!(stage.live(&phone).await, [seen.serial()]);
}
