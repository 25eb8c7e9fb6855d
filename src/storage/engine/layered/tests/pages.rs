//! The store's own pages and check over layers that are folded meanwhile.

use super::*;
use crate::audit::{Actor, Event};
use crate::clock::Timestamp;
use crate::storage::check::check;
use crate::storage::local::Local;
use crate::storage::verify::verify_chain;
use crate::store::{Index, IndexKey, Item, Kind, Scan, Store, Unit, When};

pub(super) const THING: Kind = Kind { id: 252, name: "thing" };
const WORD: Index = Index { id: 1, name: "word", unique: false };
const SERIAL: Index = Index { id: 2, name: "serial", unique: true };

fn store(kind: EngineKind) -> (tempfile::TempDir, Local) {
    let Fixture { dir, layered, .. } = Fixture::new(kind, SMALL);
    (dir, Local::start(Box::new(layered)).unwrap())
}

pub(super) async fn put(store: &Local, n: u32) {
    let key = format!("{n:04}").into_bytes();
    let indexes = vec![
        IndexKey { index: WORD, key: format!("word-{:04}", n * 7_919 % 1_000).into_bytes() },
        IndexKey { index: SERIAL, key: n.wrapping_mul(2_654_435_761).to_be_bytes().to_vec() },
    ];
    let mut unit = Unit::new();
    unit.items = vec![Item::Put { kind: THING, key, indexes, version: 1, body: vec![], when: When::Absent }];
    let at = Timestamp::from_secs(1_800_000_000);
    unit.event(Event::new(at, Actor::System, "thing.make", format!("thing:{n}")));
    store.commit(unit).await.unwrap();
}

/// The keys of all records, by word.
pub(super) async fn listed(store: &Local) -> Vec<Vec<u8>> {
    let page = store.scan(scan(1_000, None)).await.unwrap();
    page.items.into_iter().map(|envelope| envelope.key).collect()
}

fn scan(limit: usize, after: Option<Vec<u8>>) -> Scan {
    Scan { kind: THING, index: WORD, from: vec![], to: None, direction: Direction::Forward, limit, after }
}

#[tokio::test]
async fn a_cursor_holds_across_folds() {
    for kind in engines() {
        let (_dir, store) = store(kind);
        for n in 0..40 {
            put(&store, n).await;
        }
        let (mut listed, mut after, mut n) = (Vec::new(), None, 40);
        loop {
            let page = store.scan(scan(3, after)).await.unwrap();
            listed.extend(page.items.into_iter().map(|envelope| envelope.key));
            after = page.next;
            if after.is_none() {
                break;
            }
            for _ in 0..if n < 640 { 40 } else { 0 } {
                put(&store, n).await;
                n += 1;
            }
        }
        // What stood before is met once, whatever was folded meanwhile.
        for n in 0..40 {
            let key = format!("{n:04}").into_bytes();
            assert_eq!(listed.iter().filter(|listed| **listed == key).count(), 1);
        }
        assert!(n > 400, "the listing went over folds");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_check_finds_nothing_at_any_moment_of_a_fold() {
    for kind in engines() {
        let (_dir, store) = store(kind);
        for n in 0..150 {
            put(&store, n).await;
            if n % 10 == 0 {
                let snapshot = store.snapshot().unwrap();
                let report = check(&*snapshot, &mut |_, _, _| Ok(())).unwrap();
                assert!(report.is_clean(), "{report:?}");
                assert!(verify_chain(&*snapshot).unwrap().is_clean());
            }
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_unique_key_is_refused_wherever_its_holder_stands() {
    for kind in engines() {
        let (_dir, store) = store(kind);
        for n in 0..200 {
            put(&store, n).await;
        }
        for n in [0u32, 50, 100, 150, 199] {
            let key = b"other".to_vec();
            let taken = n.wrapping_mul(2_654_435_761).to_be_bytes().to_vec();
            let indexes = vec![IndexKey { index: SERIAL, key: taken }];
            let mut unit = Unit::new();
            unit.items =
                vec![Item::Put { kind: THING, key, indexes, version: 1, body: vec![], when: When::Absent }];
            let refused = store.commit(unit).await.unwrap_err();
            let holder = format!("{n:04}").into_bytes();
            assert!(
                matches!(&refused, crate::store::CommitError::Refused { standing: Some(s), .. } if s.key == holder),
                "{refused:?}"
            );
        }
        store.close().await.unwrap();
    }
}
