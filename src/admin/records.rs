//! What the room keeps: API tokens, and answers to requests that may be repeated.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::RecordId;
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};

/// A bearer token; the token itself is stored only as a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The record's key.
    pub id: RecordId,
    /// Its name, as the audit log says it.
    pub name: String,
    /// Its role in `roles.toml`.
    pub role: String,
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// Until when it works.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl TokenRecord {
    /// By the token's hash.
    pub const BY_HASH: Index = Index { id: 1, name: "hash", unique: true };
    /// By name; a revoked token leaves its name free.
    pub const BY_NAME: Index = Index { id: 2, name: "name", unique: true };

    /// Whether it works at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

impl Record for TokenRecord {
    const KIND: Kind = Kind { id: 30, name: "token" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let mut keys = vec![IndexKey { index: Self::BY_HASH, key: self.token_hash.to_vec() }];
        if self.revoked.is_none() {
            keys.push(IndexKey { index: Self::BY_NAME, key: KeyBuilder::new().text(&self.name).build() });
        }
        keys
    }
}

/// A request that came with an Idempotency-Key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// Whose request.
    pub token: RecordId,
    /// SHA-256 of the key.
    pub key_hash: [u8; 32],
    /// A MAC over method, path, query and body, under the bearer token: it tells nothing without the token.
    pub request: [u8; 32],
    /// What became of it.
    pub kept: Kept,
    /// When it came.
    pub at: Timestamp,
    /// When it is forgotten.
    pub expires: Timestamp,
}

/// What is kept of a request that may be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    /// It is being worked on.
    Running,
    /// It ended with this answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Its Content-Type.
        content_type: String,
        /// Its Location, if it had one.
        location: Option<String>,
        /// Its body.
        body: Vec<u8>,
    },
    /// Its answer held a secret, which is not repeated.
    Secret,
    /// It is safe to do again: enrolment returns the certificate that this key was first used for.
    Enrolment,
}

impl IdempotencyRecord {
    /// By expiry.
    pub const BY_EXPIRY: Index = Index { id: 1, name: "expiry", unique: false };
}

impl Record for IdempotencyRecord {
    const KIND: Kind = Kind { id: 31, name: "idempotency" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        KeyBuilder::new().bytes(self.token.as_bytes()).bytes(&self.key_hash).build()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        vec![IndexKey { index: Self::BY_EXPIRY, key: self.expires.sort_key().to_vec() }]
    }
}
