//! A CA whose CRL is spread over shards: checklist C, rows REVOCATION-45, -46, -50.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use signet::audit::Actor;
use signet::ca::crl::{CrlChange, configure, lateness, publish, publish_due};
use signet::ca::issue::IssueError;
use signet::ca::records::{CrlRecord, CrlSettingsRecord, Scope};
use signet::ca::revoke::revoke;
use signet::ca::{Authority, Issued, issue};
use signet::clock::Clock;
use signet::error::Kind;
use signet::store::{Unit, When};
use signet::x509::crl::{Crl, Reason};
use signet::x509::key::KeyAlgorithm;

use super::fixture::{DAY, Fixture, URL, YEAR, ca, run, text};
use super::published::ask;

pub async fn set(fixture: &Fixture, change: CrlChange) -> signet::error::Result<()> {
    configure(&fixture.authority, &ca("ec-issuing"), change, Actor::Operator("ann".to_owned())).await
}

pub fn shards(count: u32) -> CrlChange {
    CrlChange { shards: Some(count), ..CrlChange::default() }
}

async fn revoked(fixture: &Fixture, issued: &Issued) {
    revoke(&fixture.authority, &issued.record.serial, Reason::Superseded, Actor::System).await.unwrap();
}

/// The path of the CRL that a certificate points to.
fn path_in(fixture: &Fixture, certificate: &[u8]) -> String {
    let text = text(fixture.dir.path(), certificate);
    let mut urls = text.lines().filter_map(|line| line.trim().strip_prefix("URI:"));
    let url = urls.next_back().unwrap_or_else(|| panic!("{text}"));
    url.strip_prefix(URL).unwrap().to_owned()
}

async fn fetched(router: &Router, path: &str) -> Crl {
    let answer = ask(router, "GET", path, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    Crl::from_der(&answer.body).unwrap()
}

fn crl_text(fixture: &Fixture, crl: &Crl) -> String {
    let path = fixture.write("shown.crl", crl.der());
    let (ok, text) =
        run(Command::new("openssl").args(["crl", "-inform", "DER", "-noout", "-text", "-in"]).arg(path));
    assert!(ok, "{text}");
    text
}

#[tokio::test]
async fn each_certificate_stands_on_the_crl_it_points_to_and_all_of_them_on_one() {
    let fixture = Fixture::ec().await;
    let router = signet::ca::http::router(fixture.authority.clone());
    let before = fixture.server("before.acme.example").await;
    set(&fixture, shards(4)).await.unwrap();
    let (mut all, mut gone) = (Vec::new(), BTreeSet::new());
    for n in 0..16 {
        all.push(fixture.server(&format!("h{n}.acme.example")).await);
    }
    for issued in all.iter().step_by(2).chain([&before]) {
        revoked(&fixture, issued).await;
        gone.insert(issued.record.serial.clone());
    }
    let (published, failed) = publish_due(&fixture.authority).await;
    assert_eq!((published, failed.len()), (vec![ca("ec-issuing")], 0));

    let (mut union, mut paths) = (BTreeSet::new(), BTreeSet::from(["/crl/ec-issuing.crl".to_owned()]));
    for issued in all.iter().chain([&before]) {
        let path = path_in(&fixture, &issued.record.der);
        let crl = fetched(&router, &path).await;
        let stands = crl.entries().iter().any(|entry| entry.serial == issued.record.serial);
        assert_eq!(stands, gone.contains(&issued.record.serial), "{path}");
        // Byte for byte the name of the certificate's distribution point, and critical.
        let said = crl_text(&fixture, &crl);
        let point = format!("X509v3 Issuing Distribution Point: critical Full Name: URI:{URL}{path}");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(&point), "{said}");
        let (ok, said) = fixture.verify(&issued.record.der, &issued.chain, fixture.now());
        assert_eq!(ok, !stands, "{said}");
        assert!(ok || said.contains("certificate revoked"), "{said}");
        paths.insert(path);
    }
    assert_eq!(path_in(&fixture, &before.record.der), "/crl/ec-issuing.crl");
    assert!(paths.len() >= 4, "16 serial numbers spread over 4 shards: {paths:?}");
    for path in paths {
        union.extend(fetched(&router, &path).await.entries().iter().map(|entry| entry.serial.clone()));
    }
    assert_eq!(union, gone);
}

/// Else the shard could end before the certificate that points to it is written.
#[tokio::test]
async fn nothing_is_issued_into_a_shard_by_settings_that_were_changed_meanwhile() {
    let fixture = Fixture::ec().await;
    set(&fixture, shards(2)).await.unwrap();
    let key = fixture.key("late", KeyAlgorithm::P256);
    let order = || {
        fixture.order(
            "tls-server",
            "ec-issuing",
            "CN=late.acme.example",
            &["dns:late.acme.example"],
            key.clone(),
        )
    };
    let db = &fixture.authority.db;
    let settings = CrlSettingsRecord::key_of(&ca("ec-issuing"));
    let standing = db.get::<CrlSettingsRecord>(&settings).await.unwrap().unwrap();
    let mut unit = Unit::new();
    unit.replace(&standing.value, standing.revision).unwrap();
    db.commit(unit).await.unwrap();
    let Err(IssueError::Failed(error)) = issue(&fixture.authority, order()).await else {
        panic!("it was issued")
    };
    assert_eq!((error.kind(), error.code()), (Kind::Busy, "busy"));
    fixture.authority.reload().await.unwrap();
    issue(&fixture.authority, order()).await.unwrap();
}

