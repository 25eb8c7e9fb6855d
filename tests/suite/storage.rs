//! The store's contract: one body of tests, run over every engine.

use std::sync::Arc;

use signet::audit::{Actor, Event};
use signet::clock::Timestamp;
use signet::storage::engine::Engine;
use signet::storage::{self, EngineKind};
use signet::store::{CommitError, Envelope, Index, IndexKey, Item, Kind, Scan, Store, Unit, When};

mod audit;
mod check;
mod commits;
mod large;
mod places;
mod scans;

/// Runs every listed test over every engine that is built in.
macro_rules! over_every_engine {
    ($($test:ident),+ $(,)?) => {
        mod redb {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(signet::storage::EngineKind::Redb).await;
            })+
        }
        #[cfg(feature = "sled")]
        mod sled {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(signet::storage::EngineKind::Sled).await;
            })+
        }
    };
}
use over_every_engine;

const THING: Kind = Kind { id: 201, name: "thing" };
const OTHER: Kind = Kind { id: 202, name: "other" };
const SERIAL: Index = Index { id: 1, name: "serial", unique: true };
const WORD: Index = Index { id: 2, name: "word", unique: false };

/// A new store in a folder of its own.
struct Fixture {
    dir: tempfile::TempDir,
    engine: EngineKind,
    store: Arc<dyn Store>,
}

impl Fixture {
    fn new(engine: EngineKind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = storage::create(dir.path(), engine).unwrap();
        Self { dir, engine, store }
    }

    /// Closes the store and opens it again.
    async fn reopened(self) -> Self {
        self.store.close().await.unwrap();
        let Self { dir, engine, store } = self;
        drop(store);
        let store = once_free(|| storage::open(dir.path(), Some(engine)));
        Self { dir, engine, store }
    }

    /// Closes the store, hands out the engine underneath, and opens the store again.
    async fn underneath(self, f: impl FnOnce(&dyn Engine)) -> Self {
        self.store.close().await.unwrap();
        let Self { dir, engine, store } = self;
        drop(store);
        let below = once_free(|| storage::engine::open(engine, &dir.path().join("store")));
        f(&*below);
        below.close().unwrap();
        drop(below);
        let store = once_free(|| storage::open(dir.path(), Some(engine)));
        Self { dir, engine, store }
    }

    async fn commit(&self, items: Vec<Item>) -> Result<(), CommitError> {
        self.store.commit(Unit { items, events: vec![] }).await.map(|_| ())
    }

    async fn fetch(&self, key: &str) -> Option<Envelope> {
        self.store.fetch(THING, key.as_bytes()).await.unwrap()
    }

    /// The keys of all records in an index between two keys.
    async fn keys(&self, scan: Scan) -> Vec<String> {
        let page = self.store.scan(scan).await.unwrap();
        page.items.into_iter().map(|e| String::from_utf8(e.key).unwrap()).collect()
    }
}

/// Opens what was closed just now: sled's own threads may hold its lock a moment longer.
fn once_free<T>(open: impl Fn() -> signet::error::Result<T>) -> T {
    for _ in 0..500 {
        match open() {
            Err(e) if e.code() == "store-locked" => std::thread::sleep(std::time::Duration::from_millis(10)),
            outcome => return outcome.unwrap(),
        }
    }
    panic!("the store stays locked");
}

/// A record with a unique serial and words.
fn put(key: &str, serial: &str, words: &[&str], when: When) -> Item {
    put_body(key, serial, words, when, key.as_bytes().to_vec())
}

fn put_body(key: &str, serial: &str, words: &[&str], when: When, body: Vec<u8>) -> Item {
    let mut indexes = vec![IndexKey { index: SERIAL, key: serial.as_bytes().to_vec() }];
    indexes.extend(words.iter().map(|word| IndexKey { index: WORD, key: word.as_bytes().to_vec() }));
    Item::Put { kind: THING, key: key.as_bytes().to_vec(), indexes, version: 1, body, when }
}

fn delete(key: &str, when: When) -> Item {
    Item::Delete { kind: THING, key: key.as_bytes().to_vec(), when }
}

fn add(key: &str, delta: i64, max: i64) -> Item {
    Item::Add { kind: THING, key: key.as_bytes().to_vec(), delta, max }
}

fn scan(index: Index) -> Scan {
    Scan {
        kind: THING,
        index,
        from: vec![],
        to: None,
        direction: signet::store::Direction::Forward,
        limit: 100,
        after: None,
    }
}

fn event(action: &str, subject: &str) -> Event {
    Event::new(Timestamp::from_secs(1_800_000_000), Actor::System, action, subject)
}

/// The place and standing record of a refusal.
fn refused<T: std::fmt::Debug>(outcome: Result<T, CommitError>) -> (usize, Option<Envelope>) {
    match outcome {
        Err(CommitError::Refused { item, standing }) => (item, standing),
        other => panic!("not refused: {other:?}"),
    }
}
