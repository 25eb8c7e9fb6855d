//! A CA is revoked: its parent's CRL says so, and nothing comes from it any more.

use std::sync::Arc;

use signet::audit::Actor;
use signet::ca::create::Parent;
use signet::ca::crl::publish;
use signet::ca::issue::{IssueError, issue};
use signet::ca::records::CaRecord;
use signet::ca::revoke::Revocation;
use signet::ca::revoke::authority::{Revoked, preflight, revoke_ca};
use signet::error::{Error, Kind};
use signet::id::CaId;
use signet::keys::Signer;
use signet::store::{AuditFilter, Unit};
use signet::trust::bundle::anchors;
use signet::x509::crl::Reason;
use signet::x509::key::KeyAlgorithm;

use super::checked::findings;
use super::fixture::{Fixture, ca};

async fn revoke(fixture: &Fixture, id: &str, how: impl Into<Revocation>) -> Result<Revoked, Error> {
    revoke_with(fixture, id, how, None).await
}

async fn revoke_with(
    fixture: &Fixture,
    id: &str,
    how: impl Into<Revocation>,
    key: Option<Arc<dyn Signer>>,
) -> Result<Revoked, Error> {
    revoke_ca(&fixture.authority, &ca(id), how.into(), key, Actor::Operator("ann".to_owned())).await
}

async fn refusal_to_issue(fixture: &Fixture, host: &str) -> Error {
    let key = fixture.key(&host.replace('.', "-"), KeyAlgorithm::P256);
    let order =
        fixture.order("tls-server", "ec-issuing", &format!("CN={host}"), &[&format!("dns:{host}")], key);
    match issue(&fixture.authority, order).await.unwrap_err() {
        IssueError::Failed(error) => error,
        IssueError::Claimed { .. } => panic!("nothing was claimed"),
    }
}

#[tokio::test]
async fn it_stands_on_its_parents_crl_and_issues_nothing_and_its_own_crl_goes_on() {
    let fixture = Fixture::ec().await;
    let issued = fixture.server("a.acme.example").await;
    let live = preflight(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    assert_eq!((live.stopped, live.complete), (vec![ca("ec-issuing")], true));
    assert_eq!(live.live, [("tls-server".parse().unwrap(), 1)].into());

    let revoked = revoke(&fixture, "ec-issuing", Reason::CaCompromise).await.unwrap();
    assert_eq!((revoked.crl, &revoked.record.parent), (Some(2), &Some(ca("ec-root"))));
    let (ok, said) = fixture.verify(&issued.record.der, &issued.chain, fixture.now());
    assert!(!ok && said.contains("certificate revoked") && said.contains("at 1 depth"), "{said}");
    let error = refusal_to_issue(&fixture, "b.acme.example").await;
    assert_eq!((error.code(), error.kind()), ("ca-revoked", Kind::Conflict));
    assert!(error.detail().contains("ec-issuing") && error.detail().contains("ca-compromise"), "{error}");

    let number = fixture.authority.published().of(&ca("ec-issuing")).unwrap().number;
    assert_eq!(publish(&fixture.authority, &ca("ec-issuing")).await.unwrap().number, number + 1);
    super::ocsp_status::responder(&fixture, "ec-issuing").await;
    assert!(findings(&fixture).await.is_empty());
    let trusted = anchors(&fixture.authority.hierarchy(), "signet").unwrap();
    assert_eq!(trusted.len(), 1, "only the root is an anchor now");
    assert!(anchors(&fixture.authority.hierarchy(), "ec-issuing").is_none());
    let filter = AuditFilter { action: Some("ca.revoke".to_owned()), limit: 9, ..Default::default() };
    assert_eq!(fixture.authority.db.raw().audit(filter).await.unwrap().len(), 1);
}

#[tokio::test]
async fn again_it_only_publishes_and_another_reason_is_refused() {
    let fixture = Fixture::ec().await;
    let first = revoke(&fixture, "ec-issuing", Reason::Superseded).await.unwrap();
    let again = revoke(&fixture, "ec-issuing", Reason::Superseded).await.unwrap();
    assert_eq!((&again.record, again.crl), (&first.record, Some(3)));
    assert_eq!(
        revoke(&fixture, "ec-issuing", Reason::CaCompromise).await.unwrap_err().code(),
        "already-revoked"
    );
    let root = fixture.authority.published().of(&ca("ec-root")).unwrap();
    let crl = signet::x509::crl::Crl::from_der(&root.der).unwrap();
    assert_eq!(crl.entries().len(), 1);
    assert_eq!(crl.entries()[0].reason, Reason::Superseded);
}

#[tokio::test]
async fn what_cannot_be_revoked_so_says_what_to_do_instead() {
    let fixture = Fixture::ec().await;
    let error = revoke(&fixture, "ec-root", Reason::CaCompromise).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("root-not-revocable", Kind::Conflict));
    for help in ["trust store", "signet ca revoke", "signet ca create"] {
        assert!(error.detail().contains(help), "{error}");
    }
    assert!(preflight(&fixture.authority, &ca("ec-root")).await.is_err());
    let error = revoke(&fixture, "ec-issuing", Reason::CertificateHold).await.unwrap_err();
    assert_eq!((error.code(), error.field()), ("invalid-reason", Some("/reason")));
    assert_eq!(revoke(&fixture, "nowhere", Reason::Superseded).await.unwrap_err().code(), "not-found");
    let future =
        Revocation { at: Some(fixture.now().plus(super::fixture::DAY)), ..Reason::Superseded.into() };
    assert_eq!(revoke(&fixture, "ec-issuing", future).await.unwrap_err().code(), "date-out-of-range");
    fixture.server("still.acme.example").await;
}

