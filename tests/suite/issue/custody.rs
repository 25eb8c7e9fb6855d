//! A root's key that leaves the machine.

use std::sync::Arc;

use signet::audit::Actor;
use signet::ca::create::Parent;
use signet::ca::crl::{publish, publish_due, sign_crl_with};
use signet::ca::custody::{export_key, open_exported, remove_key};
use signet::keys::Signer;
use signet::x509::key::KeyAlgorithm;
use zeroize::Zeroizing;

use super::fixture::{Fixture, YEAR, ca};

async fn without_root_key() -> (Fixture, Arc<dyn Signer>) {
    let fixture = Fixture::ec().await;
    let passphrase = Zeroizing::new("a long passphrase".to_owned());
    let root = ca("ec-root");
    let error = remove_key(&fixture.authority, &root, Actor::System).await.unwrap_err();
    assert_eq!(error.code(), "key-not-exported");
    let pem = export_key(&fixture.authority, &root, passphrase, Actor::System).await.unwrap();
    assert!(pem.contains("ENCRYPTED PRIVATE KEY"));
    let opened = open_exported(&fixture.authority, pem.clone(), Zeroizing::new("wrong".to_owned())).await;
    assert!(opened.is_err());
    let passphrase = Zeroizing::new("a long passphrase".to_owned());
    let signer = open_exported(&fixture.authority, pem, passphrase).await.unwrap();
    remove_key(&fixture.authority, &root, Actor::System).await.unwrap();
    (fixture, signer)
}

#[tokio::test]
async fn a_removed_root_key_is_asked_for_by_name() {
    let (fixture, _) = without_root_key().await;
    let hierarchy = fixture.authority.hierarchy();
    let root = hierarchy.require(&ca("ec-root")).unwrap();
    assert!(root.signer.is_none() && root.record.key_removed.is_some());
    let error = publish(&fixture.authority, &ca("ec-root")).await.unwrap_err();
    assert_eq!(error.code(), "ca-not-ready");
    assert!(error.detail().contains("sign-crl ec-root"), "{error}");
    let issued = fixture.server("m.acme.example").await;
    let (ok, said) = fixture.verify(&issued.record.der, &issued.chain, fixture.now());
    assert!(ok, "daily work goes on: {said}");
    remove_key(&fixture.authority, &ca("ec-root"), Actor::System).await.unwrap();
}

#[tokio::test]
async fn the_exported_key_signs_the_next_crl_and_a_new_ca() {
    let (fixture, signer) = without_root_key().await;
    fixture.authority.clock.advance(YEAR / 3 * 2);
    let (published, failed) = publish_due(&fixture.authority).await;
    assert_eq!((published, failed.len()), (vec![ca("ec-issuing")], 0), "a root without key is passed over");
    let crl =
        sign_crl_with(&fixture.authority, &ca("ec-root"), Arc::clone(&signer), Actor::System).await.unwrap();
    assert_eq!(crl.number, 2);

    let parent = Parent::Offline(ca("ec-root"), signer);
    fixture.make("ec-second", KeyAlgorithm::P256, parent).await.unwrap();
    let hierarchy = fixture.authority.hierarchy();
    let second = hierarchy.require(&ca("ec-second")).unwrap();
    let chain = [second.chain[1].der().to_vec()];
    let (ok, said) = fixture.verify(second.chain[0].der(), &chain, fixture.now());
    assert!(ok, "{said}");
    let present = fixture.authority.keys.list().unwrap();
    assert!(!present.iter().any(|key| key.as_str() == "ca-ec-root"), "the key was kept in memory only");
}

#[tokio::test]
async fn another_key_is_not_taken_for_the_roots() {
    let (fixture, _) = without_root_key().await;
    let other = fixture.authority.keys.generate(&"other".parse().unwrap(), KeyAlgorithm::P384).unwrap();
    let signed = sign_crl_with(&fixture.authority, &ca("ec-root"), Arc::clone(&other), Actor::System).await;
    assert_eq!(signed.unwrap_err().code(), "wrong-key");
    let error =
        fixture.make("x", KeyAlgorithm::P256, Parent::Offline(ca("ec-root"), other)).await.unwrap_err();
    assert_eq!(error.code(), "wrong-key");
}

#[tokio::test]
async fn an_issuing_key_stays() {
    let fixture = Fixture::ec().await;
    let error = remove_key(&fixture.authority, &ca("ec-issuing"), Actor::System).await.unwrap_err();
    assert_eq!(error.code(), "ca-key-needed");
}
