//! What happened, who did it, and the hash chain that makes both tamper-evident.
//!
//! A room puts [`Event`]s into its unit of work; the committer gives each its sequence number
//! and chains it: `hash = SHA-256(domain ‖ previous hash ‖ canonical bytes of the entry)`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// Signet itself: its worker, or a command on its own machine.
    System,
    /// The bearer of an API token: the token's name.
    Operator(String),
    /// A device or client that enrols: the protocol and its address, as `scep 10.0.0.9`.
    Client {
        /// `scep`, `capf`, `api` …
        protocol: String,
        /// The peer's IP address.
        address: String,
    },
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Operator(name) => write!(f, "operator {name}"),
            Self::Client { protocol, address } => write!(f, "{protocol} {address}"),
        }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused, and nothing changed.
    Refused,
    /// It was done, and an operator should look at it.
    Warning,
}

/// Something worth recording. `subject` is `kind:id`, as `certificate:0A1B…`; details are
/// ordered by name and never hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done: `room.verb`, as `certificate.issue`.
    pub action: String,
    /// What it was done to: `kind:id`.
    pub subject: String,
    /// How it ended.
    pub outcome: Outcome,
    /// More, by name.
    pub details: BTreeMap<String, String>,
}

impl Event {
    /// An event that is done, without details.
    pub fn new(at: Timestamp, actor: Actor, action: &str, subject: impl Into<String>) -> Self {
        Self {
            at,
            actor,
            action: action.to_owned(),
            subject: subject.into(),
            outcome: Outcome::Done,
            details: BTreeMap::new(),
        }
    }

    /// The same event with another outcome.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// The same event with one more detail; values are cut at 1,000 characters.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.details.insert(name.to_owned(), value.to_string().chars().take(1000).collect());
        self
    }
}

/// A SHA-256 link of the chain.
pub type Link = [u8; 32];

/// The link before the first entry.
pub const GENESIS: Link = [0; 32];

/// An event in its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// 1, 2, 3 … without a gap.
    pub seq: u64,
    /// What happened.
    pub event: Event,
    /// The link of the entry before (or [`GENESIS`]).
    pub previous: Link,
    /// This entry's link.
    pub hash: Link,
}

impl Entry {
    /// The entry that follows `previous` at `seq`. Errors: `internal` if it cannot be encoded.
    pub fn chain(seq: u64, previous: Link, event: Event) -> Result<Self> {
        let hash = link(seq, &previous, &event)?;
        Ok(Self { seq, event, previous, hash })
    }

    /// Whether its hash is that of its contents.
    pub fn is_intact(&self) -> bool {
        link(self.seq, &self.previous, &self.event).is_ok_and(|hash| hash == self.hash)
    }
}

fn link(seq: u64, previous: &Link, event: &Event) -> Result<Link> {
    let body = postcard::to_stdvec(event).map_err(|e| Error::internal("audit encoding").because(e))?;
    let mut hasher = Sha256::new();
    hasher.update(b"signet audit 1\0");
    hasher.update(seq.to_be_bytes());
    hasher.update(previous);
    hasher.update(&body);
    Ok(hasher.finalize().into())
}

/// The newest entry's place and link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The newest entry's number; 0 when there is none.
    pub seq: u64,
    /// Its link.
    pub hash: Link,
}

impl Head {
    /// The head of an empty chain.
    pub const EMPTY: Self = Self { seq: 0, hash: GENESIS };
}
