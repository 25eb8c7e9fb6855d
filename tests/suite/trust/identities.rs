//! Identities of our own in lists: made when they are asked for, never renewed by themselves.

use std::time::Duration;

use signet::audit::Actor;
use signet::ca::import::records::ImportedRevocationRecord;
use signet::ca::records::{CertificateRecord, serials};
use signet::ca::revoke::revoke;
use signet::clock::{Clock, Timestamp};
use signet::server::layout::Layout;
use signet::server::state::State;
use signet::store::{Record, Unit, When};
use signet::trust::cluster::{self, NewCluster, Settings};
use signet::trust::identity::{OwnIdentities, Purpose};
use signet::trust::list::List;
use signet::trust::records::ListKind;
use signet::trust::standing::{self, Standing};
use signet::trust::{anchor, file, recovery, release};
use signet::x509::crl::Reason;
use signet::x509::key::KeyAlgorithm;
use signet::x509::san::San;

use crate::built;

const DAY: Duration = Duration::from_secs(86_400);

struct House {
    _home: tempfile::TempDir,
    clock: Clock,
    state: State,
}

async fn house() -> House {
    let home = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp::parse("2026-11-22T01:26:00Z").unwrap());
    let layout = Layout::new(home.path());
    built::build(&layout, &clock).await;
    let state = built::open(&layout, &clock, vec![San::Dns("pki.example.org".into())]).await;
    House { _home: home, clock, state }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_issued_by_their_profiles_and_stand_in_the_first_list() {
    let house = house().await;
    let state = &house.state;
    let authority = &state.desk.authority;
    assert!(recovery::current(&authority.db).await.unwrap().is_some(), "made at init");
    let mut identities = Vec::new();
    for purpose in Purpose::ALL {
        assert!(state.identities.held(purpose).await.unwrap().is_empty());
        identities.push(state.identities.hold(purpose).await.unwrap());
    }
    for identity in &identities {
        let hierarchy = authority.hierarchy();
        let (issuer, key, names) = match identity.purpose {
            Purpose::Tvs | Purpose::Tftp => ("rsa-issuing", KeyAlgorithm::Rsa2048, 1),
            Purpose::TftpEc => ("ec-issuing", KeyAlgorithm::P256, 1),
            Purpose::Capf => ("rsa-issuing", KeyAlgorithm::Rsa2048, 0),
        };
        assert_eq!(hierarchy.issuer_of(&identity.certificate).unwrap().record.id.as_str(), issuer);
        assert_eq!(identity.certificate.public_key().unwrap().algorithm(), Some(key));
        assert_eq!(identity.certificate.sans().unwrap(), [San::Dns("pki.example.org".into())][..names]);
        assert_eq!(state.identities.hold(identity.purpose).await.unwrap().certificate, identity.certificate);
        let key = authority.keys.signer(&identity.key).unwrap();
        assert_eq!(key.public_key().spki(), identity.certificate.spki());
    }
    let id = "hq".parse().unwrap();
    let new = NewCluster {
        id,
        title: None,
        mode: Default::default(),
        digest: Default::default(),
        tvs: Vec::new(),
        tftp: Vec::new(),
        identities,
    };
    let (made, anchors) = cluster::create(authority, new, Actor::System).await.unwrap();
    assert_eq!(anchors.len(), 6);
    let published = release::publish(authority, &made.id, Actor::System).await.unwrap();
    assert_eq!(published[0].warnings, []);
    let list = release::current(&authority.db, &made.id, ListKind::Itl).await.unwrap().unwrap();
    let list = List::parse(&list.file).unwrap();
    let roles: Vec<String> = list.entries().iter().map(|entry| entry.role().to_string()).collect();
    assert_eq!(roles, ["sast", "ccm+tftp", "tftp", "capf", "capf", "tvs"]);
    // What answers a phone by serial number.
    let tvs = list.entries().last().unwrap().certificate().unwrap().serial().clone();
    let found = anchor::by_serial(&authority.db, &tvs).await.unwrap();
    assert_eq!((found.len(), found[0].cluster.as_str()), (1, "hq"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_renews_them_but_an_operator_and_the_one_before_stays() {
    let house = house().await;
    let (state, clock) = (&house.state, &house.clock);
    let first = state.identities.hold(Purpose::Tvs).await.unwrap();
    clock.advance(700 * DAY);
    state.identities.refresh().await;
    let held = state.identities.held(Purpose::Tvs).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].certificate, first.certificate, "phones know no other");
    let next = state.identities.renew(Purpose::Tvs).await.unwrap();
    assert_ne!(next.certificate, first.certificate);
    assert_ne!(next.key, first.key);
    let held = state.identities.held(Purpose::Tvs).await.unwrap();
    assert_eq!(
        held.iter().map(|one| &one.certificate).collect::<Vec<_>>(),
        [&next.certificate, &first.certificate]
    );
    clock.advance(31 * DAY);
    let held = state.identities.held(Purpose::Tvs).await.unwrap();
    assert_eq!(held.len(), 1, "the first has expired");
    assert_eq!(held[0].certificate, next.certificate);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_one_signs_and_shows_nothing_any_more() {
    let house = house().await;
    let (state, authority) = (&house.state, &house.state.desk.authority);
    let old = state.identities.hold(Purpose::Tftp).await.unwrap();
    let new = NewCluster {
        id: "hq".parse().unwrap(),
        title: None,
        mode: Default::default(),
        digest: Default::default(),
        tvs: Vec::new(),
        tftp: Vec::new(),
        identities: vec![old.clone()],
    };
    let (made, _) = cluster::create(authority, new, Actor::System).await.unwrap();
    release::publish(authority, &made.id, Actor::System).await.unwrap();
    assert_eq!(file::signer(authority, &made.id).await.unwrap().certificate, old.certificate);
    house.clock.advance(DAY);
    let next = state.identities.renew(Purpose::Tftp).await.unwrap();
    let anchor = cluster::of_identity(&next);
    anchor::add(authority, &made.id, vec![anchor], Actor::System).await.unwrap();
    release::publish(authority, &made.id, Actor::System).await.unwrap();
    let signer = file::signer(authority, &made.id).await.unwrap();
    assert_eq!(signer.certificate, old.certificate, "phones of the list before know it alone");

    revoke(authority, old.certificate.serial(), Reason::KeyCompromise, Actor::System).await.unwrap();
    assert_eq!(file::signer(authority, &made.id).await.unwrap().certificate, next.certificate);
    let held = state.identities.held(Purpose::Tftp).await.unwrap();
    assert_eq!(held.iter().map(|one| &one.certificate).collect::<Vec<_>>(), [&next.certificate]);
    let proposed = release::propose(authority, &made.id).await.unwrap();
    let codes: Vec<_> = proposed[0].warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["anchor-revoked"]);
    // It may not be made the signer of lists either.
    let settings = Settings {
        signer: Some(cluster::Signer::Anchor(old.certificate.fingerprint())),
        ..Settings::default()
    };
    let refused = cluster::set(authority, &made.id, settings, Actor::System).await.unwrap_err();
    assert_eq!(refused.code(), "signer-revoked");
}

/// A CA that moved in brings revocations of which only the serial number is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_was_brought_in_counts() {
    let house = house().await;
    let (state, authority) = (&house.state, &house.state.desk.authority);
    let held = state.identities.hold(Purpose::Tvs).await.unwrap();
    assert_eq!(standing::of(authority, &held.certificate).await.unwrap(), Standing::Valid);
    let (ca, serial) = ("rsa-issuing".parse().unwrap(), held.certificate.serial().clone());
    let record = serials::of(&authority.db, &ca, &serial).await.unwrap().unwrap();
    let (at, reason) = (house.clock.now(), Reason::KeyCompromise);
    let brought = ImportedRevocationRecord { ca, serial, at, reason, not_after: None, left: false, shard: 0 };
    let mut unit = Unit::new();
    unit.delete::<CertificateRecord>(&record.value.key(), When::Always);
    unit.insert(&brought).unwrap();
    authority.db.commit(unit).await.unwrap();
    assert_eq!(standing::of(authority, &held.certificate).await.unwrap(), Standing::Revoked);
}
