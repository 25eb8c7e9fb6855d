//! Signet's own certificates over the months: made once, renewed by themselves, forgotten when nobody can ask.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use signet::audit::Outcome;
use signet::ca::profile::RaMode;
use signet::clock::{Clock, Timestamp};
use signet::enrol::scep_ra::{Ra, RaSource};
use signet::id::CaId;
use signet::keys::KeyTransport;
use signet::notice::records::NoticeRecord;
use signet::server::heads;
use signet::server::layout::Layout;
use signet::server::records::IdentityRecord;
use signet::server::state::State;
use signet::server::worker;
use signet::store::{AuditFilter, PRIMARY, Scan};
use signet::x509::cert::Certificate;
use signet::x509::san::San;

use crate::built;
use crate::openssl::openssl;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct House {
    home: tempfile::TempDir,
    clock: Clock,
}

impl House {
    async fn build() -> Self {
        let house = Self {
            home: tempfile::tempdir().unwrap(),
            clock: Clock::manual(Timestamp::parse("2026-11-22T01:26:00Z").unwrap()),
        };
        let layout = house.layout();
        built::build(&layout, &house.clock).await;
        house
    }

    fn layout(&self) -> Layout {
        Layout::new(self.home.path())
    }

    async fn open(&self, host: &str) -> State {
        let names = vec![San::Dns(host.into()), San::Ip("127.0.0.1".parse().unwrap())];
        built::open(&self.layout(), &self.clock, names).await
    }
}

async fn refresh(state: &State) {
    let failures = state.identities.refresh().await;
    assert!(failures.is_empty(), "{failures:?}");
}

fn ra(state: &State, mode: RaMode) -> Arc<Ra> {
    state.identities.ra(&"rsa-issuing".parse::<CaId>().unwrap(), mode).unwrap()
}

async fn tls(state: &State) -> Certificate {
    let stored = state.desk.authority.db.require::<IdentityRecord>(b"tls", "tls").await.unwrap();
    Certificate::from_der(&stored.value.current.certificate).unwrap()
}

