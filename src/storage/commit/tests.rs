use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use super::*;
use crate::storage::prepare::prepare;
use crate::storage::{EngineKind, engine};
use crate::store::{Item, Unit, When};

/// An engine whose next write panics.
struct Panicking {
    engine: Box<dyn Engine>,
    panics: AtomicBool,
}

impl Engine for Panicking {
    fn view(&self) -> Result<Box<dyn View>> {
        self.engine.view()
    }
    fn snapshot(&self) -> Result<Box<dyn View>> {
        self.engine.snapshot()
    }
    fn write(&self, batch: Batch) -> Result<()> {
        assert!(!self.panics.swap(false, Ordering::SeqCst), "on purpose");
        self.engine.write(batch)
    }
    fn revive(&self, generation: u64) -> Result<bool> {
        self.engine.revive(generation)
    }
    fn close(&self) -> Result<()> {
        self.engine.close()
    }
}

fn put(key: &str) -> Unit {
    let kind = crate::store::Kind { id: 201, name: "thing" };
    let (key, when) = (key.as_bytes().to_vec(), When::Absent);
    Unit {
        items: vec![Item::Put { kind, key, indexes: vec![], version: 1, body: vec![], when }],
        events: vec![],
    }
}

#[test]
fn a_panic_fails_its_group_and_the_committer_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine::create(EngineKind::Redb, dir.path()).unwrap();
    crate::storage::format::stamp(&*engine).unwrap();
    let engine = Arc::new(Panicking { engine, panics: AtomicBool::new(true) });
    let state = Arc::new(State::default());
    let (sender, queue) = sync_channel(8);
    let committer = Committer::new(engine.clone(), state.clone());
    let thread = std::thread::spawn(move || committer.run(&queue));
    let commit = |key| {
        let (answer, answered) = oneshot::channel();
        sender.send(Job { unit: prepare(put(key)).unwrap(), answer }).unwrap();
        answered.blocking_recv().unwrap()
    };
    assert!(matches!(commit("a"), Err(CommitError::Failed(e)) if e.detail().contains("broke off")));
    assert!(state.health().is_err());
    commit("a").unwrap();
    assert!(state.health().is_ok());
    drop(sender);
    thread.join().unwrap();
}
