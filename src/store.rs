//! The one door to durable state.
//!
//! A room declares its records ([`Record`]); what it wants to change it collects in a [`Unit`],
//! which is committed once, atomically and durably, or not at all. Under the typed layer an
//! engine sees bytes only ([`Store`], implemented in `storage`).

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::audit::{Entry, Event, Head};
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

fn unknown_version(kind: Kind, version: u8) -> Error {
    Error::storage(format!("a {} record has version {version}, newer than this program knows", kind.name))
}

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

/// What a commit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The audit head after it.
    pub head: Head,
}

/// In which order the audit log is indexed beside its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditOrder {
    /// By subject.
    Subject,
    /// By action.
    Action,
}

/// Is shown each record with its index keys as stored: (index, key).
pub type EachRecord<'a> = dyn FnMut(Envelope, Vec<(u8, Vec<u8>)>) -> Result<()> + 'a;
/// Is shown each index entry: index, index key, record key.
pub type EachIndexEntry<'a> = dyn FnMut(u8, &[u8], &[u8]) -> Result<()> + 'a;
/// Is shown each counter: kind, key, value.
pub type EachCounter<'a> = dyn FnMut(u8, &[u8], i64) -> Result<()> + 'a;

/// Consistency of one snapshot, read in order; for `check`, `audit verify` and backup.
pub trait Snapshot: Send {
    /// Every kind number that has records.
    fn kinds(&self) -> Result<Vec<u8>>;
    /// Calls `each` for every record of a kind, in key order, with its index keys as stored.
    fn records(&self, kind: u8, each: &mut EachRecord<'_>) -> Result<()>;
    /// Calls `each` with (index, index key, record key) for every index entry of a kind.
    fn index_entries(&self, kind: u8, each: &mut EachIndexEntry<'_>) -> Result<()>;
    /// Calls `each` with (kind, key, value) for every counter.
    fn counters(&self, each: &mut EachCounter<'_>) -> Result<()>;
    /// Calls `each` with (text, number of the entry) for every entry of an audit order; a text is
    /// cut at 512 bytes.
    fn audit_order(&self, order: AuditOrder, each: &mut dyn FnMut(&[u8], u64) -> Result<()>) -> Result<()>;
    /// Calls `each` for every audit entry from `from`, in order of place; an entry that cannot be
    /// read is an error that names its place.
    fn audit(&self, from: u64, each: &mut dyn FnMut(u64, Entry) -> Result<()>) -> Result<()>;
    /// The head as the committer keeps it.
    fn head(&self) -> Result<Head>;
}

/// Which audit entries to list.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only of this subject (`kind:id`), exactly.
    pub subject: Option<String>,
    /// Only of this action, exactly.
    pub action: Option<String>,
    /// Only with a number below this (newest first), the cursor of the page before.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

/// Durable state as an engine offers it; see `storage` for the two that are built in.
#[async_trait]
pub trait Store: Send + Sync {
    /// Commits a unit: returns when it is durable. Errors: see [`CommitError`].
    async fn commit(&self, unit: Unit) -> Result<Committed, CommitError>;
    /// The record at `key`.
    async fn fetch(&self, kind: Kind, key: &[u8]) -> Result<Option<Envelope>>;
    /// The record that a unique index holds at `key`.
    async fn fetch_unique(&self, kind: Kind, index: Index, key: &[u8]) -> Result<Option<Envelope>>;
    /// Records in index order.
    async fn scan(&self, scan: Scan) -> Result<Page<Envelope>>;
    /// A counter's value; 0 when it was never added to.
    async fn counter(&self, kind: Kind, key: &[u8]) -> Result<i64>;
    /// The audit log's newest place.
    async fn head(&self) -> Result<Head>;
    /// Audit entries, newest first. A filter of subject and action together is refused.
    async fn audit(&self, filter: AuditFilter) -> Result<Vec<Entry>>;
    /// One consistent view of everything.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>>;
    /// Rises whenever a record of `kind` may have changed: a hint; the truth is a rescan.
    fn changed(&self, kind: Kind) -> tokio::sync::watch::Receiver<u64>;
    /// Whether the last write succeeded; the reason if it did not.
    fn health(&self) -> Result<()>;
    /// Finishes what was accepted and closes; later commits fail.
    async fn close(&self) -> Result<()>;
}

/// A shared store with the typed verbs that rooms use.
#[derive(Clone)]
pub struct Db(Arc<dyn Store>);

impl Db {
    /// Wraps an engine.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// The engine's own verbs.
    pub fn raw(&self) -> &dyn Store {
        &*self.0
    }

    /// Commits a unit: returns when it is durable.
    pub async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        self.0.commit(unit).await
    }

    /// The record at `key`.
    pub async fn get<R: Record>(&self, key: &[u8]) -> Result<Option<Stored<R>>> {
        self.0.fetch(R::KIND, key).await?.as_ref().map(Stored::open).transpose()
    }

    /// The record at `key`. Errors: `not-found` naming `what` and `id`.
    pub async fn require<R: Record>(&self, key: &[u8], id: impl std::fmt::Display) -> Result<Stored<R>> {
        self.get(key).await?.ok_or_else(|| Error::not_found(R::KIND.name, id))
    }

    /// The record that a unique index holds at `key`.
    pub async fn find<R: Record>(&self, index: Index, key: &[u8]) -> Result<Option<Stored<R>>> {
        self.0.fetch_unique(R::KIND, index, key).await?.as_ref().map(Stored::open).transpose()
    }

    /// One page of records in index order.
    pub async fn scan<R: Record>(&self, scan: Scan) -> Result<Page<Stored<R>>> {
        let page = self.0.scan(scan).await?;
        let items = page.items.iter().map(Stored::open).collect::<Result<_>>()?;
        Ok(Page { items, next: page.next })
    }

    /// All records in index order, page by page, for small kinds (CAs, tokens).
    pub async fn all<R: Record>(&self, scan: Scan) -> Result<Vec<Stored<R>>> {
        let (mut found, mut scan) = (Vec::new(), scan);
        loop {
            let page = self.scan::<R>(scan.clone()).await?;
            found.extend(page.items);
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(found),
            }
        }
    }
}

/// Builds ordered index keys: each part sorts before its longer continuations.
#[derive(Debug, Default)]
pub struct KeyBuilder(Vec<u8>);

impl KeyBuilder {
    /// An empty key.
    pub fn new() -> Self {
        Self::default()
    }

    /// A text part, ended by a zero byte (inner zero bytes are dropped), at most 256 bytes.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.0.extend(text.bytes().filter(|b| *b != 0).take(256));
        self.0.push(0);
        self
    }

    /// The beginning of a text part, for a prefix scan.
    #[must_use]
    pub fn text_prefix(mut self, text: &str) -> Self {
        self.0.extend(text.bytes().filter(|b| *b != 0).take(256));
        self
    }

    /// Raw bytes that have a fixed length or stand last.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A moment.
    #[must_use]
    pub fn time(self, at: crate::clock::Timestamp) -> Self {
        self.bytes(&at.sort_key())
    }

    /// The key.
    pub fn build(self) -> Vec<u8> {
        self.0
    }
}
