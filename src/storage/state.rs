//! What the committer tells the store's users: whether the last write succeeded, what changed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::error::{Error, Result};

/// Shared by the committer and the store.
#[derive(Debug, Default)]
pub(super) struct State {
    failure: Mutex<Option<String>>,
    changes: Mutex<HashMap<u8, watch::Sender<u64>>>,
}

impl State {
    /// Notes how the last write ended: its failure, or none.
    pub(super) fn report(&self, failure: Option<String>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// Whether the last write succeeded. Errors: `storage` with the reason.
    pub(super) fn health(&self) -> Result<()> {
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(reason) => Err(Error::storage(reason.clone())),
        }
    }

    /// Wakes who waits for these kinds.
    pub(super) fn bump(&self, kinds: &[u8]) {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in kinds.iter().filter_map(|kind| changes.get(kind)) {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Waits for changes of a kind.
    pub(super) fn watch(&self, kind: u8) -> watch::Receiver<u64> {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.entry(kind).or_insert_with(|| watch::channel(0).0).subscribe()
    }
}
