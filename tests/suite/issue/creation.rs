//! New CAs: the default plan, their certificates, and what is refused.

use std::process::Command;

use signet::audit::Actor;
use signet::ca::create::{NewCa, Parent, create, default_plan};
use signet::ca::records::Role;
use signet::store::AuditFilter;
use signet::x509::key::{KeyAlgorithm, KeyKind};

use super::fixture::{Fixture, URL, YEAR, ca, place, run, text};

#[tokio::test]
async fn the_default_plan_makes_two_hierarchies_that_openssl_takes() {
    let fixture = Fixture::empty().await;
    let mut plan = default_plan(Some("Acme")).unwrap();
    plan.iter_mut().for_each(|new| new.place = place());
    let made = create(&fixture.authority, plan, Actor::System).await.unwrap();
    assert_eq!(made.len(), 5);
    let hierarchy = fixture.authority.hierarchy();
    let names: Vec<_> = hierarchy.all().iter().map(|ca| ca.record.id.as_str()).collect();
    assert_eq!(
        names,
        ["capf", "ec-issuing", "rsa-issuing", "ec-root", "rsa-root"],
        "issuing first, then by name"
    );
    for (issuing, root, below, above) in [
        ("rsa-issuing", "rsa-root", KeyKind::Rsa(2048), KeyKind::Rsa(4096)),
        ("capf", "rsa-root", KeyKind::Rsa(2048), KeyKind::Rsa(4096)),
        ("ec-issuing", "ec-root", KeyKind::P384, KeyKind::P384),
    ] {
        let issuing = hierarchy.require(&ca(issuing)).unwrap();
        let (certificate, _) = issuing.ready().unwrap();
        assert_eq!(issuing.record.role, Role::Issuing);
        assert_eq!(certificate.public_key().unwrap().kind(), below);
        assert_eq!(certificate.path_len(), Some(0));
        assert_eq!(certificate.serial().content().len(), 20);
        assert_eq!(issuing.chain.len(), 2);
        assert_eq!(issuing.chain[1].public_key().unwrap().kind(), above);
        assert!(issuing.chain[1].not_after() > fixture.now().plus(YEAR * 19));
        let chain = [issuing.chain[1].der().to_vec()];
        let (ok, said) = fixture.verify(certificate.der(), &chain, fixture.now());
        assert!(ok, "{root}: {said}");
    }
}

#[tokio::test]
async fn an_issuing_ca_says_where_its_parent_is_and_a_root_says_nothing() {
    let fixture = Fixture::ec().await;
    let hierarchy = fixture.authority.hierarchy();
    let issuing = &hierarchy.require(&ca("ec-issuing")).unwrap().chain[0];
    let shown = text(fixture.dir.path(), issuing.der());
    for expected in [
        "Subject: O = \"Acme, Inc.\", CN = Signet EC Issuing CA",
        "Issuer: O = \"Acme, Inc.\", CN = Signet EC Root CA",
        "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0",
        "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign",
        &format!("URI:{URL}/crl/ec-root.crl"),
        &format!("CA Issuers - URI:{URL}/ca/ec-root.crt"),
    ] {
        assert!(shown.contains(expected), "{expected} is missing in {shown}");
    }
    let root = text(fixture.dir.path(), hierarchy.require(&ca("ec-root")).unwrap().chain[0].der());
    assert!(!root.contains("URI:"), "{root}");
    assert!(root.contains("CA:TRUE\n"), "{root}");
}

#[tokio::test]
async fn every_new_ca_has_a_crl_at_once_and_an_event() {
    let fixture = Fixture::ec().await;
    for id in ["ec-root", "ec-issuing"] {
        let crl = fixture.authority.published().of(&ca(id)).unwrap();
        assert_eq!(crl.number, 1);
        let path = fixture.write("first.crl", &crl.der);
        let (ok, said) =
            run(Command::new("openssl").args(["crl", "-inform", "DER", "-noout", "-text", "-in"]).arg(path));
        assert!(ok && said.contains("No Revoked Certificates."), "{said}");
        let filter = AuditFilter { subject: Some(format!("ca:{id}")), limit: 5, ..Default::default() };
        let entries = fixture.authority.db.raw().audit(filter).await.unwrap();
        assert_eq!(entries.iter().map(|e| e.event.action.as_str()).collect::<Vec<_>>(), ["ca.create"]);
    }
}

#[tokio::test]
async fn several_issuing_cas_stand_side_by_side() {
    let fixture = Fixture::ec().await;
    fixture.make("ec-phones", KeyAlgorithm::P521, Parent::Ours(ca("ec-root"))).await.unwrap();
    let hierarchy = fixture.authority.hierarchy();
    assert_eq!(hierarchy.all().iter().filter(|ca| ca.record.role == Role::Issuing).count(), 2);
    assert!(hierarchy.require(&ca("ec-phones")).unwrap().ready().is_ok());
}

#[tokio::test]
async fn a_plan_that_cannot_be_done_is_refused_with_the_reason() {
    let fixture = Fixture::ec().await;
    let refused = |id: &'static str, parent| {
        let fixture = &fixture;
        async move { fixture.make(id, KeyAlgorithm::P256, parent).await.unwrap_err() }
    };
    assert_eq!(refused("ec-issuing", Parent::Itself).await.code(), "ca-exists");
    assert_eq!(refused("signet", Parent::Itself).await.code(), "reserved-name");
    assert_eq!(refused("deep", Parent::Ours(ca("ec-issuing"))).await.code(), "ca-path-length");
    assert_eq!(refused("orphan", Parent::Ours(ca("nobody"))).await.code(), "not-found");

    let hierarchy = fixture.authority.hierarchy();
    let subject = hierarchy.require(&ca("ec-root")).unwrap().record.subject.clone();
    let new = NewCa {
        id: ca("twin"),
        subject,
        algorithm: KeyAlgorithm::P256,
        lifetime: YEAR,
        parent: Parent::Itself,
        place: place(),
        serves_tls: false,
    };
    let error = create(&fixture.authority, vec![new], Actor::System).await.unwrap_err();
    assert_eq!(error.code(), "ca-exists");
    assert_eq!(fixture.authority.hierarchy().all().len(), 2);
}

#[tokio::test]
async fn a_key_left_by_a_broken_off_attempt_is_used_again() {
    let fixture = Fixture::empty().await;
    let left = fixture.ca_key("ca-ec-root", KeyAlgorithm::P384);
    fixture.make("ec-root", KeyAlgorithm::P384, Parent::Itself).await.unwrap();
    let hierarchy = fixture.authority.hierarchy();
    let (certificate, _) = hierarchy.require(&ca("ec-root")).unwrap().ready().unwrap();
    assert_eq!(certificate.spki(), left.spki());
    fixture.ca_key("ca-other", KeyAlgorithm::P256);
    let error = fixture.make("other", KeyAlgorithm::P384, Parent::Itself).await.unwrap_err();
    assert_eq!(error.code(), "key-exists", "a key of another type is not taken for the CA's");
}

#[tokio::test]
async fn a_ca_ends_with_its_parent() {
    let fixture = Fixture::ec().await;
    fixture.authority.clock.advance(YEAR * 15);
    fixture.make("late", KeyAlgorithm::P256, Parent::Ours(ca("ec-root"))).await.unwrap();
    let hierarchy = fixture.authority.hierarchy();
    let late = hierarchy.require(&ca("late")).unwrap();
    assert_eq!(late.chain[0].not_after(), late.chain[1].not_after());
}