fn keys(state: &State) -> Vec<String> {
    state.desk.authority.keys.list().unwrap().iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_made_once_and_renewed_at_two_thirds_of_its_life() {
    let house = House::build().await;
    let state = house.open("pki.example.org").await;
    assert_eq!(
        state.identities.ra(&"rsa-issuing".parse().unwrap(), RaMode::Single).unwrap_err().code(),
        "ra-not-ready"
    );
    refresh(&state).await;
    let (first_ra, first_tls) = (ra(&state, RaMode::Single), tls(&state).await);
    assert_eq!(first_ra.signing, first_ra.encryption);
    let issuing = state.desk.authority.hierarchy();
    let issuer = issuing.issuer_of(&first_ra.signing).unwrap();
    assert_eq!(issuer.record.id.as_str(), "rsa-issuing");
    assert_eq!(issuing.issuer_of(&first_tls).unwrap().record.id.as_str(), "ec-issuing");

    house.clock.advance(19 * DAY);
    refresh(&state).await;
    assert_eq!(ra(&state, RaMode::Single).signing, first_ra.signing, "not before two thirds of 30 days");

    house.clock.advance(2 * DAY);
    refresh(&state).await;
    let second_ra = ra(&state, RaMode::Single);
    assert_ne!(second_ra.signing, first_ra.signing);
    assert_ne!(second_ra.signer.public_key(), first_ra.signer.public_key(), "a new key each time");
    assert_eq!(tls(&state).await, first_tls, "90 days are not two thirds over");
    assert_eq!(second_ra.former.len(), 1, "envelopes to the one before are still opened");
    assert_eq!(second_ra.former[0].0, first_ra.encryption);
    let opened = second_ra.former[0].1.open_key(KeyTransport::Pkcs1, &[0; 256], 16);
    assert_eq!(opened.len(), 16);

    house.clock.advance(10 * DAY);
    refresh(&state).await;
    assert!(ra(&state, RaMode::Single).former.is_empty(), "the first has expired");
    assert!(!keys(&state).contains(&"ra-rsa-issuing-1".to_owned()), "{:?}", keys(&state));

    house.clock.advance(30 * DAY);
    refresh(&state).await;
    assert_ne!(tls(&state).await, first_tls);
    assert!(!keys(&state).contains(&"tls-1".to_owned()), "{:?}", keys(&state));
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_outlive_a_restart_and_follow_the_name_they_are_reached_by() {
    let house = House::build().await;
    let state = house.open("pki.example.org").await;
    refresh(&state).await;
    let (first_ra, first_tls) = (ra(&state, RaMode::Single), tls(&state).await);
    state.desk.authority.db.raw().close().await.unwrap();
    drop(state);

    let state = house.open("pki.example.org").await;
    refresh(&state).await;
    assert_eq!(ra(&state, RaMode::Single).signing, first_ra.signing);
    assert_eq!(tls(&state).await, first_tls);
    state.desk.authority.db.raw().close().await.unwrap();
    drop(state);

    let state = house.open("ca.example.net").await;
    refresh(&state).await;
    let renamed = tls(&state).await;
    assert!(renamed.sans().unwrap().contains(&San::Dns("ca.example.net".into())));
    assert_eq!(ra(&state, RaMode::Single).signing, first_ra.signing);
}

#[tokio::test(flavor = "multi_thread")]
async fn split_mode_has_a_certificate_for_each_use() {
    let house = House::build().await;
    for profile in std::fs::read_dir(house.layout().policies().join("profiles")).unwrap() {
        split(&profile.unwrap().path());
    }
    let state = house.open("pki.example.org").await;
    refresh(&state).await;
    let ra = ra(&state, RaMode::Split);
    assert_ne!(ra.signing, ra.encryption);
    assert_eq!(ra.signing.public_key().unwrap(), *ra.signer.public_key());
    assert_eq!(ra.encryption.public_key().unwrap(), *ra.decrypter.public_key());
    assert_eq!(usage(&ra.signing), "Digital Signature");
    assert_eq!(usage(&ra.encryption), "Key Encipherment");
}

/// What openssl says that the certificate's key is for.
fn usage(certificate: &Certificate) -> String {
    let shown = openssl(&["x509", "-noout", "-ext", "keyUsage"], certificate.pem().as_bytes());
    String::from_utf8(shown).unwrap().lines().nth(1).unwrap().trim().to_owned()
}

/// What `GetCACert` gives out at `path`, by name and key usage.
async fn given_out(state: &State, path: &str) -> Vec<(String, String)> {
    let router = signet::enrol::scep::http::router(state.desk.clone(), state.identities.clone());
    let request = axum::http::Request::get(format!("{path}?operation=GetCACert"));
    let request = request.body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-x509-ca-ra-cert");
    let der = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let shown = openssl(&["pkcs7", "-inform", "DER", "-print_certs"], &der);
    let shown = String::from_utf8(shown).unwrap();
    let (mut found, mut rest) = (Vec::new(), shown.as_str());
    while let Some(end) = rest.find("-----END CERTIFICATE-----") {
        let begin = rest.find("-----BEGIN").unwrap();
        let der = signet::x509::pem::decode_all(&rest.as_bytes()[begin..end + 25], 1).unwrap().remove(0).1;
        let certificate = Certificate::from_der(&der).unwrap();
        found.push((certificate.subject().to_string(), usage(&certificate)));
        rest = &rest[end + 25..];
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_a_reload_brings_has_its_authority_at_once_in_either_mode() {
    let house = House::build().await;
    let state = house.open("pki.example.org").await;
    refresh(&state).await;
    let profiles = house.layout().policies().join("profiles");
    let text = std::fs::read_to_string(profiles.join("scep-device.toml")).unwrap();
    let split = text.replace("ra_mode = \"single\"", "ra_mode = \"split\"");
    std::fs::write(profiles.join("scep-split.toml"), split).unwrap();
    signet::admin::policies::reload(&state.admin, signet::audit::Actor::System).await.unwrap();
    let expected = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        let chain = [("CN=Signet RSA Issuing CA", CA), ("CN=Signet RSA Root CA", CA)];
        list.iter().chain(&chain).map(|(n, u)| ((*n).to_owned(), (*u).to_owned())).collect()
    };
    let single = [("CN=Signet SCEP RA rsa-issuing", "Digital Signature, Key Encipherment")];
    assert_eq!(given_out(&state, "/scep").await, expected(&single));
    let halves = [
        ("CN=Signet SCEP RA rsa-issuing signing", "Digital Signature"),
        ("CN=Signet SCEP RA rsa-issuing encryption", "Key Encipherment"),
    ];
    assert_eq!(given_out(&state, "/scep/scep-split").await, expected(&halves));
}

/// The key usage of a CA.
const CA: &str = "Certificate Sign, CRL Sign";

fn split(profile: &Path) {
    let text = std::fs::read_to_string(profile).unwrap();
    std::fs::write(profile, text.replace("ra_mode = \"single\"", "ra_mode = \"split\"")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_renewed_is_kept_as_long_as_it_is_valid() {
    let house = House::build().await;
    let state = house.open("pki.example.org").await;
    refresh(&state).await;
    let first = tls(&state).await;
    state.desk.authority.keys.remove(&"ca-ec-issuing".parse().unwrap()).unwrap();
    state.desk.authority.reload().await.unwrap();

    house.clock.advance(70 * DAY);
    refresh(&state).await;
    assert_eq!(tls(&state).await, first);
    house.clock.advance(30 * DAY);
    let failures = state.identities.refresh().await;
    assert!(
        failures.iter().any(|(name, _)| name == "tls"),
        "expired, and nothing in its place: {failures:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_renews_itself_is_not_told_of_and_what_cannot_is() {
    let house = House::build().await;
    let state = house.open("pki.example.org").await;
    let live = async |rounds: u32| {
        for _ in 0..rounds {
            refresh(&state).await;
            worker::look_for_notices(&state).await.unwrap();
            house.clock.advance(12 * DAY);
        }
        let all = Scan::all::<NoticeRecord>(PRIMARY);
        let told = state.desk.authority.db.all::<NoticeRecord>(all).await.unwrap();
        told.into_iter().map(|notice| notice.value.subject).collect::<BTreeSet<_>>()
    };
    assert_eq!(live(10).await, BTreeSet::new());
    state.desk.authority.keys.remove(&"ca-ec-issuing".parse().unwrap()).unwrap();
    state.desk.authority.reload().await.unwrap();
    let told: Vec<String> = live(3).await.into_iter().collect();
    assert_eq!(told, ["CN=Signet", "CN=Signet OCSP ec-issuing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_kept_elsewhere_holds_until_the_log_is_another() {
    let house = House::build().await;
    let state = house.open("pki.example.org").await;
    let _ = worker::sign_head(&state).await;
    let exported = std::fs::read(house.layout().audit().join("head.json")).unwrap();
    let kept: signet::admin::api::audit::SignedHead = serde_json::from_slice(&exported).unwrap();
    refresh(&state).await;
    let verified = state.admin.inspector.verify(Some(kept.clone())).unwrap();
    assert!(verified.intact && verified.entries > kept.seq, "{verified:?}");
    let checked = state.admin.inspector.check().unwrap();
    assert!(checked.ok && checked.records > 4, "{checked:?}");

    let _ = worker::sign_head(&state).await;
    let newest = heads::newest(&state.desk.authority.db).await.unwrap().unwrap();
    assert!(newest.seq > kept.seq);

    let other = House::build().await;
    let foreign = other.open("pki.example.org").await;
    let verdict = foreign.admin.inspector.verify(Some(newest.clone())).unwrap();
    assert!(!verdict.intact && verdict.findings[0].problem.contains("another key"), "{verdict:?}");

    let unsigned = signet::admin::api::audit::SignedHead { seq: newest.seq - 1, ..newest };
    assert!(!state.admin.inspector.verify(Some(unsigned)).unwrap().intact);
}

fn rewrite(house: &House, profile: &str, from: &str, to: &str) {
    let path = house.layout().policies().join(format!("profiles/{profile}.toml"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

async fn generation(state: &State, name: &str) -> u32 {
    let found = state.desk.authority.db.require::<IdentityRecord>(name.as_bytes(), name).await;
    found.unwrap().value.generation
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_writes_another_subject_does_not_make_keys_for_ever() {
    let house = House::build().await;
    let fixed = "O = { from = \"fixed\", value = \"Example Ltd\" }";
    rewrite(&house, "scep-ra", "O = { from = \"request\" }", fixed);
    // Due from its first moment: no certificate of it ever serves.
    rewrite(&house, "signet-tls", "validity = \"90d\"", "validity = \"60s\"\nbackdate = \"1d\"");
    let state = house.open("pki.example.org").await;
    refresh(&state).await;
    let subject = ra(&state, RaMode::Single).signing.subject().to_string();
    assert!(subject.contains("Example Ltd"), "{subject}");
    for _ in 0..100 {
        house.clock.advance(Duration::from_secs(5));
        state.identities.refresh().await;
    }
    assert_eq!(generation(&state, "ra-rsa-issuing").await, 1);
    let made = generation(&state, "tls").await;
    assert!((2..=8).contains(&made), "5, 10, 20 … seconds between the attempts: {made} in 500 seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_made_for_a_ca_that_cannot_sign() {
    let house = House::build().await;
    let state = house.open("pki.example.org").await;
    state.desk.authority.keys.remove(&"ca-ec-issuing".parse().unwrap()).unwrap();
    state.desk.authority.reload().await.unwrap();
    let failures = state.identities.refresh().await;
    assert_eq!((failures[0].0.as_str(), failures[0].1.code()), ("tls", "ca-not-ready"), "{failures:?}");
    assert!(!keys(&state).contains(&"tls-1".to_owned()), "{:?}", keys(&state));
    let failures = state.identities.refresh().await;
    assert_eq!(failures[0].1.code(), "identity-paused", "{failures:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_put_back_is_told_and_its_head_is_not_signed_over() {
    let house = House::build().await;
    let state = house.open("pki.example.org").await;
    let _ = worker::sign_head(&state).await;
    state.desk.authority.db.raw().close().await.unwrap();
    drop(state);
    let (store, copy) = (house.layout().store(), house.home.path().join("copy"));
    copy_folder(&store, &copy);

    let state = house.open("pki.example.org").await;
    refresh(&state).await;
    let _ = worker::sign_head(&state).await;
    assert_eq!(state.admin.inspector.fault(), None);
    let path = house.layout().audit().join("head.json");
    let head = std::fs::read(&path).unwrap();
    state.desk.authority.db.raw().close().await.unwrap();
    drop(state);
    std::fs::remove_dir_all(&store).unwrap();
    copy_folder(&copy, &store);

    let state = house.open("pki.example.org").await;
    assert_eq!(state.heads.sign(house.clock.now()).await.unwrap_err().code(), "log-rolled-back");
    let fault = state.admin.inspector.fault().unwrap();
    assert!(fault.contains("the log was cut"), "{fault}");
    assert_eq!(readyz(&state).await, 503);
    refresh(&state).await;
    let _ = worker::sign_head(&state).await;
    assert!(state.admin.inspector.fault().is_some(), "a log that grew past it is another");
    assert_eq!(std::fs::read(&path).unwrap(), head);
    let filter = AuditFilter { action: Some("audit.rolled-back".into()), ..AuditFilter::default() };
    let told = state.desk.authority.db.raw().audit(filter).await.unwrap();
    assert!(!told.is_empty() && told.iter().all(|e| e.event.outcome == Outcome::Warning), "{told:?}");

    std::fs::rename(&path, house.home.path().join("former-head.json")).unwrap();
    let _ = worker::sign_head(&state).await;
    state.set_ready(true);
    assert_eq!(readyz(&state).await, 200);
    assert!(path.exists() && state.admin.inspector.fault().is_none(), "the operator wants this store");
}

async fn readyz(state: &State) -> u16 {
    let request = axum::http::Request::get("/readyz").body(axum::body::Body::empty()).unwrap();
    let router = signet::admin::plain_router(state.admin.clone());
    tower::ServiceExt::oneshot(router, request).await.unwrap().status().as_u16()
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