#[tokio::test]
async fn a_parent_whose_key_is_away_needs_its_exported_key() {
    let fixture = Fixture::ec().await;
    let authority = &fixture.authority;
    let (root, pass) = (ca("ec-root"), || "a passphrase of some length".to_owned().into());
    let pem = signet::ca::custody::export_key(authority, &root, pass(), Actor::System).await.unwrap();
    signet::ca::custody::remove_key(authority, &root, Actor::System).await.unwrap();
    let error = revoke(&fixture, "ec-issuing", Reason::CaCompromise).await.unwrap_err();
    assert_eq!(error.code(), "ca-not-ready");
    fixture.server("still.acme.example").await;

    let wrong = authority.hierarchy().require(&ca("ec-issuing")).unwrap().signer.clone();
    let error = revoke_with(&fixture, "ec-issuing", Reason::CaCompromise, wrong).await.unwrap_err();
    assert_eq!(error.code(), "wrong-key");
    let key = signet::ca::custody::open_exported(authority, pem, pass()).await.unwrap();
    let revoked = revoke_with(&fixture, "ec-issuing", Reason::CaCompromise, Some(key)).await.unwrap();
    assert_eq!(revoked.crl, Some(2));
    assert_eq!(refusal_to_issue(&fixture, "none.acme.example").await.code(), "ca-revoked");
}

/// Also by a process that read the CAs before: the write itself holds that none of them was revoked.
#[tokio::test]
async fn cas_below_it_stop_too_and_none_is_made_under_it() {
    let fixture = Fixture::ec().await;
    let authority = &fixture.authority;
    let stored = authority.db.require::<CaRecord>(&CaRecord::key_of(&ca("ec-issuing")), "x").await.unwrap();
    let below = CaRecord { id: ca("below"), parent: Some(ca("ec-issuing")), ..stored.value };
    let mut unit = Unit::new();
    unit.insert(&below).unwrap();
    authority.db.commit(unit).await.unwrap();
    authority.reload().await.unwrap();
    let before = authority.hierarchy();
    let lineage: Vec<CaId> = ["below", "ec-issuing", "ec-root"].map(ca).into();
    assert_eq!(before.require(&ca("below")).unwrap().lineage, lineage);
    assert_eq!(
        preflight(authority, &ca("ec-issuing")).await.unwrap().stopped,
        [ca("below"), ca("ec-issuing")]
    );
    revoke(&fixture, "ec-issuing", Reason::CessationOfOperation).await.unwrap();
    let hierarchy = authority.hierarchy();
    let error = hierarchy.require(&ca("below")).unwrap().may_issue().unwrap_err();
    assert!(error.code() == "ca-revoked" && error.detail().contains("ec-issuing above below"), "{error}");
    let error = fixture.make("late", KeyAlgorithm::P256, Parent::Ours(ca("ec-issuing"))).await.unwrap_err();
    assert_eq!(error.code(), "ca-revoked");
}
