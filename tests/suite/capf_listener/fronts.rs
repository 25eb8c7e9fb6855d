//! Who is presented: the CA that issues the LSCs, or a certificate of our own in front of it.

use rustls::version::{TLS12, TLS13};
use signet::audit::Actor;
use signet::ca::create::{NewCa, Parent, create, default_subject};
use signet::ca::rollover::{self, Preparation};
use signet::keys::Place;
use signet::x509::key::KeyAlgorithm;

use super::*;

/// digitalSignature, keyCertSign and cRLSign.
const KEY_USAGE: u16 = 1 | 1 << 5 | 1 << 6;

#[tokio::test(flavor = "multi_thread")]
async fn the_capf_ca_presents_itself_and_its_successor_after_it() {
    let house = House::open(None).await;
    let served = house.serve(Limits::default()).await;
    for version in [&TLS12, &TLS13] {
        let shown = Client::talk(served.capf, version).await;
        assert_eq!(shown.len(), 1, "its root is not sent");
        let ca = &shown[0];
        assert_eq!(ca.subject().common_name(), Some("Signet CAPF CA"));
        assert_eq!((ca.is_ca(), ca.path_len(), ca.key_usage()), (true, Some(0), Some(KEY_USAGE)));
        assert_eq!(ca.public_key().unwrap().algorithm(), Some(KeyAlgorithm::Rsa2048));
        let hierarchy = house.state.desk.authority.hierarchy();
        assert_eq!(hierarchy.issuer_of(ca).unwrap().record.id.as_str(), "rsa-root");
    }
    let authority = &house.state.desk.authority;
    let wanted = Preparation {
        ca: "capf".parse().unwrap(),
        algorithm: Some(KeyAlgorithm::P384),
        parent: None,
        lifetime: None,
        offline: None,
    };
    let next = rollover::prepare(authority, wanted, Actor::System).await.unwrap();
    assert!(house.state.identities.refresh().await.is_empty());
    let before = Client::talk(served.capf, &TLS13).await;
    assert_eq!(before[0].public_key().unwrap().algorithm(), Some(KeyAlgorithm::Rsa2048), "not yet in force");
    rollover::activate(authority, &next, Actor::System).await.unwrap();
    assert!(house.state.identities.refresh().await.is_empty());
    for version in [&TLS12, &TLS13] {
        let after = Client::talk(served.capf, version).await;
        assert_eq!(after[0].public_key().unwrap().algorithm(), Some(KeyAlgorithm::P384));
        assert_eq!((after[0].is_ca(), after[0].key_usage()), (true, Some(KEY_USAGE)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_front_of_another_ca_it_is_a_certificate_of_our_own_that_renews_itself() {
    let house = House::open(Some("phone-lsc")).await;
    let served = house.serve(Limits::default()).await;
    let first = Client::talk(served.capf, &TLS12).await;
    assert_eq!(first.len(), 2, "with the issuing CA");
    assert_eq!(first[0].subject().common_name(), Some("Signet CAPF"));
    assert!(!first[0].is_ca());
    let hierarchy = house.state.desk.authority.hierarchy();
    assert_eq!(hierarchy.issuer_of(&first[0]).unwrap().record.id.as_str(), "rsa-issuing");
    house.clock.advance(Duration::from_secs(500 * 24 * 3600));
    let _ = house.state.identities.refresh().await;
    let second = Client::talk(served.capf, &TLS13).await;
    assert_ne!(second[0].spki(), first[0].spki());
    assert_eq!(second[0].subject(), first[0].subject());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_serves_tls_says_so_in_its_key_usage_and_no_other_does() {
    let house = House::open(None).await;
    let authority = &house.state.desk.authority;
    let id: signet::id::CaId = "phones-ec".parse().unwrap();
    let new = NewCa {
        subject: default_subject(&id, None).unwrap(),
        id: id.clone(),
        algorithm: KeyAlgorithm::P384,
        lifetime: Duration::from_secs(1000 * 24 * 3600),
        parent: Parent::Ours("ec-root".parse().unwrap()),
        place: Place::Software,
        serves_tls: true,
    };
    create(authority, vec![new], Actor::System).await.unwrap();
    let hierarchy = authority.hierarchy();
    let made = hierarchy.require(&id).unwrap().certificate.as_ref().unwrap();
    assert_eq!(made.key_usage(), Some(KEY_USAGE));
    let issuing = hierarchy.require(&"ec-issuing".parse().unwrap()).unwrap().certificate.as_ref().unwrap();
    assert_eq!(issuing.key_usage(), Some(KEY_USAGE & !1), "no other CA signs handshakes");
}
