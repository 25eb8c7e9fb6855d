//! A page of what a filter finds.

use serde::{Deserialize, Serialize};

use super::Filter;
use super::words::Walk;
use crate::clock::Timestamp;
use crate::device::records::DeviceRecord;
use crate::error::Result;
use crate::store::{Db, Stored};

/// Where a page ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    after: Option<Vec<u8>>,
    walk: Walk,
}

/// Up to `limit` devices that the filter finds, of `most` that are looked at, and where to go on; none at the end. So a
/// page may be short, or empty, and yet not be the last. Errors: `storage`.
pub async fn page(
    db: &Db,
    filter: &Filter,
    (limit, most): (usize, usize),
    place: Option<Place>,
    now: Timestamp,
) -> Result<(Vec<Stored<DeviceRecord>>, Option<Place>)> {
    let Place { mut after, mut walk } = place.unwrap_or_default();
    let (mut found, mut looked_at) = (Vec::new(), 0);
    let scan = filter.scan(now);
    while found.len() < limit && looked_at < most {
        let part =
            db.scan::<DeviceRecord>(scan.clone().limit(limit - found.len()).after(after.take())).await?;
        looked_at += part.items.len();
        for stored in part.items {
            let words = filter.name.is_none().then_some(filter.words.as_ref()).flatten();
            let first = words.is_none_or(|words| walk.meets_first(words, &stored.value));
            if first && filter.matches(&stored.value, now) {
                found.push(stored);
            }
        }
        after = part.next;
        if after.is_none() {
            return Ok((found, None));
        }
    }
    Ok((found, Some(Place { after, walk })))
}
