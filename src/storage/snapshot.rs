//! Everything in the store as of one moment, read in order.

use std::ops::{Bound, ControlFlow};

use super::commit::change::read_counter;
use super::engine::{Space, Span, View};
use super::layout;
use super::read;
use super::row::Row;
use crate::audit::{Entry, Head};
use crate::error::{Error, Result};
use crate::store::{AuditOrder, Direction, EachCounter, EachIndexEntry, EachRecord, EachRow, Part, Snapshot};

type Each<'a> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 'a;

/// A snapshot over an engine's view.
pub(super) struct EngineSnapshot {
    view: Box<dyn View>,
}

impl EngineSnapshot {
    /// Everything that `view` sees.
    pub(super) fn new(view: Box<dyn View>) -> Self {
        Self { view }
    }

    fn each_row(&self, space: Space, span: &Span, each: &mut Each<'_>) -> Result<()> {
        self.view.walk(space, span, Direction::Forward, &mut |key, value| {
            each(key, value)?;
            Ok(ControlFlow::Continue(()))
        })
    }
}

impl Snapshot for EngineSnapshot {
    fn kinds(&self) -> Result<Vec<u8>> {
        let mut kinds = Vec::new();
        let mut span = Span::ALL;
        loop {
            let mut found = None;
            self.view.walk(Space::Records, &span, Direction::Forward, &mut |key, _| {
                found = key.first().copied();
                Ok(ControlFlow::Break(()))
            })?;
            let Some(kind) = found else { return Ok(kinds) };
            kinds.push(kind);
            let Some(next) = kind.checked_add(1) else { return Ok(kinds) };
            span.from = Bound::Included(vec![next]);
        }
    }

    fn records(&self, kind: u8, each: &mut EachRecord<'_>) -> Result<()> {
        self.each_row(Space::Records, &Span::prefix(&[kind]), &mut |key, value| {
            let row = Row::read(value)?;
            let indexes = row.indexes().iter().map(|listed| (listed.index, listed.key.to_vec())).collect();
            each(row.envelope(key, |chunk| self.view.read(Space::Chunks, chunk))?, indexes)
        })
    }

    fn index_entries(&self, kind: u8, each: &mut EachIndexEntry<'_>) -> Result<()> {
        self.each_row(Space::Index, &Span::prefix(&[kind]), &mut |key, value| {
            let entry = layout::read_index(key, value)?;
            each(entry.index, &entry.key, &entry.record)
        })
    }

    fn counters(&self, each: &mut EachCounter<'_>) -> Result<()> {
        self.each_row(Space::Counters, &Span::ALL, &mut |key, value| {
            let (kind, key) =
                key.split_first().ok_or_else(|| Error::storage("a counter's key is damaged"))?;
            each(*kind, key, read_counter(Some(value))?)
        })
    }

    fn audit(&self, from: u64, each: &mut dyn FnMut(u64, Entry) -> Result<()>) -> Result<()> {
        let span = Span { from: Bound::Included(layout::audit_key(from)), to: Bound::Unbounded };
        self.each_row(Space::Audit, &span, &mut |key, value| {
            let seq = layout::read_seq(key)?;
            each(seq, read::entry(seq, value)?)
        })
    }

    fn audit_order(&self, order: AuditOrder, each: &mut dyn FnMut(&[u8], u64) -> Result<()>) -> Result<()> {
        let space = match order {
            AuditOrder::Subject => Space::AuditBySubject,
            AuditOrder::Action => Space::AuditByAction,
        };
        self.each_row(space, &Span::ALL, &mut |key, _| {
            let (text, seq) = layout::read_audit_index(key)
                .ok_or_else(|| Error::storage("an audit index entry is damaged"))?;
            each(&text, seq)
        })
    }

    fn head(&self) -> Result<Head> {
        read::head(&*self.view)
    }

    fn rows(&self, each: &mut EachRow<'_>) -> Result<()> {
        for (part, key) in [(Part::Format, layout::META_FORMAT), (Part::Head, layout::META_HEAD)] {
            if let Some(value) = self.view.read(Space::Meta, key)? {
                each(part, key, &value)?;
            }
        }
        for (part, space) in [
            (Part::Records, Space::Records),
            (Part::Chunks, Space::Chunks),
            (Part::Counters, Space::Counters),
            (Part::Audit, Space::Audit),
        ] {
            self.each_row(space, &Span::ALL, &mut |key, value| each(part, key, value))?;
        }
        Ok(())
    }
}
