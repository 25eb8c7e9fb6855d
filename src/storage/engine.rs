//! The ordered key/value engine under the store: bytes in spaces, one durable atomic batch.
//!
//! An engine knows nothing of records, indexes or audit; all of that stands once, above it.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::ops::{Bound, ControlFlow};
use std::path::Path;

use super::EngineKind;
use crate::error::Result;
use crate::store::Direction;

mod layered;
mod redb;
#[cfg(feature = "sled")]
mod sled;

/// A table of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Kind and record key to the record's row.
    Records,
    /// The pieces of large bodies.
    Chunks,
    /// Kind, index and index key to the record key.
    Index,
    /// Kind and key to a number.
    Counters,
    /// Sequence number to audit entry.
    Audit,
    /// Subject and sequence number.
    AuditBySubject,
    /// Action and sequence number.
    AuditByAction,
    /// The format version and the audit head.
    Meta,
    /// Sequence number to changes of the indexes that stand in the layers ([`layered`]).
    Journal,
}

impl Space {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Records,
        Self::Chunks,
        Self::Index,
        Self::Counters,
        Self::Audit,
        Self::AuditBySubject,
        Self::AuditByAction,
        Self::Meta,
        Self::Journal,
    ];

    /// Its number, from 0.
    pub const fn number(self) -> usize {
        self as usize
    }

    /// Its name in an engine that names its tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Chunks => "chunks",
            Self::Index => "index",
            Self::Counters => "counters",
            Self::Audit => "audit",
            Self::AuditBySubject => "audit-by-subject",
            Self::AuditByAction => "audit-by-action",
            Self::Meta => "meta",
            Self::Journal => "journal",
        }
    }
}

type Table = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The changes of one space.
pub type Rows<'a> = btree_map::Iter<'a, Vec<u8>, Option<Vec<u8>>>;

/// Rows to write and keys to remove, sorted within each space (neighbours share a page).
#[derive(Debug, Default)]
pub struct Batch {
    spaces: [Table; Space::ALL.len()],
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a row, replacing what stands at its key.
    pub fn put(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) {
        self.spaces[space.number()].insert(key, Some(value));
    }

    /// Removes a row, if it stands.
    pub fn delete(&mut self, space: Space, key: Vec<u8>) {
        self.spaces[space.number()].insert(key, None);
    }

    /// What this batch says of a key: nothing, removed, or its new value.
    pub fn find(&self, space: Space, key: &[u8]) -> Option<Option<&[u8]>> {
        self.spaces[space.number()].get(key).map(|value| value.as_deref())
    }

    /// Takes the changes of one space out of it, by rising key.
    pub fn take(&mut self, space: Space) -> impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> + use<> {
        std::mem::take(&mut self.spaces[space.number()]).into_iter()
    }

    /// Takes over everything of `later`, which wins.
    pub fn absorb(&mut self, later: Self) {
        for (mine, theirs) in self.spaces.iter_mut().zip(later.spaces) {
            if mine.is_empty() {
                *mine = theirs;
            } else {
                mine.extend(theirs);
            }
        }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.spaces.iter().all(BTreeMap::is_empty)
    }

    /// The changes of one space, by rising key; none is a removal.
    pub fn rows(&self, space: Space) -> Rows<'_> {
        self.spaces[space.number()].iter()
    }
}

/// A stretch of keys.
#[derive(Clone, Debug)]
pub struct Span {
    /// Where it begins.
    pub from: Bound<Vec<u8>>,
    /// Where it ends.
    pub to: Bound<Vec<u8>>,
}

impl Span {
    /// Every key.
    pub const ALL: Self = Self { from: Bound::Unbounded, to: Bound::Unbounded };

    /// The keys that begin with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        let to = crate::store::successor(prefix).map_or(Bound::Unbounded, Bound::Excluded);
        Self { from: Bound::Included(prefix.to_vec()), to }
    }

    /// Whether no key can lie in it (engines may panic on crossed bounds).
    pub fn is_empty(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => {
                from >= to
            }
        }
    }

    /// Its bounds as an engine takes them.
    pub fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice))
    }
}

/// Is shown each row of a walk; `Break` ends the walk.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>> + 'a;

/// A consistent view of what was durably written before it was taken.
pub trait View: Send {
    /// The value at a key.
    fn read(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Shows the rows of a stretch in order. Errors: those of `each`, and `storage`.
    fn walk(&self, space: Space, span: &Span, direction: Direction, each: &mut Visit<'_>) -> Result<()>;
    /// Which opening of the engine it reads; see [`Engine::revive`].
    fn generation(&self) -> u64;
}

/// An embedded engine.
pub trait Engine: Send + Sync {
    /// A view for one operation, dropped at its end.
    fn view(&self) -> Result<Box<dyn View>>;
    /// A view that may be kept while others write.
    fn snapshot(&self) -> Result<Box<dyn View>>;
    /// Writes all of a batch or nothing, and returns when it is durable.
    fn write(&self, batch: Batch) -> Result<()>;
    /// After a failure in a view of `generation`: reopens the engine if it was lost. Returns whether
    /// a newer opening exists now. Errors: `storage` if it cannot be reopened.
    fn revive(&self, generation: u64) -> Result<bool>;
    /// Closes its files; whatever comes later fails.
    fn close(&self) -> Result<()>;
}

/// Makes an empty engine in `folder`.
pub fn create(kind: EngineKind, folder: &Path) -> Result<Box<dyn Engine>> {
    layered(match kind {
        EngineKind::Redb => Box::new(redb::Redb::create(folder)?),
        #[cfg(feature = "sled")]
        EngineKind::Sled => Box::new(sled::Sled::create(folder)?),
        #[cfg(not(feature = "sled"))]
        EngineKind::Sled => return Err(super::without_sled()),
    })
}

/// Opens the engine that stands in `folder`. Errors: `store-missing`, `store-locked`, `storage`.
pub fn open(kind: EngineKind, folder: &Path) -> Result<Box<dyn Engine>> {
    layered(match kind {
        EngineKind::Redb => Box::new(redb::Redb::open(folder)?),
        #[cfg(feature = "sled")]
        EngineKind::Sled => Box::new(sled::Sled::open(folder)?),
        #[cfg(not(feature = "sled"))]
        EngineKind::Sled => return Err(super::without_sled()),
    })
}

fn layered(inner: Box<dyn Engine>) -> Result<Box<dyn Engine>> {
    Ok(Box::new(layered::Layered::over(inner, layered::LIMIT)?))
}

/// A key that begins with the number of its space, for rows of all spaces in one order.
fn place(space: Space, key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + key.len());
    out.push(space.number() as u8);
    out.extend_from_slice(key);
    out
}

/// The keys of a stretch, as [`place`] makes them.
fn placed(space: Space, span: &Span) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let (from, to) = span.bounds();
    let from = match from {
        Bound::Unbounded => Bound::Included(place(space, &[])),
        bound => bound.map(|key| place(space, key)),
    };
    let to = match to {
        Bound::Unbounded => Bound::Excluded(vec![space.number() as u8 + 1]),
        bound => bound.map(|key| place(space, key)),
    };
    (from, to)
}