#[tokio::test]
async fn a_revocation_makes_its_own_shards_crl_anew_and_no_other() {
    let fixture = Fixture::ec().await;
    set(&fixture, shards(3)).await.unwrap();
    let issued = fixture.server("a.acme.example").await;
    let numbers = || {
        let published = fixture.authority.published();
        (0..=3).map(|shard| published.complete(&Scope { ca: ca("ec-issuing"), shard }).unwrap().number)
    };
    let before: Vec<_> = numbers().collect();
    assert_eq!(before, [2, 1, 1, 1], "the first was made anew: it is about fewer certificates now");
    revoked(&fixture, &issued).await;
    publish_due(&fixture.authority).await;
    let risen: Vec<_> = numbers().zip(&before).map(|(now, before)| now - before).collect();
    let shard = issued.record.shard as usize;
    assert!((1..=3).contains(&shard));
    assert_eq!(risen.iter().sum::<u64>(), 1);
    assert_eq!(risen[shard], 1);
    assert!(publish_due(&fixture.authority).await.0.is_empty(), "nothing is due twice");
    let first = publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    assert_eq!((first.scope.shard, first.number), (0, 3), "on demand all of them are made");
    assert_eq!(numbers().sum::<u64>(), before.iter().sum::<u64>() + 1 + 4);
}

