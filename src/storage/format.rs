//! The store's format version and the steps that lead older stores to it.

use super::engine::{Batch, Engine, Space, View};
use super::layout::META_FORMAT;
use crate::error::{Error, Kind as ErrorKind, Result};

/// The version that this program writes.
pub(super) const CURRENT: u32 = 2;

/// What leads from one version to the next: reads the old rows, collects the new.
pub(super) type Step = fn(&dyn View, &mut Batch) -> Result<()>;

/// The step at place `n` leads from version `n + 1` to `n + 2`.
const STEPS: &[Step] = &[begin_journal];

/// Notes the version in a new store.
pub(super) fn stamp(engine: &dyn Engine) -> Result<()> {
    let mut batch = Batch::new();
    put_version(&mut batch, CURRENT);
    engine.write(batch)
}

/// Brings a store to the version of this program. Errors: `store-newer` if it is ahead of it.
pub(super) fn migrate(engine: &dyn Engine) -> Result<()> {
    migrate_by(engine, STEPS)
}

/// The error for a store of a later version.
pub(super) fn newer(found: u32, known: u32) -> Error {
    let text = format!("the store has format {found}, this program knows up to {known}; use a newer program");
    Error::new(ErrorKind::Storage, "store-newer", text)
}

fn migrate_by(engine: &dyn Engine, steps: &[Step]) -> Result<()> {
    let known = 1 + steps.len() as u32;
    let found = version(&*engine.view()?)?;
    if found > known {
        return Err(newer(found, known));
    }
    for (version, step) in (1..).zip(steps).skip(found as usize - 1) {
        // Each step is one batch with its version: a crash between two leaves a whole store.
        let mut batch = Batch::new();
        step(&*engine.view()?, &mut batch)?;
        put_version(&mut batch, version + 1);
        engine.write(batch)?;
    }
    Ok(())
}

/// From format 2 on, index rows may stand in the journal: the step changes no row, but keeps programs
/// out that would not look there.
fn begin_journal(_: &dyn View, _: &mut Batch) -> Result<()> {
    Ok(())
}

fn version(view: &dyn View) -> Result<u32> {
    let row = view.read(Space::Meta, META_FORMAT)?;
    let row = row.ok_or_else(|| Error::storage("the store has no format version; it is no Signet store"))?;
    match row.try_into().map(u32::from_be_bytes) {
        Ok(version) if version > 0 => Ok(version),
        _ => Err(Error::storage("the store's format version is damaged")),
    }
}

fn put_version(batch: &mut Batch, version: u32) {
    batch.put(Space::Meta, META_FORMAT.to_vec(), version.to_be_bytes().to_vec());
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::EngineKind;
    use super::super::engine::{self, Span};
    use super::*;
    use crate::store::Direction;

    fn double(view: &dyn View, batch: &mut Batch) -> Result<()> {
        view.walk(Space::Counters, &Span::ALL, Direction::Forward, &mut |key, value| {
            batch.put(Space::Counters, key.to_vec(), [value, value].concat());
            Ok(ControlFlow::Continue(()))
        })
    }

    fn store_with_one_row() -> (tempfile::TempDir, Box<dyn Engine>) {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine::create(EngineKind::Redb, dir.path()).unwrap();
        let mut batch = Batch::new();
        put_version(&mut batch, 1);
        batch.put(Space::Counters, b"a".to_vec(), b"x".to_vec());
        engine.write(batch).unwrap();
        (dir, engine)
    }

    #[test]
    fn an_older_store_is_led_forward_step_by_step_and_only_once() {
        let (_dir, engine) = store_with_one_row();
        let steps: &[Step] = &[double, double];
        migrate_by(&*engine, steps).unwrap();
        migrate_by(&*engine, steps).unwrap();
        let view = engine.view().unwrap();
        assert_eq!(view.read(Space::Counters, b"a").unwrap().unwrap(), b"xxxx");
        assert_eq!(version(&*view).unwrap(), 3);
    }

    #[test]
    fn a_failing_step_leaves_the_older_store_whole() {
        let (_dir, engine) = store_with_one_row();
        let failing: Step = |_, _| Err(Error::storage("no"));
        assert!(migrate_by(&*engine, &[double, failing]).is_err());
        assert_eq!(version(&*engine.view().unwrap()).unwrap(), 2);
        migrate_by(&*engine, &[double, double]).unwrap();
        assert_eq!(engine.view().unwrap().read(Space::Counters, b"a").unwrap().unwrap(), b"xxxx");
    }

    #[test]
    fn a_newer_store_is_refused() {
        let (_dir, engine) = store_with_one_row();
        migrate_by(&*engine, &[double, double]).unwrap();
        let e = migrate(&*engine).unwrap_err();
        assert_eq!(e.code(), "store-newer");
        assert_eq!(e.detail(), "the store has format 3, this program knows up to 2; use a newer program");
    }
}
