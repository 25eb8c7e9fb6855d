//! Many revocations at once, and what may come between reading and writing.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use signet::audit::{Actor, Entry, Head};
use signet::ca::crl::{publish, publish_due};
use signet::ca::import::records::{ImportRecord, ImportedRevocationRecord};
use signet::ca::import::{self, Fate as Imported};
use signet::ca::records::serials::{self, Reference};
use signet::ca::records::{CertificateRecord, RevocationRecord, Role, Status};
use signet::ca::revoke::bulk::{Fate, rehearse_all, revoke_all};
use signet::ca::revoke::{Revocation, revoke};
use signet::ca::{Authority, issue};
use signet::error::Result;
use signet::id::{RecordId, Serial};
use signet::store::{
    AuditFilter, CommitError, Committed, Db, Envelope, Index, Kind, PRIMARY, Page, Record, Scan, Snapshot,
    Store, Stored, Unit,
};
use signet::x509::crl::Reason;
use signet::x509::key::KeyAlgorithm;

use super::fixture::{Fixture, ca};

fn ann() -> Actor {
    Actor::Operator("ann".to_owned())
}

/// Copies of a record, each with its own serial number, committed.
async fn copies(fixture: &Fixture, of: &CertificateRecord, count: usize) -> Vec<Stored<CertificateRecord>> {
    let mut all = Vec::new();
    let mut unit = Unit::new();
    for _ in 0..count {
        let (now, random) = (fixture.now(), &fixture.authority.random);
        let (id, serial) = (RecordId::new(now, random).unwrap(), Serial::new(now, random).unwrap());
        let value = CertificateRecord { id, serial, ..of.clone() };
        unit.insert(&value).unwrap();
        all.push(Stored { value, revision: 1 });
    }
    fixture.authority.db.commit(unit).await.unwrap();
    all
}

fn count(fates: &[Fate]) -> (usize, usize, Vec<&'static str>) {
    let revoked = fates.iter().filter(|f| matches!(f, Fate::Revoked)).count();
    let known = fates.iter().filter(|f| matches!(f, Fate::Known)).count();
    let codes = fates.iter().filter_map(|f| if let Fate::Refused(e) = f { Some(e.code()) } else { None });
    (revoked, known, codes.collect())
}

#[tokio::test]
async fn hundreds_are_revoked_each_once_and_each_with_its_event() {
    let fixture = Fixture::ec().await;
    let pattern = fixture.server("pattern.acme.example").await.record;
    let mut all = copies(&fixture, &pattern, 600).await;
    // Somebody else is faster with one of them, after it was read.
    revoke(&fixture.authority, &all[300].value.serial, Reason::Superseded, ann()).await.unwrap();
    revoke(&fixture.authority, &all[301].value.serial, Reason::KeyCompromise, ann()).await.unwrap();
    // One is named twice, one is Signet's own.
    all.push(all[0].clone());
    let own = CertificateRecord { requester: "system".to_owned(), ..pattern.clone() };
    all.push(copies(&fixture, &own, 1).await.remove(0));

    let how = Revocation::from(Reason::Superseded);
    let rehearsed = rehearse_all(&fixture.authority, &all, &how, &ann());
    assert_eq!(count(&rehearsed), (600, 1, vec!["ca-certificate"]), "as it was read");
    let fates = revoke_all(&fixture.authority, all.clone(), how, &ann()).await.unwrap();
    assert_eq!(count(&fates), (598, 2, vec!["already-revoked", "ca-certificate"]));
    assert!(matches!((&fates[300], &fates[301], &fates[600]), (Fate::Known, Fate::Refused(_), Fate::Known)));
    assert_eq!(publish(&fixture.authority, &ca("ec-issuing")).await.unwrap().entries, 600);
    let audited = AuditFilter {
        subject: Some(format!("certificate:{}", all[599].value.serial)),
        limit: 9,
        ..Default::default()
    };
    assert_eq!(fixture.authority.db.raw().audit(audited).await.unwrap().len(), 1);
    let (key, kind) = (RevocationRecord::counter_key(&ca("ec-issuing"), 0), RevocationRecord::KIND);
    assert_eq!(fixture.authority.db.raw().counter(kind, &key).await.unwrap(), 600);

    let again = revoke_all(&fixture.authority, all, how, &ann()).await.unwrap();
    assert_eq!(
        count(&again),
        (0, 600, vec!["already-revoked", "ca-certificate"]),
        "as a run that is repeated"
    );
}