#[tokio::test]
async fn a_shard_is_published_until_what_points_to_it_has_expired_and_its_numbers_go_on() {
    let fixture = Fixture::ec().await;
    let router = signet::ca::http::router(fixture.authority.clone());
    set(&fixture, shards(2)).await.unwrap();
    let issued = fixture.server("a.acme.example").await;
    let path = path_in(&fixture, &issued.record.der);
    revoked(&fixture, &issued).await;
    publish_due(&fixture.authority).await;
    set(&fixture, shards(1)).await.unwrap();
    let later = fixture.server("b.acme.example").await;
    assert_eq!(path_in(&fixture, &later.record.der), "/crl/ec-issuing.crl");
    fixture.authority.clock.advance(issued.record.not_after.since(fixture.now()) - DAY);
    publish_due(&fixture.authority).await;
    let last = fetched(&router, &path).await;
    assert_eq!(
        last.entries().len(),
        1,
        "nothing points to another shard from now on, but this one still counts"
    );

    // Expired: one more CRL carries it, then it leaves, then its shard ends.
    for _ in 0..4 {
        fixture.authority.clock.advance(DAY * 4);
        let (_, failed) = publish_due(&fixture.authority).await;
        assert!(failed.is_empty(), "{failed:?}");
    }
    for gone in ["/crl/ec-issuing/1.crl", "/crl/ec-issuing/2.crl"] {
        assert_eq!(ask(&router, "GET", gone, &[]).await.status, StatusCode::NOT_FOUND, "{gone}");
    }
    let said = crl_text(&fixture, &fetched(&router, "/crl/ec-issuing.crl").await);
    assert!(!said.contains("Issuing Distribution Point"), "it is about all certificates again: {said}");
    set(&fixture, shards(2)).await.unwrap();
    let again = fetched(&router, &path).await;
    assert!(again.number() > last.number() && again.entries().is_empty());
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_by_their_field() {
    let fixture = Fixture::ec().await;
    let hours =
        |window, delta| CrlChange { window_hours: window, delta_hours: delta, ..CrlChange::default() };
    for (change, field) in [
        (shards(0), "/crl_shards"),
        (shards(4097), "/crl_shards"),
        (hours(Some(0), None), "/crl_window_hours"),
        (hours(Some(9601), None), "/crl_window_hours"),
        (hours(Some(4), Some(4)), "/crl_delta_hours"),
        (hours(None, Some(u64::MAX)), "/crl_delta_hours"),
    ] {
        let error = set(&fixture, change).await.unwrap_err();
        assert_eq!((error.code(), error.field()), ("crl-settings", Some(field)), "{change:?}");
    }
    for change in [shards(2), hours(None, Some(2))] {
        let root = configure(&fixture.authority, &ca("ec-root"), change, Actor::System).await;
        assert_eq!(root.unwrap_err().code(), "crl-settings");
    }
    let number = fixture.authority.published().of(&ca("ec-issuing")).unwrap().number;
    set(&fixture, CrlChange::default()).await.unwrap();
    set(&fixture, shards(1)).await.unwrap();
    assert_eq!(
        fixture.authority.published().of(&ca("ec-issuing")).unwrap().number,
        number,
        "nothing changed"
    );
}

#[tokio::test]
async fn a_window_that_was_set_is_kept_to() {
    let fixture = Fixture::ec().await;
    set(&fixture, CrlChange { window_hours: Some(24), ..CrlChange::default() }).await.unwrap();
    let crl = fixture.authority.published().of(&ca("ec-issuing")).unwrap();
    assert_eq!(crl.next_update.since(crl.this_update), DAY);
    assert!(publish_due(&fixture.authority).await.0.is_empty());
    fixture.authority.clock.advance(DAY / 2);
    assert_eq!(publish_due(&fixture.authority).await.0, [ca("ec-issuing")], "at half of it");
}

/// The same store under another address, or at another time.
async fn loaded(fixture: &Fixture, clock: Clock, url: &str) -> Arc<Authority> {
    let shared = &fixture.authority;
    let (db, random) = (shared.db.clone(), shared.random.clone());
    let loaded =
        Authority::load(db, clock, random, shared.pool.clone(), shared.keys.clone(), url.to_owned()).await;
    Arc::new(loaded.unwrap())
}

#[tokio::test]
async fn certificates_from_before_a_new_public_address_still_match_their_shard() {
    let mut fixture = Fixture::ec().await;
    set(&fixture, shards(2)).await.unwrap();
    let issued = fixture.server("a.acme.example").await;
    let moved = loaded(&fixture, fixture.authority.clock.clone(), "http://new.example").await;
    // The first round notes the address, the second writes it into every CRL.
    publish_due(&moved).await;
    publish_due(&moved).await;
    let scope = Scope { ca: ca("ec-issuing"), shard: issued.record.shard };
    let crl = moved.published().complete(&scope).unwrap();
    let said = crl_text(&fixture, &Crl::from_der(&crl.der).unwrap());
    for url in [URL, "http://new.example"] {
        assert!(said.contains(&format!("URI:{}", scope.url(url))), "{said}");
    }
    fixture.authority = moved;
    let (ok, said) = fixture.verify(&issued.record.der, &issued.chain, fixture.now());
    assert!(ok, "{said}");
}

/// REVOCATION-45
#[tokio::test]
async fn after_the_clock_was_set_back_no_crl_is_of_the_future() {
    let fixture = Fixture::ec().await;
    let now = fixture.now();
    fixture.authority.clock.advance(DAY);
    let ahead = publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    let back = loaded(&fixture, Clock::manual(now), URL).await;
    assert_eq!(publish_due(&back).await.0, [ca("ec-issuing")]);
    let crl = back.published().of(&ca("ec-issuing")).unwrap();
    assert!(crl.this_update <= now && crl.number > ahead.number);
    assert!(publish_due(&back).await.0.is_empty());
}

/// REVOCATION-50
#[tokio::test]
async fn a_number_that_would_go_back_is_refused() {
    let fixture = Fixture::ec().await;
    let db = &fixture.authority.db;
    let key = CrlRecord::key_of(&Scope::whole(&ca("ec-issuing")));
    let old = db.get::<CrlRecord>(&key).await.unwrap().unwrap().value;
    publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    let mut unit = Unit::new();
    unit.put(&old, When::Present).unwrap();
    db.commit(unit).await.unwrap();
    let error = publish(&fixture.authority, &ca("ec-issuing")).await.unwrap_err();
    assert_eq!(error.code(), "crl-number-rollback");
    assert!(error.detail().contains("crlNumber not greater than published"), "{error}");
    assert_eq!(
        fixture.authority.published().of(&ca("ec-issuing")).unwrap().number,
        3,
        "the last one is served"
    );
}

#[tokio::test]
async fn a_crl_that_is_late_is_told_before_it_runs_out() {
    let fixture = Fixture::ec().await;
    let late = || {
        let hierarchy = fixture.authority.hierarchy();
        lateness(&fixture.authority, hierarchy.require(&ca("ec-issuing")).unwrap())
    };
    set(&fixture, shards(2)).await.unwrap();
    fixture.authority.clock.advance(DAY * 5);
    assert_eq!(late(), None);
    fixture.authority.clock.advance(DAY);
    let found = late().unwrap();
    assert!((found.count, found.is_out) == (3, false), "{found:?}");
    fixture.authority.clock.advance(DAY * 2);
    let found = late().unwrap();
    assert!(found.is_out && found.to_string().contains("is out of date since"), "{found}");
    publish_due(&fixture.authority).await;
    assert_eq!(late(), None);
}

#[tokio::test]
async fn what_is_stored_agrees_after_years_of_shards_and_deltas() {
    let fixture = Fixture::ec().await;
    set(&fixture, CrlChange { shards: Some(2), delta_hours: Some(12), ..CrlChange::default() })
        .await
        .unwrap();
    let issued = fixture.server("a.acme.example").await;
    revoked(&fixture, &issued).await;
    publish_due(&fixture.authority).await;
    assert_eq!(super::checked::findings(&fixture).await, Vec::<String>::new());
    fixture.authority.clock.advance(YEAR * 2);
    publish_due(&fixture.authority).await;
    fixture.authority.clock.advance(DAY * 4);
    publish_due(&fixture.authority).await;
    assert_eq!(super::checked::findings(&fixture).await, Vec::<String>::new());
}
