//! How many certificates hold a CA in service. Counted when somebody asks, at most once a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::ca::Authority;
use crate::ca::records::CertificateRecord;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CaId;
use crate::store::Scan;

/// How long a count is good for.
const FRESH: Duration = Duration::from_secs(60);
/// The most certificates that are looked at for one count.
const MOST: usize = 200_000;
/// Certificates that are read at once.
const PAGE: usize = 1000;

/// The live certificates of each CA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaves {
    live: HashMap<CaId, u64>,
    is_whole: bool,
}

impl Leaves {
    /// How many certificates of a CA are neither revoked nor expired; none if there are too many in all to be counted.
    pub fn of(&self, ca: &CaId) -> Option<u64> {
        self.is_whole.then(|| self.live.get(ca).copied().unwrap_or_default())
    }
}

/// The last count, shared by all who ask.
#[derive(Debug, Default)]
pub(in crate::ca) struct Census(Mutex<Option<(Timestamp, Arc<Leaves>)>>);

/// Counts the live certificates of every CA, or gives the count of a moment ago. Costs by the number of live
/// certificates. Errors: `storage`.
pub async fn leaves(authority: &Authority) -> Result<Arc<Leaves>> {
    let now = authority.clock.now();
    let kept = authority.census.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((at, leaves)) = kept
        && at <= now
        && now.since(at) < FRESH
    {
        return Ok(leaves);
    }
    let leaves = Arc::new(count(authority, now).await?);
    *authority.census.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&leaves)));
    Ok(leaves)
}

async fn count(authority: &Authority, now: Timestamp) -> Result<Leaves> {
    let mut found = Leaves { live: HashMap::new(), is_whole: true };
    let mut scan = Scan::all::<CertificateRecord>(CertificateRecord::BY_EXPIRY)
        .range(now.sort_key().to_vec(), None)
        .limit(PAGE);
    let mut seen = 0;
    loop {
        let page = authority.db.scan::<CertificateRecord>(scan.clone()).await?;
        seen += page.items.len();
        for record in page.items.iter().map(|stored| &stored.value).filter(|record| record.is_live(now)) {
            *found.live.entry(record.ca.clone()).or_default() += 1;
        }
        match page.next {
            Some(_) if seen >= MOST => return Ok(Leaves::default()),
            Some(next) => scan = scan.after(Some(next)),
            None => return Ok(found),
        }
    }
}
