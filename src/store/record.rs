//! Records: what a room declares, and how a stored one is read back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// A sort of record: its number in the store (never reused) and its name for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// Its number, unique over all rooms (`tests/suite/layers.rs` holds that).
    pub id: u8,
    /// Its name, as `certificate`.
    pub name: &'static str,
}

/// A secondary index of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Index {
    /// Its number within the kind; 0 is the primary order by key.
    pub id: u8,
    /// Its name for people, as `serial`.
    pub name: &'static str,
    /// Whether two records may not share a key in it (a precondition of every put).
    pub unique: bool,
}

/// The primary order: by the record's own key.
pub const PRIMARY: Index = Index { id: 0, name: "key", unique: true };

/// One entry of a record in one index: ordered bytes, at most 512.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexKey {
    /// Which index.
    pub index: Index,
    /// The ordered bytes; see [`KeyBuilder`].
    pub key: Vec<u8>,
}

/// A type that is stored.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Which kind of record.
    const KIND: Kind;
    /// The version of its encoding; raise it when the fields change and read the old in `upgrade`.
    const VERSION: u8;
    /// Its key: time-ordered where there are many (sequential keys make redb three times as fast).
    fn key(&self) -> Vec<u8>;
    /// Its places in the secondary indexes.
    fn indexes(&self) -> Vec<IndexKey>;
    /// Reads an older encoding. Errors: `storage` for a version that it does not know.
    fn upgrade(version: u8, _body: &[u8]) -> Result<Self> {
        Err(unknown_version(Self::KIND, version))
    }
}

/// What a record says that reads no encoding of this version.
pub fn unknown_version(kind: Kind, version: u8) -> Error {
    Error::storage(format!("a {} record has version {version}, newer than this program knows", kind.name))
}

/// A record's bytes as the engine keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Its key.
    pub key: Vec<u8>,
    /// Rises by one with every put of this key.
    pub revision: u64,
    /// The version of the body's encoding.
    pub version: u8,
    /// The encoded record.
    pub body: Vec<u8>,
}

/// A record as it was read.
#[derive(Clone, Debug)]
pub struct Stored<R> {
    /// The record.
    pub value: R,
    /// For [`Unit::replace`].
    pub revision: u64,
}

impl<R: Record> Stored<R> {
    /// Decodes an envelope. Errors: `storage` if it is damaged or newer than this program.
    pub fn open(envelope: &Envelope) -> Result<Self> {
        let value = if envelope.version == R::VERSION {
            postcard::from_bytes(&envelope.body)
                .map_err(|e| Error::storage(format!("a {} record is damaged", R::KIND.name)).because(e))?
        } else {
            R::upgrade(envelope.version, &envelope.body)?
        };
        Ok(Self { value, revision: envelope.revision })
    }
}
