//! Catalogue rows TLSCLIENT: which certificates the API's listener takes from clients, and what it tells the others.

use std::sync::Arc;

use const_oid::ObjectIdentifier;
use rcgen::KeyPair;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::{AlertDescription as Alert, HandshakeKind};
use signet::ca::client::{ClientCertificate, known};
use signet::x509::cert::{Certificate, Extension, Tbs, ext};

use super::forged::{SEQUENCE, ec_spki, good, replaced, rsa_spki, signed, signed_by, signed_otherwise, spki};
use super::house::{DAY, House, Shown, shake};

fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

fn extension(oid_text: &str, critical: bool, value: &[u8]) -> Extension {
    Extension { oid: oid(oid_text), critical, value: value.to_vec() }
}

const KEY_USAGE: &str = "2.5.29.15";
const SAN: &str = "2.5.29.17";
const EKU: &str = "2.5.29.37";
const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";

/// The certificates that are refused by what they say: their row, themselves, and the alert.
fn spoilt(house: &House, key: &KeyPair) -> Vec<(&'static str, Vec<u8>, Alert)> {
    let (ca, now) = (house.ca("ec-issuing"), house.clock.now());
    let good = || good(&ca, &spki(key), now);
    let of = |spki: Vec<u8>| signed(&ca, &Tbs { spki, ..good() });
    let with = |e: Extension| signed(&ca, &replaced(good(), e));
    let without = |gone: &str| {
        let mut tbs = good();
        tbs.extensions.retain(|e| e.oid != oid(gone));
        signed(&ca, &tbs)
    };
    let twice = Tbs { extensions: [good().extensions, good().extensions].concat(), ..good() };
    let expired = Tbs { not_before: now.minus(DAY * 9), not_after: now.minus(DAY), ..good() };
    let early = Tbs { not_before: now.plus(DAY), ..good() };
    vec![
        ("TLSCLIENT-04 expired", signed(&ca, &expired), Alert::CertificateExpired),
        ("TLSCLIENT-04 not yet valid", signed(&ca, &early), Alert::CertificateExpired),
        ("TLSCLIENT-08 none", without(EKU), Alert::UnsupportedCertificate),
        (
            "TLSCLIENT-08 server",
            with(ext::extended_key_usage(&[oid(SERVER_AUTH)]).unwrap()),
            Alert::UnsupportedCertificate,
        ),
        ("TLSCLIENT-10", with(ext::key_usage(0b100).unwrap()), Alert::UnsupportedCertificate),
        ("TLSCLIENT-10 none", without(KEY_USAGE), Alert::UnsupportedCertificate),
        ("TLSCLIENT-11", with(ext::basic_constraints(true, None).unwrap()), Alert::UnsupportedCertificate),
        ("TLSCLIENT-16", with(extension("1.3.6.1.4.1.99999.1", true, &[5, 0])), Alert::BadCertificate),
        ("TLSCLIENT-20", of(rsa_spki(16_384, &[1, 0, 1])), Alert::BadCertificate),
        ("TLSCLIENT-21", of(rsa_spki(1024, &[1, 0, 1])), Alert::BadCertificate),
        ("TLSCLIENT-21 e=3", of(rsa_spki(2048, &[3])), Alert::BadCertificate),
        ("TLSCLIENT-23 off the curve", of(ec_spki(false)), Alert::BadCertificate),
        ("TLSCLIENT-23 explicit", of(ec_spki(true)), Alert::BadCertificate),
        ("TLSCLIENT-24", signed_otherwise(&ca, &good()), Alert::UnknownCA),
        ("TLSCLIENT-26", signed(&ca, &twice), Alert::BadCertificate),
        ("TLSCLIENT-27", with(extension(EKU, false, &[SEQUENCE, 0])), Alert::BadCertificate),
        (
            "TLSCLIENT-28 address",
            with(extension(SAN, false, &[SEQUENCE, 5, 0x87, 3, 10, 0, 1])),
            Alert::BadCertificate,
        ),
        (
            "TLSCLIENT-28 NUL",
            with(extension(SAN, false, &[SEQUENCE, 5, 0x82, 3, b'a', 0, b'b'])),
            Alert::BadCertificate,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn tlsclient_04_to_28_a_certificate_that_is_not_right_is_refused_in_the_handshake() {
    let house = House::open().await;
    let key = KeyPair::generate().unwrap();
    let ca = house.ca("ec-issuing");
    let right = signed(&ca, &good(&ca, &spki(&key), house.clock.now()));
    assert_eq!(house.shake(Some(&Shown::new(&right, &key))), Ok(Some(right)), "the pattern itself is good");
    assert_eq!(house.shake(None), Ok(None), "TLSCLIENT-01: none is demanded");
    for (row, leaf, alert) in spoilt(&house, &key) {
        assert_eq!(house.shake(Some(&Shown::new(&leaf, &key))), Err(alert), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tlsclient_03_to_18_only_the_signature_of_an_issuing_ca_of_ours_counts() {
    let house = House::open().await;
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (ca, now) = (house.ca("ec-issuing"), house.clock.now());
    let pattern = good(&ca, &spki(&key), now);
    let unknown = Err(Alert::UnknownCA);

    let same_name = signed_by(&other, &pattern);
    assert_eq!(house.shake(Some(&Shown::new(&same_name, &key))), unknown, "TLSCLIENT-03");

    // A root of ours signs CAs, never clients.
    let root = house.ca("ec-root");
    let by_root = signed(&root, &good(&root, &spki(&key), now));
    assert_eq!(house.shake(Some(&Shown::new(&by_root, &key))), unknown, "a root");

    // A leaf of ours that plays the CA: its path length, names and version are never even asked (-13, -14, -17).
    let (between, its_key) = house.client("gw1.example.org").await;
    let issuer = Certificate::from_der(&between.chain[0]).unwrap();
    let below = Tbs { issuer: issuer.subject().clone(), ..good(&ca, &spki(&key), now) };
    let below = replaced(below, ext::authority_key_id(&issuer.subject_key_id().unwrap()).unwrap());
    let mut shown = Shown::new(&signed_by(&its_key, &below), &key);
    shown.chain.push(between.chain[0].clone());
    assert_eq!(house.shake(Some(&shown)), unknown, "TLSCLIENT-13, -14, -17");

    // A mesh to be walked: nothing is walked.
    let mut deep = Shown::new(&signed(&ca, &pattern), &key);
    deep.chain.extend(std::iter::repeat_n(CertificateDer::from(same_name), 20));
    assert_eq!(house.shake(Some(&deep)), Err(Alert::BadCertificate), "TLSCLIENT-18");
}

#[tokio::test(flavor = "multi_thread")]
async fn tlsclient_33_34_44_who_shows_it_holds_its_key_and_it_is_the_very_one_we_issued() {
    let house = House::open().await;
    let (shown, key) = house.client("gw1.example.org").await;
    let authority = &house.state.desk.authority;
    let ask = async |der: &[u8]| known(authority, &ClientCertificate(Arc::from(der))).await;
    assert_eq!(house.shake(Some(&shown)), Ok(Some(shown.chain[0].to_vec())));
    assert_eq!(ask(&shown.chain[0]).await.unwrap().der, shown.chain[0].to_vec());

    let thief = Shown { chain: shown.chain.clone(), key: KeyPair::generate().unwrap().serialize_der() };
    assert_eq!(house.shake(Some(&thief)), Err(Alert::DecryptError), "TLSCLIENT-34");

    // The same serial number and key, signed by our CA, but not what we gave out: it inherits nothing.
    let ca = house.ca("ec-issuing");
    let ours = Certificate::from_der(&shown.chain[0]).unwrap();
    let twin = Tbs { serial: ours.serial().clone(), ..good(&ca, ours.spki(), house.clock.now()) };
    let twin = signed(&ca, &twin);
    assert_eq!(house.shake(Some(&Shown::new(&twin, &key))), Ok(Some(twin.clone())));
    let refused = ask(&twin).await.unwrap_err();
    assert_eq!(refused.detail(), "renewal signer is not a certificate of this CA", "TLSCLIENT-33");

    // TLSCLIENT-44: a connection that was made while it was valid speaks for nobody afterwards.
    house.clock.advance(DAY * 366);
    assert_eq!(house.shake(Some(&shown)), Err(Alert::CertificateExpired));
    assert_eq!(ask(&shown.chain[0]).await.unwrap_err().code(), "renewal-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn tlsclient_37_38_41_tickets_stay_at_their_listener_and_nothing_comes_early() {
    let house = House::open().await;
    let (a, b) = (house.listener(), house.listener());
    let mut client = house.client_config(None);
    client.resumption = Resumption::in_memory_sessions(16);
    client.enable_early_data = true;
    let client = Arc::new(client);
    let kind = |listener: &signet::server::tls::Config| {
        let (server, mut client) = shake(listener.current().unwrap(), client.clone()).unwrap();
        assert!(client.early_data().is_none(), "TLSCLIENT-37");
        server.handshake_kind().unwrap()
    };
    assert_eq!(kind(&a), HandshakeKind::Full);
    assert_eq!(kind(&a), HandshakeKind::Resumed);
    assert_eq!(kind(&b), HandshakeKind::Full, "TLSCLIENT-38");
    assert_eq!(a.current().unwrap().max_early_data_size, 0);

    let mut challenge = house.client_config(None);
    challenge.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let refused = shake(a.current().unwrap(), Arc::new(challenge)).map(drop);
    assert_eq!(refused, Err(Alert::NoApplicationProtocol), "TLSCLIENT-41");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_ca_is_asked_for_without_a_restart() {
    use signet::audit::Actor;
    use signet::ca::create::{NewCa, Parent, create, default_subject};
    use signet::keys::Place;
    use signet::x509::key::KeyAlgorithm;
    let house = House::open().await;
    let listener = house.listener();
    let before = listener.current().unwrap();
    assert!(Arc::ptr_eq(&before, &listener.current().unwrap()), "made once");
    let id: signet::id::CaId = "lab-issuing".parse().unwrap();
    let new = NewCa {
        subject: default_subject(&id, None).unwrap(),
        id,
        algorithm: KeyAlgorithm::P256,
        lifetime: DAY * 3000,
        parent: Parent::Ours("ec-root".parse().unwrap()),
        place: Place::Software,
        serves_tls: false,
    };
    create(&house.state.desk.authority, vec![new], Actor::System).await.unwrap();
    assert!(!Arc::ptr_eq(&before, &listener.current().unwrap()));
    let key = KeyPair::generate().unwrap();
    let ca = house.ca("lab-issuing");
    let leaf = signed(&ca, &good(&ca, &spki(&key), house.clock.now()));
    assert_eq!(house.shake(Some(&Shown::new(&leaf, &key))), Ok(Some(leaf)));
}
