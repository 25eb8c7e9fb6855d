//! Finding what expires costs by what is found, not by what is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use signet::audit::{Entry, Head};
use signet::ca::Authority;
use signet::ca::records::{CertificateRecord, Status};
use signet::clock::{Clock, Timestamp};
use signet::error::Result;
use signet::id::{RecordId, Serial};
use signet::keys::pool::Pool;
use signet::keys::software::Vault;
use signet::notice::policy::NoticePolicy;
use signet::notice::records::NoticeRecord;
use signet::notice::{self, Notices};
use signet::random::Random;
use signet::storage::{self, EngineKind};
use signet::store::{
    AuditFilter, CommitError, Committed, Db, Envelope, Index, Kind, PRIMARY, Page, Record, Scan, Snapshot,
    Store, Unit,
};
use signet::x509::name::Name;

/// Counts the certificates that are read.
struct Counting(Arc<dyn Store>, Arc<AtomicUsize>);

#[async_trait]
impl Store for Counting {
    async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        self.0.commit(unit).await
    }
    async fn fetch(&self, kind: Kind, key: &[u8]) -> Result<Option<Envelope>> {
        self.0.fetch(kind, key).await
    }
    async fn fetch_unique(&self, kind: Kind, index: Index, key: &[u8]) -> Result<Option<Envelope>> {
        self.0.fetch_unique(kind, index, key).await
    }
    async fn scan(&self, scan: Scan) -> Result<Page<Envelope>> {
        let counts = scan.kind == CertificateRecord::KIND;
        let page = self.0.scan(scan).await?;
        if counts {
            self.1.fetch_add(page.items.len(), Ordering::SeqCst);
        }
        Ok(page)
    }
    async fn counter(&self, kind: Kind, key: &[u8]) -> Result<i64> {
        self.0.counter(kind, key).await
    }
    async fn head(&self) -> Result<Head> {
        self.0.head().await
    }
    async fn audit(&self, filter: AuditFilter) -> Result<Vec<Entry>> {
        self.0.audit(filter).await
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.0.snapshot()
    }
    fn changed(&self, kind: Kind) -> tokio::sync::watch::Receiver<u64> {
        self.0.changed(kind)
    }
    fn health(&self) -> Result<()> {
        self.0.health()
    }
    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}

/// As much of a certificate as its expiry needs.
fn certificate(n: u32, now: Timestamp, left: Duration, random: &Random) -> CertificateRecord {
    let fingerprint = random.bytes().unwrap();
    CertificateRecord {
        id: RecordId::new(now, random).unwrap(),
        serial: Serial::new(now, random).unwrap(),
        ca: "rsa-issuing".parse().unwrap(),
        profile: "scep-device".parse().unwrap(),
        subject: Name::parse(&format!("CN=gw{n}.example.com")).unwrap(),
        sans: Vec::new(),
        device: Some(format!("gw{n}.example.com")),
        not_before: now.minus(Duration::from_hours(24 * 365)),
        not_after: now.plus(left),
        key_fingerprint: fingerprint,
        fingerprint,
        der: Vec::new(),
        status: Status::Good,
        requester: String::new(),
        renews: None,
        shard: 0,
    }
}

#[tokio::test]
async fn a_look_reads_what_it_finds_however_much_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let (random, read) = (Random::system(), Arc::new(AtomicUsize::new(0)));
    let store = storage::create(&folder.path().join("store"), EngineKind::Redb).unwrap();
    let db = Db::new(Arc::new(Counting(store, read.clone())));
    let clock = Clock::manual(Timestamp::parse("2026-11-22T01:26:00Z").unwrap());
    let keys = Arc::new(Vault::create(folder.path(), "correct horse", &random).unwrap());
    let url = "http://127.0.0.1:1".to_owned();
    let pool = Pool::new(1, 4);
    let authority =
        Authority::load(db.clone(), clock.clone(), random.clone(), pool, keys, url).await.unwrap();
    let days = |count: u64| Duration::from_hours(24 * count + 1);
    let mut n = 0;
    let mut add = async |count: u32, left: Duration| {
        let mut unit = Unit::new();
        for _ in 0..count {
            n += 1;
            unit.insert(&certificate(n, clock.now(), left, &random)).unwrap();
        }
        db.commit(unit).await.unwrap();
    };
    for left in [100, 200, 300] {
        add(1000, days(left)).await;
    }
    add(450, days(10)).await;
    let notices =
        Notices::new(Arc::new(authority), NoticePolicy::shipped().unwrap_or_else(|e| panic!("{e:?}")));
    assert_eq!(notice::look(&notices).await.unwrap(), Some(450));
    let first = read.swap(0, Ordering::SeqCst);
    assert!((900..1100).contains(&first), "450 found, each with its device's newest: {first} read");
    // A day later nothing else has come within a step.
    clock.advance(Duration::from_hours(24));
    assert_eq!(notice::look(&notices).await.unwrap(), Some(0));
    assert_eq!(read.load(Ordering::SeqCst), 0, "nothing found, nothing read");
    let told = db.all::<NoticeRecord>(Scan::all::<NoticeRecord>(PRIMARY)).await.unwrap();
    assert_eq!(told.len(), 450);
    assert!(told.iter().all(|notice| notice.value.step == 14));
}
