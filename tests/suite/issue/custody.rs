//! A root's key that leaves the machine.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use signet::audit::Actor;
use signet::ca::Authority;
use signet::ca::create::Parent;
use signet::ca::crl::{publish, publish_due, sign_crl_with};
use signet::ca::custody::{export_key, open_exported, remove_key};
use signet::ca::records::CaRecord;
use signet::keys::{KeyStore, Signer};
use signet::store::Unit;
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

/// Begins some work and leaves at once, as a client does that disconnects.
async fn begin_and_leave<T>(work: impl Future<Output = T>) {
    let mut work = pin!(work);
    let waits = poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_pending())).await;
    assert!(waits);
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok(), "never: {what}");
}

fn stands(keys: &dyn KeyStore, name: &str) -> bool {
    keys.list().unwrap().iter().any(|key| key.as_str() == name)
}

#[tokio::test]
async fn a_removal_goes_on_when_its_client_leaves() {
    let fixture = Fixture::ec().await;
    let (authority, root) = (&fixture.authority, ca("ec-root"));
    let passphrase = Zeroizing::new("a long passphrase".to_owned());
    begin_and_leave(export_key(authority, &root, passphrase, Actor::System)).await;
    let shown = || authority.hierarchy().require(&root).unwrap().clone();
    eventually("exported", || shown().record.key_exported.is_some()).await;
    begin_and_leave(remove_key(authority, &root, Actor::System)).await;
    eventually("no signer in memory", || shown().signer.is_none()).await;
    assert!(!stands(&*authority.keys, "ca-ec-root"), "the file goes before the memory");
}

#[tokio::test]
async fn a_creation_goes_on_when_its_client_leaves() {
    let fixture = Fixture::ec().await;
    begin_and_leave(fixture.make("second", KeyAlgorithm::P256, Parent::Ours(ca("ec-root")))).await;
    let authority = &fixture.authority;
    eventually("created", || authority.hierarchy().require(&ca("second")).is_ok()).await;
    eventually("published", || authority.published().of(&ca("second")).is_some()).await;
}

/// A crash between the write and the removal of the file leaves the key; the next start removes it.
#[tokio::test]
async fn a_key_whose_removal_was_recorded_is_removed_at_the_next_start() {
    let fixture = Fixture::ec().await;
    let shared = &fixture.authority;
    let stored = shared.db.require::<CaRecord>(&CaRecord::key_of(&ca("ec-root")), "ec-root").await.unwrap();
    let mut unit = Unit::new();
    let removed = CaRecord { key_removed: Some(fixture.now()), ..stored.value };
    unit.replace(&removed, stored.revision).unwrap();
    shared.db.commit(unit).await.unwrap();
    assert!(stands(&*shared.keys, "ca-ec-root"));
    let again = Authority::load(
        shared.db.clone(),
        shared.clock.clone(),
        shared.random.clone(),
        shared.pool.clone(),
        Arc::clone(&shared.keys),
        shared.public_url.clone(),
    )
    .await
    .unwrap();
    assert!(!stands(&*again.keys, "ca-ec-root"));
    assert!(stands(&*again.keys, "ca-ec-issuing"));
}
