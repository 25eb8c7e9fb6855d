//! A folder of configuration files that are signed whenever they change, or who signs them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use signet::admin::{FolderState, SignedFolders};
use signet::audit::Actor;
use signet::ca::revoke::revoke;
use signet::clock::{Clock, Timestamp};
use signet::server::layout::Layout;
use signet::server::settings::Given;
use signet::server::state::State;
use signet::store::AuditFilter;
use signet::trust::cluster::{self, NewCluster};
use signet::trust::identity::{OwnIdentities, OwnIdentity, Purpose};
use signet::trust::signed::SignedFile;
use signet::trust::{anchor, release};
use signet::x509::crl::Reason;
use signet::x509::san::San;

use crate::built;

struct House {
    home: tempfile::TempDir,
    from: tempfile::TempDir,
    clock: Clock,
    state: State,
    signer: OwnIdentity,
}

impl House {
    /// A server whose cluster `hq` has a signer of files.
    async fn new() -> Self {
        let (home, from) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let clock = Clock::manual(Timestamp::parse("2026-11-22T01:26:00Z").unwrap());
        built::build(&Layout::new(home.path()), &clock).await;
        let state = open(home.path(), from.path(), &clock).await;
        let signer = state.identities.hold(Purpose::Tftp).await.unwrap();
        let new = NewCluster {
            id: "hq".parse().unwrap(),
            title: None,
            mode: Default::default(),
            digest: Default::default(),
            tvs: Vec::new(),
            tftp: Vec::new(),
            identities: vec![signer.clone()],
        };
        let authority = &state.desk.authority;
        cluster::create(authority, new, Actor::System).await.unwrap();
        release::publish(authority, &"hq".parse().unwrap(), Actor::System).await.unwrap();
        std::fs::create_dir_all(from.path().join("hq/encrypted")).unwrap();
        Self { home, from, clock, state, signer }
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.from.path().join("hq").join(name), content).unwrap();
    }

    fn served(&self, name: &str) -> PathBuf {
        self.home.path().join("files/hq").join(name)
    }

    /// The content of a signed file, if that signer signed it.
    fn content(&self, name: &str, signer: &OwnIdentity) -> String {
        let file = SignedFile::parse(&std::fs::read(self.served(name)).unwrap()).unwrap();
        file.verify(&signer.certificate).unwrap();
        String::from_utf8(file.content().unwrap().to_vec()).unwrap()
    }

    async fn round(&self) -> usize {
        self.state.signing.round().await
    }

    /// Until everything came to rest; how many were signed.
    async fn rounds(&self) -> usize {
        self.round().await + self.round().await
    }

    fn told(&self) -> FolderState {
        let mut all = self.state.signing.folders();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

async fn open(home: &Path, from: &Path, clock: &Clock) -> State {
    let settings = Given { sign_from: Some(from.to_owned()), ..Given::default() };
    let names = vec![San::Dns("pki.example.org".into())];
    built::open_with(&Layout::new(home), clock, names, &settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_signed_when_it_came_to_rest_and_nothing_else() {
    let house = House::new().await;
    house.write("ringlist.xml", "<one/>");
    house.write("dialplan.xml", "<plan/>");
    house.write("old.xml.sgn", "signed elsewhere");
    house.write(".dialplan.xml.swp", "an editor's");
    assert_eq!(house.round().await, 0, "somebody may still write them");
    assert_eq!(house.round().await, 2);
    assert_eq!(house.content("ringlist.xml.sgn", &house.signer), "<one/>");
    assert_eq!(house.rounds().await, 0);
    let before = std::fs::read(house.served("dialplan.xml.sgn")).unwrap();
    house.write("ringlist.xml", "<two and longer/>");
    assert_eq!(house.rounds().await, 1);
    assert_eq!(house.content("ringlist.xml.sgn", &house.signer), "<two and longer/>");
    assert_eq!(std::fs::read(house.served("dialplan.xml.sgn")).unwrap(), before);
    assert_eq!(house.told(), FolderState { cluster: "hq".into(), signed: 2, ..FolderState::default() });
    let names: Vec<String> = std::fs::read_dir(house.served(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "nothing half-written stays: {names:?}");
    let filter = AuditFilter { action: Some("file.sign".into()), limit: 10, ..AuditFilter::default() };
    let audit = house.state.desk.authority.db.raw().audit(filter).await.unwrap();
    let told: Vec<_> = audit.iter().map(|entry| entry.event.details["names"].as_str()).collect();
    assert_eq!(told.len(), 2);
    assert!(
        told.contains(&"dialplan.xml.sgn ringlist.xml.sgn") && told.contains(&"ringlist.xml.sgn"),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_signer_signs_everything_again() {
    let house = House::new().await;
    house.write("a.xml", "<a/>");
    house.write("b.xml", "<b/>");
    assert_eq!(house.rounds().await, 2);
    let (authority, id) = (&house.state.desk.authority, "hq".parse().unwrap());
    house.clock.advance(Duration::from_secs(86_400));
    let next = house.state.identities.renew(Purpose::Tftp).await.unwrap();
    anchor::add(authority, &id, vec![cluster::of_identity(&next)], Actor::System).await.unwrap();
    release::publish(authority, &id, Actor::System).await.unwrap();
    assert_eq!(house.rounds().await, 0, "phones of the list before know the first alone");
    revoke(authority, house.signer.certificate.serial(), Reason::Superseded, Actor::System).await.unwrap();
    assert_eq!(house.rounds().await, 2);
    assert_eq!(house.content("a.xml.sgn", &next), "<a/>");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_start_what_stands_is_left_and_what_does_not_is_signed() {
    let house = House::new().await;
    for name in ["a.xml", "b.xml", "c.xml"] {
        house.write(name, "<x/>");
    }
    assert_eq!(house.rounds().await, 3);
    let House { home, from, clock, state, signer } = house;
    state.desk.authority.db.raw().close().await.unwrap();
    drop(state);
    // While nobody looked: one was changed, of another what is served was damaged.
    std::fs::write(from.path().join("hq/b.xml"), "<y/>").unwrap();
    let damaged = home.path().join("files/hq/c.xml.sgn");
    let mut bytes = std::fs::read(&damaged).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let state = open(home.path(), from.path(), &clock).await;
    let house = House { home, from, clock, state, signer };
    assert_eq!(house.rounds().await, 2);
    assert_eq!(house.content("b.xml.sgn", &house.signer), "<y/>");
    assert_eq!(house.content("c.xml.sgn", &house.signer), "<x/>");
    assert_eq!(house.told().signed, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_signed_is_named_and_the_rest_is_signed() {
    let house = House::new().await;
    house.write("good.xml", "<x/>");
    house.write("encrypted/SEP001122334455.cnf.xml", "<device/>");
    // What is for one device alone is never signed for all.
    house.write("SEP001122334455.cnf.xml", "<device/>");
    std::os::unix::fs::symlink("/etc/hostname", house.from.path().join("hq/linked.xml")).unwrap();
    house.write("no name.xml", "<x/>");
    std::fs::File::create(house.from.path().join("hq/large.xml")).unwrap().set_len((4 << 20) + 1).unwrap();
    assert_eq!(house.rounds().await, 1);
    let told = house.told();
    assert_eq!((told.signed, told.refused, told.fault), (1, 5, None));
    let first = told.first.unwrap();
    assert!(first.contains("the device is not in the inventory"), "{first}");
    let served: Vec<_> = std::fs::read_dir(house.served("")).unwrap().collect();
    assert_eq!(served.len(), 1, "{served:?}");
    for name in ["linked.xml", "no name.xml", "large.xml", "SEP001122334455.cnf.xml"] {
        std::fs::remove_file(house.from.path().join("hq").join(name)).unwrap();
    }
    house.round().await;
    assert_eq!(house.told().refused, 1);
    std::fs::remove_file(house.from.path().join("hq/encrypted/SEP001122334455.cnf.xml")).unwrap();
    house.round().await;
    assert_eq!((house.told().refused, house.told().first), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_no_cluster_and_a_cluster_without_a_signer_are_faults() {
    let house = House::new().await;
    house.write("a.xml", "<x/>");
    std::fs::create_dir(house.from.path().join("shop")).unwrap();
    house.rounds().await;
    let all = house.state.signing.folders();
    let faults: Vec<_> = all.iter().map(|folder| (folder.cluster.as_str(), folder.fault.is_some())).collect();
    assert_eq!(faults, [("hq", false), ("shop", true)]);
    let authority = &house.state.desk.authority;
    revoke(authority, house.signer.certificate.serial(), Reason::KeyCompromise, Actor::System).await.unwrap();
    house.round().await;
    let fault = house.state.signing.folders().remove(0).fault.unwrap();
    assert!(fault.contains("signet trust anchor add hq --own tftp"), "{fault}");
    std::fs::remove_dir_all(house.from.path()).unwrap();
    house.round().await;
    let told = house.state.signing.folders();
    assert!(told.len() == 1 && told[0].cluster.is_empty() && told[0].fault.is_some(), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encrypted_no_more_takes_its_encrypted_file_away() {
    let house = House::new().await;
    let encrypted = |name: &str| house.served(&format!("{name}.cnf.xml.enc.sgn"));
    std::fs::create_dir_all(house.served("")).unwrap();
    for name in ["SEP001122334455", "SEP001122334466"] {
        std::fs::write(encrypted(name), "signed when it lay in encrypted").unwrap();
    }
    house.write("SEP001122334455.cnf.xml", "<device/>");
    house.write("odd.enc", "<x/>");
    assert_eq!(house.round().await, 0);
    assert!(encrypted("SEP001122334455").exists(), "not before the plain one stands");
    assert_eq!(house.told().unsettled, 1);
    assert_eq!(house.round().await, 1);
    assert_eq!(house.content("SEP001122334455.cnf.xml.sgn", &house.signer), "<device/>");
    assert!(!encrypted("SEP001122334455").exists(), "phones ask for it first");
    assert!(encrypted("SEP001122334466").exists(), "nothing says what it is");
    let told = house.told();
    assert_eq!((told.signed, told.unsettled, told.refused), (1, 0, 1));
    assert!(told.first.unwrap().starts_with("odd.enc: "), "phones would ask for odd and get it");
    let filter = AuditFilter { action: Some("file.sign".into()), limit: 10, ..AuditFilter::default() };
    let audit = house.state.desk.authority.db.raw().audit(filter).await.unwrap();
    assert_eq!(audit[0].event.details["removed"].as_str(), "SEP001122334455.cnf.xml.enc.sgn");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stands_in_no_published_list_signs_nothing_and_what_stands_is_left() {
    let house = House::new().await;
    house.write("a.xml", "<a/>");
    assert_eq!(house.rounds().await, 1);
    let (authority, id) = (&house.state.desk.authority, "hq".parse().unwrap());
    let next = house.state.identities.renew(Purpose::Tftp).await.unwrap();
    anchor::add(authority, &id, vec![cluster::of_identity(&next)], Actor::System).await.unwrap();
    revoke(authority, house.signer.certificate.serial(), Reason::Superseded, Actor::System).await.unwrap();
    assert_eq!(house.rounds().await, 0);
    let fault = house.told().fault.unwrap();
    assert!(fault.contains("publish first: signet trust publish hq"), "{fault}");
    assert_eq!(house.content("a.xml.sgn", &house.signer), "<a/>");
    release::publish(authority, &id, Actor::System).await.unwrap();
    assert_eq!(house.rounds().await, 1);
    assert_eq!(house.content("a.xml.sgn", &next), "<a/>");
    assert_eq!(house.told().fault, None);
}
