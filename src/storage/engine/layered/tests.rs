//! The layers against a plain map: before, while and after they are folded, on every engine.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use proptest::prelude::*;

use super::*;
use crate::storage::EngineKind;
use crate::storage::engine::redb::Redb;
#[cfg(feature = "sled")]
use crate::storage::engine::sled::Sled;

mod doubt;
mod model;
mod older;
mod pages;

/// So little that a few writes are folded.
const SMALL: usize = 2 << 10;

fn engines() -> Vec<EngineKind> {
    let sled = cfg!(feature = "sled").then_some(EngineKind::Sled);
    [EngineKind::Redb].into_iter().chain(sled).collect()
}

fn below(kind: EngineKind, folder: &Path, new: bool) -> Box<dyn Engine> {
    match (kind, new) {
        (EngineKind::Redb, true) => Box::new(Redb::create(folder).unwrap()),
        (EngineKind::Redb, false) => Box::new(Redb::open(folder).unwrap()),
        #[cfg(feature = "sled")]
        (EngineKind::Sled, true) => Box::new(Sled::create(folder).unwrap()),
        #[cfg(feature = "sled")]
        (EngineKind::Sled, false) => Box::new(Sled::open(folder).unwrap()),
        #[cfg(not(feature = "sled"))]
        (EngineKind::Sled, _) => unreachable!(),
    }
}

/// Layers in a folder of their own.
struct Fixture {
    kind: EngineKind,
    dir: tempfile::TempDir,
    layered: Layered,
}

impl Fixture {
    fn new(kind: EngineKind, limit: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layered = Layered::over(below(kind, dir.path(), true), limit).unwrap();
        Self { kind, dir, layered }
    }

    /// What a process that was killed now leaves behind, opened by another.
    fn killed(self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(self.dir.path(), dir.path());
        let (kind, limit) = (self.kind, self.layered.limit);
        drop(self);
        Self { kind, layered: Layered::over(below(kind, dir.path(), false), limit).unwrap(), dir }
    }

    fn put(&self, key: &str, value: &str) {
        self.write(&[(key, Some(value))]);
    }

    fn write(&self, changes: &[(&str, Option<&str>)]) {
        let mut batch = Batch::new();
        for (key, value) in changes {
            match value {
                Some(value) => batch.put(Space::Index, key.as_bytes().to_vec(), value.as_bytes().to_vec()),
                None => batch.delete(Space::Index, key.as_bytes().to_vec()),
            }
        }
        self.layered.write(batch).unwrap();
    }

    fn read(&self, key: &str) -> Option<String> {
        let found = self.layered.view().unwrap().read(Space::Index, key.as_bytes()).unwrap();
        found.map(|value| String::from_utf8(value).unwrap())
    }

    /// How many rows of a space the engine itself has.
    fn below(&self, space: Space) -> usize {
        rows(&*self.layered.inner.view().unwrap(), space, &Span::ALL, Direction::Forward).len()
    }

    fn is_folding(&self) -> bool {
        self.layered.writing.lock().unwrap().fold.is_some()
    }

    /// Writes until folding has begun or ended.
    fn write_until(&self, folding: bool) -> Vec<String> {
        let mut written = Vec::new();
        while self.is_folding() != folding {
            let key = format!("{:03}-{}", written.len() * 7 % 1_000, written.len());
            self.put(&key, "filling");
            written.push(key);
            assert!(written.len() < 5_000);
        }
        written
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

fn rows(view: &dyn View, space: Space, span: &Span, direction: Direction) -> Rows {
    let mut found = Vec::new();
    view.walk(space, span, direction, &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    found
}

#[test]
fn rows_are_seen_before_they_are_folded_and_after() {
    for kind in engines() {
        let f = Fixture::new(kind, SMALL);
        f.put("a", "1");
        assert_eq!(
            (f.read("a").as_deref(), f.below(Space::Index), f.below(Space::Journal)),
            (Some("1"), 0, 1)
        );
        let mut written = f.write_until(true);
        written.extend(f.write_until(false));
        assert!(f.below(Space::Index) > 20, "most rows are in the engine's table");
        assert!(f.below(Space::Journal) < 100, "their journal rows are gone");
        assert_eq!(f.read("a").as_deref(), Some("1"));
        assert!(written.iter().all(|key| f.read(key).as_deref() == Some("filling")));
    }
}

#[test]
fn a_kill_at_any_moment_of_a_fold_loses_nothing() {
    for kind in engines() {
        for more in [1, 2, 5, 20] {
            let f = Fixture::new(kind, SMALL);
            f.put("gone", "1");
            let mut written = f.write_until(true);
            f.write(&[("gone", None), ("late", Some("2"))]);
            (0..more).for_each(|n| f.put(&format!("more-{n}"), "3"));
            let f = f.killed();
            assert_eq!((f.read("gone"), f.read("late").as_deref()), (None, Some("2")));
            assert!(written.iter().all(|key| f.read(key).as_deref() == Some("filling")));
            written.extend(f.write_until(true));
            written.extend(f.write_until(false));
            let f = f.killed();
            assert_eq!((f.read("gone"), f.read("more-0").as_deref()), (None, Some("3")));
            assert!(written.iter().all(|key| f.read(key).as_deref() == Some("filling")));
        }
    }
}

#[test]
fn a_removal_hides_the_engines_row_and_then_removes_it() {
    for kind in engines() {
        let f = Fixture::new(kind, SMALL);
        f.put("a", "1");
        f.write_until(true);
        f.write_until(false);
        let below = |f: &Fixture| f.layered.inner.view().unwrap().read(Space::Index, b"a").unwrap();
        assert_eq!(below(&f).as_deref(), Some(b"1".as_slice()));
        f.write(&[("a", None)]);
        assert!(f.read("a").is_none() && below(&f).is_some());
        let all = rows(&*f.layered.view().unwrap(), Space::Index, &Span::ALL, Direction::Forward);
        assert!(all.iter().all(|(key, _)| key != b"a"));
        f.write_until(true);
        f.write_until(false);
        assert!(f.read("a").is_none() && below(&f).is_none());
    }
}

#[test]
fn what_is_held_in_memory_is_bounded() {
    let f = Fixture::new(EngineKind::Redb, 8 << 10);
    for n in 0..2_000u32 {
        let keys = [n.wrapping_mul(2_654_435_761), n].map(|n| format!("{n:010}"));
        f.write(&[(&keys[0], Some("")), (&keys[1], Some(""))]);
        let size = f.layered.shared.read().unwrap().current.runs().map(Run::size).sum::<usize>();
        assert!(size < 5 * f.layered.limit / 2, "{size} bytes after {n} writes");
    }
    assert!(f.below(Space::Journal) < 1_000);
}
