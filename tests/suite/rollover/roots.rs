//! A root's successor: certified both ways, its CAs under it, its key in a safe.

use signet::x509::cert::Certificate;

use super::house::{CAS, House, issuer};

const PASSPHRASE: &str = "a passphrase in a safe";

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_roots_verify_old_and_new_leaves() {
    let house = House::build().await;
    let old_leaf = house.enrol("old", &house.ca_certificates().await[0]).await;
    let exported = house
        .post(&format!("{CAS}/rsa-root/key/export"), &format!(r#"{{"passphrase":"{PASSPHRASE}"}}"#))
        .await;
    let removed = house.call("DELETE", &format!("{CAS}/rsa-root/key"), "").await;
    house.done(204, removed);

    let (status, answer) = house.call("POST", &format!("{CAS}/rsa-root/rollover"), "{}").await;
    assert_eq!((status, &answer["code"]), (409, &"ca-not-ready".into()), "its key is in the safe: {answer}");
    let body = serde_json::json!({"parent_key_pem": exported["pem"], "parent_key_passphrase": PASSPHRASE});
    let next = house.post(&format!("{CAS}/rsa-root/rollover"), &body.to_string()).await;
    assert_eq!(
        (&next["id"], &next["role"], &next["state"]),
        (&"rsa-root-g2".into(), &"root".into(), &"next".into())
    );
    house.activate("rsa-root").await;
    assert_eq!(house.ca("rsa-root").await["state"], "retiring");

    // Under the new root without its being named: a CA's parent is whoever is in force under that name.
    let issuing = house.prepare("rsa-issuing").await;
    assert_eq!(issuing["parent"], "rsa-root-g2");
    house.activate("rsa-issuing").await;
    let new_leaf = house.enrol("new", &house.ca_certificates().await[0]).await;
    assert_eq!(issuer(&house, &new_leaf.certificate), "rsa-issuing-g2");

    let cross = async |name: &str| {
        let (status, der) = house.get(&format!("/ca/{name}.crt")).await;
        assert_eq!(status, 200, "{name}");
        Certificate::from_der(&der).unwrap().pem()
    };
    let (new_by_old, old_by_new) =
        (cross("rsa-root-g2.by-rsa-root").await, cross("rsa-root.by-rsa-root-g2").await);
    let (old_root, new_root) = (house.pem("rsa-root").await, house.pem("rsa-root-g2").await);
    let (old_ca, new_ca) = (house.pem("rsa-issuing").await, house.pem("rsa-issuing-g2").await);
    let path = |root: &str, between: &[&str]| {
        let root = house.file("one-root.pem", root.as_bytes());
        let between = house.file("between.pem", between.concat().as_bytes());
        [root, between].map(|path| path.to_str().unwrap().to_owned())
    };
    let judge = |leaf: &[u8], root: &str, between: &[&str]| {
        let [root, between] = path(root, between);
        house.judge(leaf, &["-CAfile", &root, "-untrusted", &between])
    };
    judge(&old_leaf.certificate, &old_root, &[&old_ca]).unwrap();
    judge(&new_leaf.certificate, &new_root, &[&new_ca]).unwrap();
    judge(&new_leaf.certificate, &old_root, &[&new_ca, &new_by_old]).unwrap();
    judge(&old_leaf.certificate, &new_root, &[&old_ca, &old_by_new]).unwrap();
    judge(&new_leaf.certificate, &old_root, &[&new_ca]).unwrap_err();
    judge(&old_leaf.certificate, &new_root, &[&old_ca]).unwrap_err();
    for leaf in [&old_leaf, &new_leaf] {
        house.verify(&leaf.certificate).await.unwrap();
    }
    let made = house
        .post(CAS, r#"{"id":"voice","role":"issuing","parent":"rsa-root","algorithm":"rsa-2048"}"#)
        .await;
    assert_eq!(made["parent"], "rsa-root-g2");
}

/// The command line on the machine itself trusts `tls-ca.pem`: the new root stands there before it is needed.
#[tokio::test(flavor = "multi_thread")]
async fn the_roots_of_the_listener_are_there_before_its_certificate_changes() {
    let house = House::build().await;
    let trusted = || std::fs::read_to_string(house.home.path().join("tls-ca.pem")).unwrap();
    assert_eq!(trusted().matches("BEGIN CERTIFICATE").count(), 1);
    house.prepare("ec-root").await;
    house.activate("ec-root").await;
    house.prepare("ec-issuing").await;
    let (old, new) = (house.pem("ec-root").await, house.pem("ec-root-g2").await);
    assert!(trusted().contains(&old) && trusted().contains(&new));
    house.activate("ec-issuing").await;
    assert!(trusted().contains(&old) && trusted().contains(&new));
}