#[tokio::test]
async fn our_own_are_revoked_where_they_are_named_as_such() {
    let fixture = Fixture::ec().await;
    let key = fixture.key("own", KeyAlgorithm::P256);
    let mut order = fixture.order("tls-server", "ec-issuing", "CN=o", &["dns:o.acme.example"], key);
    order.actor = Actor::System;
    let serial = issue(&fixture.authority, order).await.unwrap().record.serial;
    let how = Revocation { own: true, ..Reason::KeyCompromise.into() };
    let revoked = revoke(&fixture.authority, &serial, how, ann()).await.unwrap();
    assert!(matches!(revoked.status, Status::Revoked { .. }));
}

/// Certificates and revocations of the same CA come in at the same time: none comes in as good that was revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_batches_of_an_import_at_once_lose_no_revocation() {
    let (old, new) = (Fixture::ec().await, Fixture::empty().await);
    let (hierarchy, id) = (old.authority.hierarchy(), ca("old"));
    let own = hierarchy.require(&ca("ec-issuing")).unwrap();
    let import = ImportRecord {
        id: id.clone(),
        role: Role::Issuing,
        parent: None,
        algorithm: KeyAlgorithm::P256,
        key: "ca-old".parse().unwrap(),
        certificate: own.chain[0].der().to_vec(),
        external_chain: Vec::new(),
        began: new.now(),
        activated: None,
    };
    let mut unit = Unit::new();
    unit.insert(&import).unwrap();
    new.authority.db.commit(unit).await.unwrap();
    let mut tasks = Vec::new();
    for n in 0..8 {
        let record = old.server(&format!("m{n}.acme.example")).await.record;
        let (authority, id) = (new.authority.clone(), id.clone());
        tasks.push(tokio::spawn(async move {
            let revoked = [import::Revocation {
                serial: record.serial.clone(),
                at: record.not_before,
                reason: Reason::KeyCompromise,
                not_after: Some(record.not_after),
            }];
            let (came, revoked) = tokio::join!(
                import::certificates(&authority, &id, vec![record.der.clone()], None, ann()),
                import::revocations(&authority, &id, &revoked, ann())
            );
            (record.serial, came, revoked)
        }));
    }
    for task in tasks {
        let (serial, came, revoked) = task.await.unwrap();
        for fates in [came, revoked] {
            match fates {
                Ok(fates) => assert!(matches!(fates[..], [Imported::Imported]), "{fates:?}"),
                // Sixteen at once on one record: who lost each time is told to come again.
                Err(error) => assert_eq!(error.code(), "state-conflict"),
            }
        }
        let found = serials::of(&new.authority.db, &id, &serial).await.unwrap();
        let key = ImportedRevocationRecord::key_of(&id, &serial);
        let noted = new.authority.db.get::<ImportedRevocationRecord>(&key).await.unwrap();
        let row =
            new.authority.db.all::<RevocationRecord>(Scan::all::<RevocationRecord>(PRIMARY)).await.unwrap();
        let row = row.iter().any(|row| row.value.serial == serial);
        match found.map(|stored| stored.value.status) {
            Some(Status::Revoked { reason, .. }) => {
                assert!(reason == Reason::KeyCompromise && noted.is_none() && row, "{serial}");
            }
            // Its revocation did not come in at all.
            Some(Status::Good) => assert!(noted.is_none() && !row, "{serial} is good, and was revoked"),
            None => assert!(!row, "{serial}"),
        }
    }
}

