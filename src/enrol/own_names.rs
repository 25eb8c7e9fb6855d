//! The names of our own listeners: who had a certificate for one of them could stand in our place.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::ca::profile::ProfileSet;
use crate::ca::records::CertificateRecord;
use crate::clock::Timestamp;
use crate::enrol::Desk;
use crate::error::{Error, Result};
use crate::store::{KeyBuilder, Scan};
use crate::x509::name::Name;
use crate::x509::san::San;

/// How long what was read is good for.
const FRESH: Duration = Duration::from_secs(1);
/// The newest certificates of a profile that are looked at.
const NEWEST: usize = 64;

type Names = Arc<HashSet<San>>;

/// The DNS names and addresses in the live certificates of internal profiles that serve TLS, read at most once a second.
#[derive(Debug, Default)]
pub(super) struct OwnNames(RwLock<Option<(Timestamp, Names)>>);

impl OwnNames {
    /// Errors: `bad-csr` "reserved name" if a subject's CN or an alternative name is one of ours, or a wildcard for one.
    pub async fn refuse(&self, desk: &Desk, set: &ProfileSet, subject: &Name, sans: &[San]) -> Result<()> {
        let ours = self.current(desk, set).await?;
        if ours.is_empty() {
            return Ok(());
        }
        let as_name = |cn: &str| [format!("dns:{cn}"), format!("ip:{cn}")].map(|text| San::parse(&text).ok());
        let common_name = subject.common_name().map(|cn| as_name(cn.trim_end_matches('.')));
        let mut asked = sans.iter().chain(common_name.iter().flatten().flatten());
        if asked.any(|san| ours.contains(san) || covers(san, &ours)) {
            return Err(Error::bad_csr("reserved name"));
        }
        Ok(())
    }

    async fn current(&self, desk: &Desk, set: &ProfileSet) -> Result<Names> {
        let now = desk.authority.clock.now();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, names)) = known
            && at <= now
            && now.since(at) < FRESH
        {
            return Ok(names);
        }
        let names = Arc::new(read(desk, set, now).await?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&names)));
        Ok(names)
    }
}

async fn read(desk: &Desk, set: &ProfileSet, now: Timestamp) -> Result<HashSet<San>> {
    let mut names = HashSet::new();
    for profile in set.all().iter().filter(|profile| profile.is_internal() && profile.serves_tls()) {
        let prefix = KeyBuilder::new().text(profile.id().as_str()).build();
        let scan = Scan::all::<CertificateRecord>(CertificateRecord::BY_PROFILE);
        let page =
            desk.authority.db.scan::<CertificateRecord>(scan.prefix(prefix).backward().limit(NEWEST)).await?;
        let live = page.items.into_iter().map(|stored| stored.value).filter(|record| record.is_live(now));
        names.extend(live.flat_map(|record| record.sans));
    }
    Ok(names)
}

/// Whether it is a wildcard that stands for one of our names (RFC 6125 §6.4.3: one label).
fn covers(san: &San, ours: &HashSet<San>) -> bool {
    let San::Dns(name) = san else { return false };
    let Some(domain) = name.strip_prefix("*.") else { return false };
    ours.iter().any(|own| match own {
        San::Dns(own) => own.split_once('.').is_some_and(|(_, rest)| rest == domain),
        San::Ip(_) | San::Email(_) | San::Uri(_) | San::Directory(_) | San::Other(..) => false,
    })
}
