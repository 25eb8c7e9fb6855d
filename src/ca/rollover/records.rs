//! What is kept of a rollover: who follows whom, and how far it is.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::CaId;
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};

/// How far a rollover is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The next CA is there and announced; the current one issues.
    Prepared {
        /// When the next takes over by itself; none: by hand.
        activate_at: Option<Timestamp>,
    },
    /// The next CA issues.
    Active {
        /// Since when.
        since: Timestamp,
    },
    /// It was called off: the next CA never issues under the name.
    Cancelled {
        /// When.
        since: Timestamp,
    },
}

/// One CA that follows another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloverRecord {
    /// The CA that is followed.
    pub current: CaId,
    /// The CA that follows it: the record's key, for every CA follows one other at most.
    pub next: CaId,
    /// When the next one was made.
    pub prepared: Timestamp,
    /// How far it is.
    pub stage: Stage,
    /// The next one's key, certified by the current one's: "new with old" (RFC 4210 §4.4), DER.
    pub next_by_current: Vec<u8>,
    /// Where both sign themselves, the current one's key, certified by the next one's: "old with new", DER.
    pub current_by_next: Option<Vec<u8>>,
    /// When the last certificate of the CA that went out of service expires, once that was looked for.
    pub last_leaf: Option<Timestamp>,
    /// When the CA that went out of service retired.
    pub retired: Option<Timestamp>,
}

impl RolloverRecord {
    /// By the CA that is followed, unless it was called off: one rollover of a CA at a time.
    pub const BY_CURRENT: Index = Index { id: 1, name: "current", unique: true };

    /// The key of the record of the CA that follows.
    pub fn key_of(next: &CaId) -> Vec<u8> {
        next.as_str().as_bytes().to_vec()
    }

    /// Whether the next CA has yet to take over.
    pub fn is_prepared(&self) -> bool {
        matches!(self.stage, Stage::Prepared { .. })
    }

    /// Whether the next CA took over.
    pub fn is_active(&self) -> bool {
        matches!(self.stage, Stage::Active { .. })
    }

    /// The CA that it put out of service, and when: the one before, or the next where it was called off.
    pub fn outgoing(&self) -> Option<(&CaId, Timestamp)> {
        match self.stage {
            Stage::Prepared { .. } => None,
            Stage::Active { since } => Some((&self.current, since)),
            Stage::Cancelled { since } => Some((&self.next, since)),
        }
    }
}

impl Record for RolloverRecord {
    const KIND: Kind = Kind { id: 35, name: "rollover" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.next)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let current = || KeyBuilder::new().text(self.current.as_str()).build();
        match self.stage {
            Stage::Prepared { .. } | Stage::Active { .. } => {
                vec![IndexKey { index: Self::BY_CURRENT, key: current() }]
            }
            Stage::Cancelled { .. } => Vec::new(),
        }
    }
}
