//! Lists in pages: `limit`, and cursors that only go on with the list they came from.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::store::{Db, Record, Scan};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// What was found, in order.
    pub items: Vec<T>,
    /// Where to go on (`cursor=`); null at the end.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A list that is always whole.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// The page size when none is given.
pub const DEFAULT_LIMIT: usize = 100;
/// The largest page size.
pub const MAX_LIMIT: usize = 1000;
const TAG: usize = 16;

/// A page looks at no more records than this; it may then be short, or empty, and have a `next`. A record costs 10 to
/// 35 us, so that a page that finds nothing is answered within 20 ms (docs/performance.md).
pub const MOST_LOOKED_AT: usize = 500;

/// Up to `limit` records of a scan that are `wanted`, and where to go on.
pub async fn sift<R: Record>(
    db: &Db,
    scan: Scan,
    (limit, mut after): (usize, Option<Vec<u8>>),
    wanted: impl Fn(&R) -> bool,
) -> Result<(Vec<R>, Option<Vec<u8>>)> {
    let (mut found, mut looked_at) = (Vec::new(), 0);
    loop {
        let batch = db.scan::<R>(scan.clone().limit(limit - found.len()).after(after)).await?;
        looked_at += batch.items.len();
        found.extend(batch.items.into_iter().map(|stored| stored.value).filter(&wanted));
        after = batch.next;
        if after.is_none() || found.len() >= limit || looked_at >= MOST_LOOKED_AT {
            return Ok((found, after));
        }
    }
}

/// Seals and opens the cursors of one list: bound to the token that reads it and to its filters.
pub struct Cursors {
    key: hmac::Key,
}

impl Cursors {
    /// For the bearer of a token (its stored hash) and a list with its filters, written in one way.
    pub fn new(token_hash: &[u8; 32], list: &str) -> Self {
        let token = hmac::Key::new(hmac::HMAC_SHA256, token_hash);
        let bound = hmac::sign(&token, format!("signet cursor 1\0{list}").as_bytes());
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, bound.as_ref()) }
    }

    /// The cursor of a place in the list.
    pub fn seal(&self, place: &[u8]) -> String {
        let tag = hmac::sign(&self.key, place);
        let mut sealed = tag.as_ref()[..TAG].to_vec();
        sealed.extend_from_slice(place);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The place of a cursor. Errors: `invalid-cursor`.
    pub fn open(&self, cursor: &str) -> Result<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid_cursor())?;
        let (tag, place) = sealed.split_at_checked(TAG).ok_or_else(invalid_cursor)?;
        let expected = hmac::sign(&self.key, place);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(&expected.as_ref()[..TAG], tag)) {
            return Err(invalid_cursor());
        }
        Ok(place.to_vec())
    }
}

/// The page size of a query. Errors: `invalid-cursor` outside 1 to 1000.
pub fn limit(given: Option<&str>) -> Result<usize> {
    let Some(given) = given else { return Ok(DEFAULT_LIMIT) };
    given
        .parse()
        .ok()
        .filter(|n| (1..=MAX_LIMIT).contains(n))
        .ok_or_else(|| Error::invalid("invalid-cursor", format!("limit is a number from 1 to {MAX_LIMIT}")))
}

fn invalid_cursor() -> Error {
    Error::invalid("invalid-cursor", "not a cursor of this list, with these filters, for this token")
}
