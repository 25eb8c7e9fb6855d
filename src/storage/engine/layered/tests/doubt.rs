//! Views that are taken while a write is under way or after one that failed.

use std::sync::Arc;

use super::*;

const WELL: u8 = 0;
const FAILS: u8 = 1;
const FAILS_THOUGH_WRITTEN: u8 = 2;

/// An engine whose writes fail as told, and during whose writes somebody looks.
struct Doubtful {
    inner: Box<dyn Engine>,
    mode: Arc<AtomicU8>,
    during: Arc<Mutex<Option<Looking>>>,
}

type Looking = Box<dyn FnMut() + Send>;

impl Doubtful {
    fn look(&self) {
        let mut during = self.during.lock().unwrap().take();
        if let Some(look) = &mut during {
            look();
        }
        *self.during.lock().unwrap() = during;
    }
}

impl Engine for Doubtful {
    fn view(&self) -> Result<Box<dyn View>> {
        self.inner.view()
    }
    fn snapshot(&self) -> Result<Box<dyn View>> {
        self.inner.snapshot()
    }
    fn write(&self, batch: Batch) -> Result<()> {
        let mode = self.mode.load(Ordering::SeqCst);
        self.look();
        if mode != FAILS {
            self.inner.write(batch)?;
        }
        self.look();
        if mode == WELL { Ok(()) } else { Err(Error::storage("on purpose")) }
    }
    fn revive(&self, generation: u64) -> Result<bool> {
        self.inner.revive(generation)
    }
    fn close(&self) -> Result<()> {
        self.inner.close()
    }
}

struct Doubt {
    layered: Arc<Layered>,
    mode: Arc<AtomicU8>,
    during: Arc<Mutex<Option<Looking>>>,
    _dir: tempfile::TempDir,
}

impl Doubt {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (mode, during) = (Arc::new(AtomicU8::new(WELL)), Arc::new(Mutex::new(None)));
        let inner = below(EngineKind::Redb, dir.path(), true);
        let inner = Box::new(Doubtful { inner, mode: mode.clone(), during: during.clone() });
        Self { layered: Arc::new(Layered::over(inner, SMALL).unwrap()), mode, during, _dir: dir }
    }

    /// Writes a record and its index row, as a unit does.
    fn write(&self, n: usize, mode: u8) -> Result<()> {
        self.mode.store(mode, Ordering::SeqCst);
        let mut batch = Batch::new();
        batch.put(Space::Records, key(n), vec![]);
        batch.put(Space::Index, key(n), vec![]);
        self.layered.write(batch)
    }
}

fn key(n: usize) -> Vec<u8> {
    format!("{:04}-{n}", n * 7_919 % 10_000).into_bytes()
}

/// How many records a view has; their index must be the same.
fn count(view: &dyn View) -> usize {
    let records = rows(view, Space::Records, &Span::ALL, Direction::Forward);
    assert_eq!(records, rows(view, Space::Index, &Span::ALL, Direction::Forward));
    records.len()
}

#[test]
fn a_view_taken_during_a_write_sees_all_of_it_or_nothing() {
    let doubt = Doubt::new();
    let (layered, seen) = (doubt.layered.clone(), Arc::new(Mutex::new(Vec::new())));
    let noted = seen.clone();
    let look = move || noted.lock().unwrap().push(count(&*layered.view().unwrap()));
    *doubt.during.lock().unwrap() = Some(Box::new(look));
    for n in 0..200 {
        doubt.write(n, WELL).unwrap();
    }
    *doubt.during.lock().unwrap() = None;
    let expected: Vec<_> = (0..200).flat_map(|n| [n, n + 1]).collect();
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn after_a_failed_write_the_engine_says_whether_it_was_written() {
    let doubt = Doubt::new();
    let mut expected = 0;
    for n in 0..300 {
        let mode = [WELL, FAILS, FAILS_THOUGH_WRITTEN][n % 3];
        assert_eq!(doubt.write(n, mode).is_ok(), mode == WELL);
        expected += usize::from(mode != FAILS);
        assert_eq!(count(&*doubt.layered.view().unwrap()), expected, "after {n}");
    }
}

#[test]
fn a_snapshot_taken_in_doubt_stays_what_it_was() {
    let doubt = Doubt::new();
    doubt.write(0, WELL).unwrap();
    doubt.write(1, FAILS).unwrap_err();
    let snapshot = doubt.layered.snapshot().unwrap();
    for n in 2..100 {
        doubt.write(n, WELL).unwrap();
    }
    assert_eq!(count(&*snapshot), 1);
    assert_eq!(count(&*doubt.layered.view().unwrap()), 99);
}
