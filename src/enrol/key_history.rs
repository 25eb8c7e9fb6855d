//! The certificates of one key: a key stands for one identity at a time (CSR-17).

use crate::ca::records::CertificateRecord;
use crate::enrol::Desk;
use crate::error::Result;
use crate::store::{Page, Scan, Stored};
use crate::x509::name::Name;
use crate::x509::san::San;

/// The certificates that are looked at for every request. Each was held against those before it, so what was issued
/// after a live certificate bears its identity: the newest tell what the key stands for.
const NEWEST: usize = 4;
/// The certificates in a page, and the pages, that are looked at for a live one of another identity.
const PAGE: usize = 64;
const PAGES: usize = 16;

/// What is known of a key.
#[derive(Debug)]
pub(super) struct History {
    key: [u8; 32],
    newest: Vec<CertificateRecord>,
    next: Option<Vec<u8>>,
}

impl History {
    /// Reads the newest certificates of the key with this SHA-256.
    pub async fn read(desk: &Desk, key: &[u8; 32]) -> Result<Self> {
        let page = page(desk, key, NEWEST, None).await?;
        Ok(Self { key: *key, next: page.next.clone(), newest: of_key(page, key) })
    }

    /// The newest first.
    pub fn newest(&self) -> &[CertificateRecord] {
        &self.newest
    }

    /// Whether a live certificate of the key bears another identity. Past the bounds it is taken to.
    pub async fn serves_another(&self, desk: &Desk, subject: &Name, sans: &[San]) -> Result<bool> {
        let now = desk.authority.clock.now();
        let same = |record: &CertificateRecord| {
            record.subject.matches(subject) && (!subject.is_empty() || San::same_set(&record.sans, sans))
        };
        let other = |record: &CertificateRecord| record.is_live(now) && !same(record);
        if self.newest.iter().any(other) {
            return Ok(true);
        }
        if self.newest.first().is_none_or(same) {
            return Ok(false);
        }
        let mut next = self.next.clone();
        for _ in 0..PAGES {
            if next.is_none() {
                return Ok(false);
            }
            let page = page(desk, &self.key, PAGE, next).await?;
            next = page.next.clone();
            if of_key(page, &self.key).iter().any(other) {
                return Ok(true);
            }
        }
        Ok(next.is_some())
    }
}

async fn page(
    desk: &Desk,
    key: &[u8; 32],
    limit: usize,
    after: Option<Vec<u8>>,
) -> Result<Page<Stored<CertificateRecord>>> {
    let scan = Scan::all::<CertificateRecord>(CertificateRecord::BY_KEY);
    let scan = scan.prefix(key[..16].to_vec()).backward().limit(limit).after(after);
    desk.authority.db.scan::<CertificateRecord>(scan).await
}

fn of_key(page: Page<Stored<CertificateRecord>>, key: &[u8; 32]) -> Vec<CertificateRecord> {
    let records = page.items.into_iter().map(|stored| stored.value);
    records.filter(|record| record.key_fingerprint == *key).collect()
}
