//! What the room keeps.

use serde::{Deserialize, Serialize};

use super::unique_key;
use crate::clock::Timestamp;
use crate::id::RecordId;
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It waits for its time.
    Waiting,
    /// It was taken; if it is not heard of until then, it is taken again.
    Running {
        /// The end of the lease.
        until: Timestamp,
    },
    /// It is done.
    Done,
    /// It was given up.
    Failed,
    /// It is not to be done any more.
    Cancelled,
}

impl State {
    /// Their names, each at the place of its byte in [`TaskRecord::BY_STATE`].
    pub const NAMES: [&'static str; 5] = ["waiting", "running", "done", "failed", "cancelled"];

    /// The first byte in [`TaskRecord::BY_STATE`].
    pub fn byte(self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::Running { .. } => 1,
            Self::Done => 2,
            Self::Failed => 3,
            Self::Cancelled => 4,
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        Self::NAMES[usize::from(self.byte())]
    }
}

/// Work that is scheduled, under way or finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// The record's key.
    pub id: RecordId,
    /// What sort of work, as `certificate.supersede`.
    pub kind: String,
    /// What makes it one and the same work within its kind.
    pub key: String,
    /// What it is about, for people.
    pub subject: String,
    /// What the kind needs to know.
    pub body: Vec<u8>,
    /// When it is to be done, at the earliest.
    pub due: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Rises each time it is taken.
    pub epoch: u64,
    /// How far it has come.
    pub state: State,
    /// What the last attempt said: its error, or its result.
    pub said: Option<String>,
    /// When its state last changed.
    pub changed: Timestamp,
}

impl TaskRecord {
    /// Of a kind and key at most one task waits or runs.
    pub const BY_KEY: Index = Index { id: 1, name: "unique key", unique: true };
    /// By state, then: when it is due (waiting), when its lease ends (running), when it ended.
    pub const BY_STATE: Index = Index { id: 2, name: "state", unique: false };
    /// By kind, then time.
    pub const BY_KIND: Index = Index { id: 3, name: "kind", unique: false };

    /// When its state says that something is to be done: due, end of the lease, end.
    fn moment(&self) -> Timestamp {
        match self.state {
            State::Waiting => self.due,
            State::Running { until } => until,
            State::Done | State::Failed | State::Cancelled => self.changed,
        }
    }
}

impl Record for TaskRecord {
    const KIND: Kind = Kind { id: 50, name: "task" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let by_state = KeyBuilder::new().bytes(&[self.state.byte()]).time(self.moment()).build();
        let by_kind = KeyBuilder::new().text(&self.kind).bytes(self.id.as_bytes()).build();
        let mut keys = vec![
            IndexKey { index: Self::BY_STATE, key: by_state },
            IndexKey { index: Self::BY_KIND, key: by_kind },
        ];
        match self.state {
            State::Waiting | State::Running { .. } => {
                keys.push(IndexKey { index: Self::BY_KEY, key: unique_key(&self.kind, &self.key) });
            }
            State::Done | State::Failed | State::Cancelled => {}
        }
        keys
    }
}
