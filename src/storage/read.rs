//! Point reads and pages over one view.

use std::ops::{Bound, ControlFlow};

use super::commit::change::read_counter;
use super::cursor::Cursor;
use super::engine::{Space, Span, View};
use super::layout;
use super::row;
use crate::audit::{Entry, Head};
use crate::error::{Error, Result};
use crate::store::{AuditFilter, Direction, Envelope, Index, Kind, PRIMARY, Page, Scan, successor};

/// The most records or audit entries of one page.
const MAX_PAGE: usize = 1_000;
/// A page ends early once its bodies reach this.
const MAX_PAGE_BYTES: usize = 8 << 20;

/// The record at `key`.
pub(super) fn fetch(view: &dyn View, kind: Kind, key: &[u8]) -> Result<Option<Envelope>> {
    let row_key = layout::row_key(kind.id, key);
    let row = view.read(Space::Records, &row_key)?;
    row.map(|row| row::open(view, &row_key, &row)).transpose()
}

/// The record that a unique index holds at `key`.
pub(super) fn fetch_unique(
    view: &dyn View,
    kind: Kind,
    index: Index,
    key: &[u8],
) -> Result<Option<Envelope>> {
    if index.id == PRIMARY.id {
        return fetch(view, kind, key);
    }
    if !index.unique {
        return Err(Error::internal(format!("index {} of {} is not unique", index.name, kind.name)));
    }
    match view.read(Space::Index, &layout::index_stem(kind.id, index.id, key))? {
        Some(record) => led_to(view, kind, &record).map(Some),
        None => Ok(None),
    }
}

/// A counter's value.
pub(super) fn counter(view: &dyn View, kind: Kind, key: &[u8]) -> Result<i64> {
    read_counter(view.read(Space::Counters, &layout::row_key(kind.id, key))?.as_deref())
}

/// The audit head as it was last written.
pub(super) fn head(view: &dyn View) -> Result<Head> {
    match view.read(Space::Meta, layout::META_HEAD)? {
        None => Ok(Head::EMPTY),
        Some(row) => {
            postcard::from_bytes(&row).map_err(|e| Error::storage("the audit head is damaged").because(e))
        }
    }
}

/// One page of records in index order. Errors: `invalid-cursor`, `storage`.
pub(super) fn scan(view: &dyn View, scan: &Scan) -> Result<Page<Envelope>> {
    let limit = scan.limit.clamp(1, MAX_PAGE);
    let (space, span) = stretch(scan)?;
    let (mut items, mut bytes, mut last, mut more) = (Vec::new(), 0, None, false);
    view.walk(space, &span, scan.direction, &mut |key, value| {
        if items.len() == limit || bytes >= MAX_PAGE_BYTES {
            more = true;
            return Ok(ControlFlow::Break(()));
        }
        let (envelope, place) = at_entry(view, scan, key, value)?;
        bytes += envelope.body.len();
        items.push(envelope);
        last = Some(place);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Page { items, next: last.filter(|_| more) })
}

/// The record at one row of the walk, and the cursor behind it.
fn at_entry(view: &dyn View, scan: &Scan, key: &[u8], value: &[u8]) -> Result<(Envelope, Vec<u8>)> {
    if scan.index.id == PRIMARY.id {
        let envelope = row::open(view, key, value)?;
        let place = Cursor { key: &envelope.key, record: &[] }.encode(scan);
        return Ok((envelope, place));
    }
    let entry = layout::read_index(key, value)?;
    let envelope = led_to(view, scan.kind, &entry.record)?;
    let place = Cursor { key: &entry.key, record: &entry.record }.encode(scan);
    Ok((envelope, place))
}

fn led_to(view: &dyn View, kind: Kind, record: &[u8]) -> Result<Envelope> {
    fetch(view, kind, record)?
        .ok_or_else(|| Error::storage(format!("an index of {} leads to no record; run a check", kind.name)))
}

fn stretch(scan: &Scan) -> Result<(Space, Span)> {
    let after = scan.after.as_deref().map(|bytes| Cursor::decode(scan, bytes)).transpose()?;
    let (space, prefix) = match scan.index.id {
        0 => (Space::Records, vec![scan.kind.id]),
        index => (Space::Index, layout::index_prefix(scan.kind, index)),
    };
    let bound = |key: &[u8]| match scan.index.id {
        0 => layout::row_key(scan.kind.id, key),
        index => layout::index_bound(scan.kind, index, key),
    };
    let mut span = Span { from: Bound::Included(bound(&scan.from)), to: Bound::Unbounded };
    let to = scan.to.as_deref().map(bound).or_else(|| successor(&prefix));
    span.to = to.map_or(Bound::Unbounded, Bound::Excluded);
    if let Some(after) = after {
        let place = Bound::Excluded(entry_key(scan, &after));
        match scan.direction {
            Direction::Forward => span.from = place,
            Direction::Backward => span.to = place,
        }
    }
    Ok((space, span))
}

fn entry_key(scan: &Scan, cursor: &Cursor<'_>) -> Vec<u8> {
    if scan.index.id == PRIMARY.id {
        return layout::row_key(scan.kind.id, cursor.key);
    }
    let mut key = layout::index_stem(scan.kind.id, scan.index.id, cursor.key);
    if !scan.index.unique {
        key.extend_from_slice(cursor.record);
    }
    key
}

/// Audit entries, newest first. Errors: `unsupported-filter` for subject and action together.
pub(super) fn audit(view: &dyn View, filter: &AuditFilter) -> Result<Vec<Entry>> {
    let (space, stem) = match (&filter.subject, &filter.action) {
        (None, None) => (Space::Audit, Vec::new()),
        (Some(subject), None) => (Space::AuditBySubject, layout::audit_stem(subject)),
        (None, Some(action)) => (Space::AuditByAction, layout::audit_stem(action)),
        (Some(_), Some(_)) => {
            let text = "audit entries are listed by subject or by action, not by both";
            return Err(Error::invalid("unsupported-filter", text));
        }
    };
    let mut span = Span::prefix(&stem);
    if let Some(before) = filter.before {
        span.to = Bound::Excluded([stem, before.to_be_bytes().to_vec()].concat());
    }
    let limit = filter.limit.clamp(1, MAX_PAGE);
    let mut found = Vec::new();
    view.walk(space, &span, Direction::Backward, &mut |key, value| {
        let seq = layout::read_seq(key)?;
        let entry = if space == Space::Audit { entry(seq, value)? } else { entry_at(view, seq)? };
        let meant = filter.subject.as_ref().is_none_or(|subject| *subject == entry.event.subject)
            && filter.action.as_ref().is_none_or(|action| *action == entry.event.action);
        if meant {
            found.push(entry);
        }
        Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(found)
}

fn entry_at(view: &dyn View, seq: u64) -> Result<Entry> {
    let row = view.read(Space::Audit, &layout::audit_key(seq))?;
    entry(seq, &row.ok_or_else(|| Error::storage(format!("audit entry {seq} is missing")))?)
}

/// Decodes an audit entry. Errors: `storage` naming its place.
pub(super) fn entry(seq: u64, row: &[u8]) -> Result<Entry> {
    postcard::from_bytes(row)
        .map_err(|e| Error::storage(format!("audit entry {seq} cannot be read")).because(e))
}
