//! Who is presented: the CA that issues the LSCs, or a certificate of our own in front of it.

use rustls::version::{TLS12, TLS13};
use signet::admin::{Listing, OwnCertificates};
use signet::audit::Actor;
use signet::ca::create::{NewCa, Parent, create, default_subject};
use signet::ca::revoke::revoke;
use signet::ca::rollover::{self, Preparation};
use signet::id::ClusterId;
use signet::keys::Place;
use signet::trust::cluster::{self, NewCluster};
use signet::trust::identity::{OwnIdentities, Purpose};
use signet::trust::{anchor, release};
use signet::x509::cert::Certificate;
use signet::x509::crl::Reason;
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
async fn in_front_of_another_ca_it_is_a_certificate_of_our_own_that_waits_for_phones_lists() {
    let house = House::open(Some("phone-lsc")).await;
    let served = house.serve(Limits::default()).await;
    let first = Client::talk(served.capf, &TLS12).await;
    assert_eq!(first.len(), 2, "with the issuing CA");
    assert_eq!(first[0].subject().common_name(), Some("Signet CAPF"));
    assert!(!first[0].is_ca());
    let hierarchy = house.state.desk.authority.hierarchy();
    assert_eq!(hierarchy.issuer_of(&first[0]).unwrap().record.id.as_str(), "rsa-issuing");
    let (identities, authority) = (&house.state.identities, &house.state.desk.authority);
    let id = list(&house, &[first[0].clone()]).await;
    let publish = async || release::publish(authority, &id, Actor::System).await.unwrap();
    publish().await;
    // What is shown after a round, and what health says of it.
    let round = async || {
        identities.refresh().await;
        house.state.phones.keep_up().await.unwrap();
        let own = identities.own().into_iter().find(|own| own.identity == "capf-tls").unwrap();
        (Client::talk(served.capf, &TLS13).await[0].clone(), own.listing.unwrap())
    };
    let (shown, listing) = round().await;
    assert_eq!((shown, listing), (first[0].clone(), Listing::default()));
    house.clock.advance(Duration::from_secs(500 * 24 * 3600));
    let (shown, listing) = round().await;
    assert_eq!(shown, first[0], "nothing renews it but an operator");
    let waits = "make the next one: signet trust anchor add hq --own capf-tls --renew";
    assert_eq!(listing.waits.as_deref(), Some(waits));

    let next = identities.renew(Purpose::Capf).await.unwrap();
    let (shown, listing) = round().await;
    assert_eq!(shown, first[0], "phones know no other");
    let waits = listing.waits.unwrap();
    assert!(
        waits.starts_with("the next one waits for the ITL of hq: signet trust anchor add hq --own capf-tls"),
        "{waits}"
    );
    anchor::add(authority, &id, vec![cluster::of_identity(&next)], Actor::System).await.unwrap();
    let (_, listing) = round().await;
    assert_eq!(
        listing.waits.as_deref(),
        Some("the next one waits for the ITL of hq: signet trust publish hq")
    );
    publish().await;
    let (shown, listing) = round().await;
    assert_eq!(shown, first[0], "some phones hold the list before");
    let waits = listing.waits.unwrap();
    let digits = signet::trust::warning::hex(&first[0].fingerprint());
    assert!(waits.contains(&format!("signet trust anchor remove hq {}", &digits[..16])), "{waits}");
    anchor::remove(authority, &id, &first[0].fingerprint(), Actor::System).await.unwrap();
    assert_eq!(round().await.0, first[0], "not before it is published");
    publish().await;
    let (shown, listing) = round().await;
    assert_eq!((shown.spki(), listing), (next.certificate.spki(), Listing::default()));
}

/// Phones' lists come from elsewhere: nobody here knows when they hold the next one.
#[tokio::test(flavor = "multi_thread")]
async fn without_lists_of_ours_the_certificate_that_is_shown_stays_until_an_operator_ends_it() {
    let house = House::open(Some("phone-lsc")).await;
    let served = house.serve(Limits::default()).await;
    let identities = &house.state.identities;
    let round = async || {
        identities.refresh().await;
        house.state.phones.keep_up().await.unwrap();
        let own = identities.own().into_iter().find(|own| own.identity == "capf-tls").unwrap();
        (Client::talk(served.capf, &TLS13).await[0].clone(), own.listing.unwrap())
    };
    let (first, listing) = round().await;
    assert_eq!(listing, Listing::default());
    house.clock.advance(Duration::from_secs(500 * 24 * 3600));
    let (_, listing) = round().await;
    let waits = listing.waits.unwrap();
    assert!(waits.contains("signet trust anchor add CLUSTER --own capf-tls --renew"), "{waits}");
    let next = identities.renew(Purpose::Capf).await.unwrap();
    let (shown, listing) = round().await;
    assert_eq!(shown, first, "phones know no other");
    let waits = listing.waits.unwrap();
    assert!(waits.contains(&format!("signet cert revoke {} ", first.serial())), "{waits}");
    let authority = &house.state.desk.authority;
    revoke(authority, first.serial(), Reason::Superseded, Actor::System).await.unwrap();
    let (shown, listing) = round().await;
    assert_eq!((shown.spki(), listing), (next.certificate.spki(), Listing::default()));
}

/// The list of a cluster in which the certificate of the CAPF port stands.
async fn list(house: &House, shown: &[Certificate]) -> ClusterId {
    let identities = &house.state.identities;
    let held = identities.held(Purpose::Capf).await.unwrap();
    assert_eq!(held.iter().map(|one| (*one.certificate).clone()).collect::<Vec<_>>(), shown);
    let id: ClusterId = "hq".parse().unwrap();
    let new = NewCluster {
        id: id.clone(),
        title: None,
        mode: Default::default(),
        digest: Default::default(),
        tvs: Vec::new(),
        tftp: Vec::new(),
        identities: held,
    };
    cluster::create(&house.state.desk.authority, new, Actor::System).await.unwrap();
    id
}

/// What nothing may be shown of any more is replaced at once: there is nothing to wait for.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_our_own_that_was_revoked_is_replaced() {
    let house = House::open(Some("phone-lsc")).await;
    let served = house.serve(Limits::default()).await;
    let first = Client::talk(served.capf, &TLS12).await;
    list(&house, &[first[0].clone()]).await;
    let authority = &house.state.desk.authority;
    revoke(authority, first[0].serial(), Reason::KeyCompromise, Actor::System).await.unwrap();
    assert!(house.state.identities.refresh().await.is_empty());
    let second = Client::talk(served.capf, &TLS12).await;
    assert_ne!(second[0].spki(), first[0].spki());
    assert_eq!(house.state.identities.held(Purpose::Capf).await.unwrap().len(), 1);
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
