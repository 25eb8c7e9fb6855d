//! Which devices are stuck, and which hold a release.

use super::records::LedgerRecord;
use crate::error::Result;
use crate::id::ClusterId;
use crate::store::{Db, PRIMARY, Scan};
use crate::trust::records::ListKind;

/// Those that hold a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Of which cluster.
    pub cluster: ClusterId,
    /// Which list.
    pub kind: ListKind,
    /// Its number.
    pub number: u32,
}

/// Which entries are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All, by name.
    All,
    /// Of devices that refuse lists, those first that have done so for longest.
    Stuck,
    /// Of devices that hold a release.
    Holding(Held),
}

/// One page of entries.
#[derive(Clone, Debug)]
pub struct Page {
    /// The entries.
    pub entries: Vec<LedgerRecord>,
    /// Where to go on; none at the end.
    pub next: Option<Vec<u8>>,
}

/// At most `limit` entries, beyond `after`, as they are stored. Errors: `storage`.
pub async fn list(db: &Db, wanted: &Wanted, limit: usize, after: Option<Vec<u8>>) -> Result<Page> {
    let scan = match wanted {
        Wanted::All => Scan::all::<LedgerRecord>(PRIMARY),
        Wanted::Stuck => Scan::all::<LedgerRecord>(LedgerRecord::BY_STUCK),
        Wanted::Holding(Held { cluster, kind, number }) => {
            Scan::all::<LedgerRecord>(LedgerRecord::BY_RELEASE)
                .prefix(LedgerRecord::release_key(cluster, *kind, *number))
        }
    };
    let found = db.scan::<LedgerRecord>(scan.limit(limit).after(after)).await?;
    let entries = found.items.into_iter().map(|stored| stored.value).collect();
    Ok(Page { entries, next: found.next })
}