/// The index key of a short serial number, with its CA's name, may be a long serial number of another CA.
#[tokio::test]
async fn a_long_serial_number_that_spells_a_short_one_is_not_taken_for_it() {
    let fixture = Fixture::ec().await;
    let pattern = fixture.server("spelled.acme.example").await.record;
    let (short, other): (Serial, _) = ("1000".parse().unwrap(), ca("issuing-of-old-days"));
    let spelled = [short.content(), &[0], other.as_str().as_bytes()].concat();
    let serial = Serial::from_content(&spelled).unwrap();
    let id = RecordId::new(fixture.now(), &fixture.authority.random).unwrap();
    let mut unit = Unit::new();
    unit.insert(&CertificateRecord { id, serial: serial.clone(), ..pattern }).unwrap();
    fixture.authority.db.commit(unit).await.unwrap();
    let db = &fixture.authority.db;
    assert!(serials::of(db, &other, &short).await.unwrap().is_none());
    assert!(serials::all(db, &short).await.unwrap().is_empty());
    assert_eq!(Reference::of(&short).find(db).await.unwrap_err().code(), "not-found");
    let error = revoke(&fixture.authority, &short, Reason::KeyCompromise, ann()).await.unwrap_err();
    assert_eq!(error.code(), "not-found");
    assert_eq!(serials::all(db, &serial).await.unwrap().len(), 1, "itself it is found");
}

/// Has a key reported as compromised right after the first look at the revocations or at their count.
struct Meddling {
    behind: Db,
    report: Mutex<Option<(Authority, Serial)>>,
}

impl Meddling {
    async fn meddle(&self, kind: Kind) {
        if kind == RevocationRecord::KIND {
            let report = self.report.lock().unwrap().take();
            if let Some((authority, serial)) = report {
                revoke(&authority, &serial, Reason::KeyCompromise, ann()).await.unwrap();
            }
        }
    }
}

#[async_trait]
impl Store for Meddling {
    async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        self.behind.raw().commit(unit).await
    }
    async fn fetch(&self, kind: Kind, key: &[u8]) -> Result<Option<Envelope>> {
        self.behind.raw().fetch(kind, key).await
    }
    async fn fetch_unique(&self, kind: Kind, index: Index, key: &[u8]) -> Result<Option<Envelope>> {
        self.behind.raw().fetch_unique(kind, index, key).await
    }
    async fn scan(&self, scan: Scan) -> Result<Page<Envelope>> {
        let kind = scan.kind;
        let page = self.behind.raw().scan(scan).await;
        self.meddle(kind).await;
        page
    }
    async fn counter(&self, kind: Kind, key: &[u8]) -> Result<i64> {
        let count = self.behind.raw().counter(kind, key).await;
        self.meddle(kind).await;
        count
    }
    async fn head(&self) -> Result<Head> {
        self.behind.raw().head().await
    }
    async fn audit(&self, filter: AuditFilter) -> Result<Vec<Entry>> {
        self.behind.raw().audit(filter).await
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.behind.raw().snapshot()
    }
    fn changed(&self, kind: Kind) -> tokio::sync::watch::Receiver<u64> {
        self.behind.raw().changed(kind)
    }
    fn health(&self) -> Result<()> {
        self.behind.raw().health()
    }
    async fn close(&self) -> Result<()> {
        self.behind.raw().close().await
    }
}

#[tokio::test]
async fn a_key_reported_while_the_crl_is_read_is_on_it_or_on_the_next() {
    let fixture = Fixture::ec().await;
    let serial = fixture.server("reported.acme.example").await.record.serial;
    let report = Mutex::new(Some(((*fixture.authority).clone(), serial.clone())));
    let mut meddled = (*fixture.authority).clone();
    let meddling = Arc::new(Meddling { behind: meddled.db.clone(), report });
    meddled.db = Db::new(meddling.clone());
    publish(&meddled, &ca("ec-issuing")).await.unwrap();
    assert!(meddling.report.lock().unwrap().is_none(), "it was reported in between");
    publish_due(&fixture.authority).await;
    let shown = fixture.authority.published().of(&ca("ec-issuing")).unwrap();
    let crl = signet::x509::crl::Crl::from_der(&shown.der).unwrap();
    assert!(crl.entries().iter().any(|entry| entry.serial == serial), "it is neither listed nor due");
}
