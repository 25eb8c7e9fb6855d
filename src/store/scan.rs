//! What to read from an index, page by page.

use super::{Index, Kind, Record};

/// Direction of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Rising keys.
    Forward,
    /// Falling keys.
    Backward,
}

/// What to read from an index: keys `from <= k < to`, beyond `after`, at most `limit` records.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Which kind of record.
    pub kind: Kind,
    /// In which order.
    pub index: Index,
    /// The first key that counts.
    pub from: Vec<u8>,
    /// The first key that no longer counts; none: to the end of the index.
    pub to: Option<Vec<u8>>,
    /// Rising or falling.
    pub direction: Direction,
    /// At most so many records.
    pub limit: usize,
    /// The place where an earlier page ended ([`Page::next`]).
    pub after: Option<Vec<u8>>,
}

impl Scan {
    /// Everything in `index` of `R`, rising, 100 at a time.
    pub fn all<R: Record>(index: Index) -> Self {
        Self {
            kind: R::KIND,
            index,
            from: Vec::new(),
            to: None,
            direction: Direction::Forward,
            limit: 100,
            after: None,
        }
    }

    /// Only keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(mut self, prefix: Vec<u8>) -> Self {
        self.to = successor(&prefix);
        self.from = prefix;
        self
    }

    /// Only keys from `from` (included) to `to` (excluded).
    #[must_use]
    pub fn range(mut self, from: Vec<u8>, to: Option<Vec<u8>>) -> Self {
        self.from = from;
        self.to = to;
        self
    }

    /// Falling keys.
    #[must_use]
    pub fn backward(mut self) -> Self {
        self.direction = Direction::Backward;
        self
    }

    /// At most `limit` records.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Going on where an earlier page ended.
    #[must_use]
    pub fn after(mut self, after: Option<Vec<u8>>) -> Self {
        self.after = after;
        self
    }
}

/// The first key after all keys with this prefix, if there is one.
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if last < 0xff {
            next.push(last + 1);
            return Some(next);
        }
    }
    None
}

/// One page of a scan.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What was found, in order.
    pub items: Vec<T>,
    /// Where to go on; none at the end. Opaque, at most 1,100 bytes, stable under writes.
    pub next: Option<Vec<u8>>,
}
