//! A store of format 1, which has no journal, opens and goes on.

use super::pages::{THING, listed, put};
use super::*;
use crate::storage::check::check;
use crate::storage::layout::META_FORMAT;
use crate::storage::local::Local;
use crate::storage::{engine, format};
use crate::store::Store;

/// Makes a store as the programs of format 1 did: every index row stands in its table.
async fn make(kind: EngineKind, folder: &Path) {
    let engine = below(kind, folder, true);
    let mut batch = Batch::new();
    batch.put(Space::Meta, META_FORMAT.to_vec(), 1u32.to_be_bytes().to_vec());
    engine.write(batch).unwrap();
    let store = Local::start(engine).unwrap();
    for n in 0..30 {
        put(&store, n).await;
    }
    store.close().await.unwrap();
    drop(store);
    if kind == EngineKind::Redb {
        let database = ::redb::Database::open(folder.join("signet.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        let journal = ::redb::TableDefinition::<&[u8], &[u8]>::new(Space::Journal.name());
        assert!(transaction.delete_table(journal).unwrap());
        transaction.commit().unwrap();
    }
}

/// sled's own threads may hold its lock a moment longer than the store that was closed.
fn opened(kind: EngineKind, folder: &Path) -> Box<dyn Engine> {
    for _ in 0..500 {
        match engine::open(kind, folder) {
            Err(e) if e.code() == "store-locked" => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            outcome => return outcome.unwrap(),
        }
    }
    panic!("the store stays locked");
}

#[tokio::test]
async fn a_store_of_format_1_is_led_forward() {
    for kind in engines() {
        let dir = tempfile::tempdir().unwrap();
        make(kind, dir.path()).await;
        for stored in [30, 40] {
            let engine = opened(kind, dir.path());
            format::migrate(&*engine).unwrap();
            let format = engine.view().unwrap().read(Space::Meta, META_FORMAT).unwrap();
            assert_eq!(format.as_deref(), Some([0, 0, 0, 2].as_slice()));
            let store = Local::start(engine).unwrap();
            assert_eq!(listed(&store).await.len(), stored);
            let report = check(&*store.snapshot().unwrap(), &mut |_, _, _| Ok(())).unwrap();
            assert!(report.is_clean(), "{report:?}");
            assert_eq!((report.counts["records"], THING.id), (stored as u64, 252));
            for n in stored..stored + 10 {
                put(&store, n as u32).await;
            }
            store.close().await.unwrap();
        }
    }
}
