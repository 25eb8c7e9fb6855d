//! Making, opening, missing, locked and foreign stores.

use std::fs;

use signet::storage::engine::{Batch, Space};

use super::*;

over_every_engine!(
    a_store_is_made_once,
    a_missing_store_is_never_replaced,
    another_engine_is_named,
    a_second_opening_is_refused,
    a_newer_format_is_refused,
    a_crash_between_the_markers_is_healed,
    an_unfinished_store_is_made_anew,
    a_store_without_its_format_is_refused,
);

fn error(outcome: signet::error::Result<Arc<dyn Store>>) -> signet::error::Error {
    outcome.err().expect("an error")
}

async fn a_store_is_made_once(engine: EngineKind) {
    let dir = tempfile::tempdir().unwrap();
    assert!(!storage::exists(dir.path()));
    assert_eq!(error(storage::open(dir.path(), None)).code(), "store-missing");
    drop(storage::create(dir.path(), engine).unwrap());
    assert!(storage::exists(dir.path()));
    assert_eq!(error(storage::create(dir.path(), engine)).code(), "store-exists");
    drop(storage::open(dir.path(), None).unwrap());
}

async fn a_missing_store_is_never_replaced(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.store.close().await.unwrap();
    let Fixture { dir, store, .. } = f;
    drop(store);
    let folder = dir.path().join("store");
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    for _ in 0..2 {
        let e = error(storage::open(dir.path(), Some(engine)));
        assert_eq!(e.code(), "store-missing");
        assert!(e.detail().starts_with("the store is missing: "), "{e}");
        assert_eq!(error(storage::create(dir.path(), engine)).code(), "store-exists");
        let _ = fs::remove_dir(&folder);
    }
    assert!(storage::exists(dir.path()));
}

async fn another_engine_is_named(engine: EngineKind) {
    let f = Fixture::new(engine);
    let other = if engine == EngineKind::Redb { EngineKind::Sled } else { EngineKind::Redb };
    let e = error(storage::open(f.dir.path(), Some(other)));
    assert_eq!(e.code(), "store-engine");
    assert!(e.detail().ends_with(&format!("is {engine}, not {other}")), "{e}");
}

async fn a_second_opening_is_refused(engine: EngineKind) {
    let f = Fixture::new(engine);
    let e = error(storage::open(f.dir.path(), None));
    assert_eq!(e.code(), "store-locked");
    assert!(e.detail().starts_with("another process has the store "), "{e}");
    f.reopened().await;
}

async fn a_newer_format_is_refused(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.store.close().await.unwrap();
    let Fixture { dir, store, .. } = f;
    drop(store);
    let below = once_free(|| storage::engine::open(engine, &dir.path().join("store")));
    let mut batch = Batch::new();
    batch.put(Space::Meta, b"format".to_vec(), 3u32.to_be_bytes().to_vec());
    below.write(batch).unwrap();
    below.close().unwrap();
    drop(below);
    let e = error(storage::open(dir.path(), None));
    assert_eq!(e.code(), "store-newer");
    assert!(e.detail().contains("format 3, this program knows up to 2"), "{e}");
    let marker = dir.path().join("store.marker");
    fs::write(&marker, format!("engine = \"{engine}\"\nformat = 7\n")).unwrap();
    assert_eq!(error(storage::open(dir.path(), None)).code(), "store-newer");
    fs::write(&marker, "engine = \"paper\"\nformat = 2\n").unwrap();
    assert!(error(storage::open(dir.path(), None)).detail().contains("unknown engine: paper"));
    fs::write(&marker, "rubbish").unwrap();
    assert!(error(storage::open(dir.path(), None)).detail().contains("is damaged"));
}

async fn a_crash_between_the_markers_is_healed(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.commit(vec![put("a", "1", &[], When::Absent)]).await.unwrap();
    let marker = f.dir.path().join("store.marker");
    fs::remove_file(&marker).unwrap();
    let f = f.reopened().await;
    assert!(f.fetch("a").await.is_some());
    assert!(marker.exists());
}

async fn an_unfinished_store_is_made_anew(engine: EngineKind) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("store.new")).unwrap();
    fs::write(dir.path().join("store.new/signet.redb"), b"torn").unwrap();
    assert!(!storage::exists(dir.path()));
    drop(storage::create(dir.path(), engine).unwrap());
    assert!(!dir.path().join("store.new").exists());
}

async fn a_store_without_its_format_is_refused(engine: EngineKind) {
    let f = Fixture::new(engine);
    f.store.close().await.unwrap();
    let Fixture { dir, store, .. } = f;
    drop(store);
    let below = once_free(|| storage::engine::open(engine, &dir.path().join("store")));
    let mut batch = Batch::new();
    batch.delete(Space::Meta, b"format".to_vec());
    below.write(batch).unwrap();
    below.close().unwrap();
    drop(below);
    assert!(error(storage::open(dir.path(), None)).detail().contains("no format version"));
}

#[test]
fn engines_are_chosen_by_name() {
    assert_eq!("redb".parse::<EngineKind>().unwrap(), EngineKind::Redb);
    assert!("paper".parse::<EngineKind>().unwrap_err().detail().contains("redb or sled"));
    match "sled".parse::<EngineKind>() {
        Ok(kind) => assert!(cfg!(feature = "sled") && kind == EngineKind::Sled),
        Err(e) => assert!(!cfg!(feature = "sled") && e.detail().contains("--features sled"), "{e}"),
    }
}
