//! Reading through the layers: what they say goes before what the engine has.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::cursor::Cursor;
use super::filter::hash;
use super::run::{Entry, compare};
use super::version::Version;
use super::{is_layered, journal_key};
use crate::error::Result;
use crate::storage::engine::{Space, Span, View, Visit, place, placed};
use crate::store::Direction;

/// A view of the engine, and the layers of the same instant.
pub(super) struct LayeredView {
    inner: Box<dyn View>,
    current: Arc<Version>,
    /// What the layers become by the write that was under way when the view was taken.
    next: Option<Arc<Version>>,
    chosen: OnceCell<Arc<Version>>,
}

impl LayeredView {
    /// A view over `inner`, which sees either what `current` stands on or what `next` does.
    pub(super) fn new(inner: Box<dyn View>, current: Arc<Version>, next: Option<Arc<Version>>) -> Self {
        Self { inner, current, next, chosen: OnceCell::new() }
    }

    /// The layers of the instant that the engine's view sees: the journal row of a write stands in
    /// it or not. It is only asked for where the layers are read.
    pub(super) fn version(&self) -> Result<&Arc<Version>> {
        let Some(next) = &self.next else { return Ok(&self.current) };
        if let Some(chosen) = self.chosen.get() {
            return Ok(chosen);
        }
        let written = self.inner.read(Space::Journal, &journal_key(next.seq))?.is_some();
        Ok(self.chosen.get_or_init(|| if written { next.clone() } else { self.current.clone() }))
    }
}

impl View for LayeredView {
    fn read(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if is_layered(space) {
            let placed = place(space, key);
            let hash = hash(&placed);
            if let Some(found) = self.version()?.runs().find_map(|run| run.find(hash, &placed)) {
                return Ok(found.map(<[u8]>::to_vec));
            }
        }
        self.inner.read(space, key)
    }

    fn walk(&self, space: Space, span: &Span, direction: Direction, each: &mut Visit<'_>) -> Result<()> {
        if !is_layered(space) || span.is_empty() {
            return self.inner.walk(space, span, direction, each);
        }
        let cursor = Cursor::over(self.version()?.runs(), &placed(space, span), direction);
        let mut merge = Merge { cursor, backward: direction == Direction::Backward, broken: false, each };
        self.inner.walk(space, span, direction, &mut |key, value| merge.row(key, value))?;
        merge.rest()
    }

    fn generation(&self) -> u64 {
        self.inner.generation()
    }
}

/// Shows rows of the engine and entries of the layers in one order.
struct Merge<'a, 'v> {
    cursor: Cursor<'a>,
    backward: bool,
    broken: bool,
    each: &'a mut Visit<'v>,
}

impl Merge<'_, '_> {
    /// Shows what the layers have before this row of the engine, then the row, unless the layers
    /// have it too.
    fn row(&mut self, key: &[u8], value: &[u8]) -> Result<ControlFlow<()>> {
        while let Some(front) = self.cursor.front() {
            match compare(unplaced(front), key, self.backward) {
                Ordering::Less => self.entry(front)?,
                Ordering::Equal => {
                    self.entry(front)?;
                    return Ok(self.flow());
                }
                Ordering::Greater => break,
            }
            if self.broken {
                return Ok(self.flow());
            }
        }
        self.show(key, value)?;
        Ok(self.flow())
    }

    /// Shows what the layers have after the engine's last row.
    fn rest(mut self) -> Result<()> {
        while !self.broken {
            let Some(front) = self.cursor.front() else { break };
            self.entry(front)?;
        }
        Ok(())
    }

    fn entry(&mut self, front: Entry<'_>) -> Result<()> {
        self.cursor.advance();
        front.value.map_or(Ok(()), |value| self.show(unplaced(front), value))
    }

    fn show(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.broken = (self.each)(key, value)?.is_break();
        Ok(())
    }

    fn flow(&self) -> ControlFlow<()> {
        if self.broken { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// An entry's key within its space.
fn unplaced(entry: Entry<'_>) -> &[u8] {
    entry.key.get(1..).unwrap_or_default()
}
