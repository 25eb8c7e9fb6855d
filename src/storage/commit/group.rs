//! A group of units that become one durable batch: each is checked against the engine and the
//! units before it, and leaves no trace if it is refused.

use super::change;
use crate::audit::{Entry, Event, Head};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::storage::engine::{Batch, Space, View};
use crate::storage::layout;
use crate::storage::prepare::Prepared;
use crate::store::CommitError;

const MAX_ENTRY: usize = 64 << 10;

/// Units that are written together.
pub(super) struct Group<'a> {
    view: &'a dyn View,
    batch: Batch,
    first: Head,
    head: Head,
    kinds: [bool; 256],
}

impl<'a> Group<'a> {
    /// An empty group over what `view` sees, whose audit head is `head`.
    pub(super) fn new(view: &'a dyn View, head: Head) -> Self {
        Self { view, batch: Batch::new(), first: head, head, kinds: [false; 256] }
    }

    /// Adds a unit. Returns the audit head after it, or why it is refused.
    pub(super) fn add(&mut self, unit: Prepared) -> Result<Head, CommitError> {
        let mut stage = Stage { view: self.view, group: &self.batch, own: Batch::new() };
        let mut kinds = Vec::new();
        for (item, change) in unit.items.into_iter().enumerate() {
            kinds.extend(change::apply(&mut stage, item, change)?);
        }
        let head = chain(&mut stage.own, self.head, unit.events).map_err(CommitError::Failed)?;
        let own = stage.own;
        self.batch.absorb(own);
        self.head = head;
        for kind in kinds {
            self.kinds[usize::from(kind)] = true;
        }
        Ok(head)
    }

    /// The batch, the head after it and the kinds that it changes.
    pub(super) fn finish(mut self) -> Result<(Batch, Head, Vec<u8>)> {
        if self.head != self.first {
            let head = encode(&self.head)?;
            self.batch.put(Space::Meta, layout::META_HEAD.to_vec(), head);
        }
        let kinds = (0..=u8::MAX).filter(|kind| self.kinds[usize::from(*kind)]).collect();
        Ok((self.batch, self.head, kinds))
    }
}

/// What one unit sees and does: its own changes, over the group's, over the engine.
pub(super) struct Stage<'a> {
    view: &'a dyn View,
    group: &'a Batch,
    own: Batch,
}

impl Stage<'_> {
    /// The value at a key as of now.
    pub(super) fn read(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.own.find(space, key).or_else(|| self.group.find(space, key)) {
            Some(value) => Ok(value.map(<[u8]>::to_vec)),
            None => self.view.read(space, key),
        }
    }

    /// Writes a row.
    pub(super) fn put(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) {
        self.own.put(space, key, value);
    }

    /// Removes a row.
    pub(super) fn delete(&mut self, space: Space, key: Vec<u8>) {
        self.own.delete(space, key);
    }
}

fn chain(batch: &mut Batch, mut head: Head, events: Vec<Event>) -> Result<Head> {
    for event in events {
        let entry = Entry::chain(head.seq + 1, head.hash, event)?;
        let row = encode(&entry)?;
        if row.len() > MAX_ENTRY {
            let text = format!("an audit entry has at most {MAX_ENTRY} bytes");
            return Err(Error::new(ErrorKind::TooLarge, "too-large", text));
        }
        head = Head { seq: entry.seq, hash: entry.hash };
        batch.put(Space::AuditBySubject, layout::audit_index_key(&entry.event.subject, entry.seq), vec![]);
        batch.put(Space::AuditByAction, layout::audit_index_key(&entry.event.action, entry.seq), vec![]);
        batch.put(Space::Audit, layout::audit_key(entry.seq), row);
    }
    Ok(head)
}

fn encode<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(|e| Error::internal("audit encoding").because(e))
}
