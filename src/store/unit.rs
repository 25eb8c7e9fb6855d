//! Units of work: changes and events that are committed together or not at all.

use super::{Envelope, IndexKey, Kind, Record};
use crate::audit::{Event, Head};
use crate::error::{Error, Result};

/// What must hold for an item, or the whole unit is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing.
    Always,
    /// No record stands at the key.
    Absent,
    /// A record stands at the key.
    Present,
    /// The record at the key has this revision.
    Revision(u64),
}

/// One change of a unit, as bytes.
#[derive(Clone, Debug)]
pub enum Item {
    /// Write a record, replacing what stands there and its index entries.
    Put {
        /// Its kind.
        kind: Kind,
        /// Its key, at most 512 bytes.
        key: Vec<u8>,
        /// Its index entries.
        indexes: Vec<IndexKey>,
        /// The version of `body`'s encoding.
        version: u8,
        /// The encoded record.
        body: Vec<u8>,
        /// The precondition.
        when: When,
    },
    /// Remove a record and its index entries.
    Delete {
        /// Its kind.
        kind: Kind,
        /// Its key.
        key: Vec<u8>,
        /// The precondition.
        when: When,
    },
    /// Change nothing, but hold the precondition.
    Check {
        /// Its kind.
        kind: Kind,
        /// Its key.
        key: Vec<u8>,
        /// The precondition.
        when: When,
    },
    /// Add to a counter (a record of its own space, 0 when absent), refused past `max` or below 0.
    Add {
        /// Its kind.
        kind: Kind,
        /// Its key.
        key: Vec<u8>,
        /// How much, may be negative.
        delta: i64,
        /// The most it may become.
        max: i64,
    },
}

/// Changes and events that are committed together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// The changes, in order; a later one sees the earlier ones.
    pub items: Vec<Item>,
    /// What the audit log says of them.
    pub events: Vec<Event>,
}

impl Unit {
    /// An empty unit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record that must not exist yet. Returns the item's place in the unit.
    pub fn insert<R: Record>(&mut self, record: &R) -> Result<usize> {
        self.put(record, When::Absent)
    }

    /// Replaces the record read at `revision`. Returns the item's place in the unit.
    pub fn replace<R: Record>(&mut self, record: &R, revision: u64) -> Result<usize> {
        self.put(record, When::Revision(revision))
    }

    /// Writes a record under any precondition. Returns the item's place in the unit.
    pub fn put<R: Record>(&mut self, record: &R, when: When) -> Result<usize> {
        let body = postcard::to_stdvec(record)
            .map_err(|e| Error::internal(format!("cannot encode a {}", R::KIND.name)).because(e))?;
        Ok(self.push(Item::Put {
            kind: R::KIND,
            key: record.key(),
            indexes: record.indexes(),
            version: R::VERSION,
            body,
            when,
        }))
    }

    /// Removes a record. Returns the item's place in the unit.
    pub fn delete<R: Record>(&mut self, key: &[u8], when: When) -> usize {
        self.push(Item::Delete { kind: R::KIND, key: key.to_vec(), when })
    }

    /// Holds a precondition on a record. Returns the item's place in the unit.
    pub fn check<R: Record>(&mut self, key: &[u8], when: When) -> usize {
        self.push(Item::Check { kind: R::KIND, key: key.to_vec(), when })
    }

    /// Adds an event to the audit log.
    pub fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Appends everything of `other`, whose item places rise by the length of this unit.
    pub fn append(&mut self, other: Unit) {
        self.items.extend(other.items);
        self.events.extend(other.events);
    }

    fn push(&mut self, item: Item) -> usize {
        self.items.push(item);
        self.items.len() - 1
    }
}

/// Why a unit was not committed.
#[derive(Debug)]
pub enum CommitError {
    /// An item's precondition (or a unique index) does not hold; nothing was changed.
    Refused {
        /// The item's place in the unit.
        item: usize,
        /// The record that stands in its way, if one does.
        standing: Option<Envelope>,
    },
    /// The store failed; nothing was acknowledged.
    Failed(Error),
}

impl From<CommitError> for Error {
    fn from(e: CommitError) -> Self {
        match e {
            CommitError::Refused { item, .. } => {
                Error::conflict("state-conflict", "the record was changed by another request; read it again")
                    .because(format!("item {item} of the unit was refused"))
            }
            CommitError::Failed(e) => e,
        }
    }
}

/// What a commit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The audit head after it.
    pub head: Head,
}
