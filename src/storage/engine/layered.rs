//! Layers over an engine: the newest rows of the indexes in memory, with a journal beside them.
//!
//! A random key costs a B-tree a page of its own, read, copied and written; ten of them stand under
//! one certificate. So index rows are written as one time-ordered row of the journal, in the batch
//! of the records that they belong to, and kept in memory in sorted runs ([`run`]), which readers
//! ask before the engine ([`view`]). Once the runs are large they are folded into the engine's
//! tables in key order ([`fold`]), where many neighbours share a page. On opening the journal is
//! read back.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use self::fold::Fold;
use self::run::{Builder, Run};
use self::version::Version;
use self::view::LayeredView;
use super::{Batch, Engine, Space, Span, View};
use crate::error::{Error, Result};
use crate::store::Direction;

mod cursor;
mod filter;
mod fold;
mod run;
mod version;
mod view;

/// The spaces that are layered, by rising number.
const LAYERED: [Space; 3] = [Space::Index, Space::AuditBySubject, Space::AuditByAction];

/// The growing runs are frozen and folded once they take so many bytes of memory; at most about
/// two and a half times as much is held.
pub(super) const LIMIT: usize = 24 << 20;

/// An engine with layers over its indexes.
pub(super) struct Layered {
    inner: Box<dyn Engine>,
    limit: usize,
    shared: RwLock<Shared>,
    writing: Mutex<Writing>,
}

/// What a view needs to know. It is held while a view of the engine is taken, and changed before
/// and after a write: so the engine's view sees what `current` stands on, or what `next` does.
struct Shared {
    current: Arc<Version>,
    /// What the layers become by the write under way, or became by one whose outcome is unknown.
    next: Option<Arc<Version>>,
}

/// What only the writer knows.
struct Writing {
    /// The oldest row of the journal that stands for the growing runs.
    oldest: u64,
    fold: Option<Fold>,
}

impl Layered {
    /// Lays over `inner` what its journal holds; past `limit` bytes it is folded. Errors: `storage`.
    pub(super) fn over(inner: Box<dyn Engine>, limit: usize) -> Result<Self> {
        let (mut version, mut oldest) = (Version::default(), None);
        let view = inner.view()?;
        view.walk(Space::Journal, &Span::ALL, Direction::Forward, &mut |key, row| {
            let seq = read_journal_key(key)?;
            oldest.get_or_insert(seq);
            version = version.with(Run::read(row.to_vec())?)?.at(seq);
            Ok(ControlFlow::Continue(()))
        })?;
        drop(view);
        let writing = Writing { oldest: oldest.unwrap_or(version.seq + 1), fold: None };
        let shared = Shared { current: Arc::new(version), next: None };
        Ok(Self { inner, limit, shared: RwLock::new(shared), writing: Mutex::new(writing) })
    }

    /// Takes a view of the engine and what the layers may be at that instant.
    fn viewing(&self, take: impl FnOnce(&dyn Engine) -> Result<Box<dyn View>>) -> Result<LayeredView> {
        let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
        let inner = take(&*self.inner)?;
        Ok(LayeredView::new(inner, shared.current.clone(), shared.next.clone()))
    }

    fn publish(&self, change: impl FnOnce(&mut Shared)) {
        change(&mut self.shared.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The layers to write on: the outcome of a write that failed is read from the engine.
    fn settled(&self, writing: &mut Writing) -> Result<Arc<Version>> {
        let mut version = self.viewing(|engine| engine.view())?.version()?.clone();
        if writing.fold.is_none() && version.active_size() >= self.limit {
            writing.fold = Some(Fold::of(writing.oldest..=version.seq));
            writing.oldest = version.seq + 1;
            version = Arc::new(version.freeze());
        }
        self.publish(|shared| *shared = Shared { current: version.clone(), next: None });
        Ok(version)
    }

    fn write_layered(&self, writing: &mut Writing, mut batch: Batch) -> Result<()> {
        let version = self.settled(writing)?;
        let run = take_layered(&mut batch)?;
        let added = run.as_ref().map_or(0, Run::len);
        let fold = writing.fold.as_ref().map(|fold| fold.slice(&version, added, &mut batch));
        let next = match run {
            None => version,
            Some(run) => {
                batch.put(Space::Journal, journal_key(version.seq + 1), run.row().to_vec());
                let next = Arc::new(version.with(run)?);
                self.publish(|shared| shared.next = Some(next.clone()));
                next
            }
        };
        self.inner.write(batch)?;
        let done = fold.as_ref().is_some_and(Fold::is_done);
        writing.fold = fold.filter(|_| !done);
        let current = if done { Arc::new(next.folded()) } else { next };
        self.publish(|shared| *shared = Shared { current, next: None });
        Ok(())
    }
}

impl Engine for Layered {
    fn view(&self) -> Result<Box<dyn View>> {
        Ok(Box::new(self.viewing(|engine| engine.view())?))
    }

    fn snapshot(&self) -> Result<Box<dyn View>> {
        Ok(Box::new(self.viewing(|engine| engine.snapshot())?))
    }

    fn write(&self, batch: Batch) -> Result<()> {
        let mut writing: MutexGuard<'_, _> = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_layered(&mut writing, batch)
    }

    fn revive(&self, generation: u64) -> Result<bool> {
        self.inner.revive(generation)
    }

    fn close(&self) -> Result<()> {
        self.inner.close()
    }
}

/// Whether a space's newest rows stand in the layers.
fn is_layered(space: Space) -> bool {
    match space {
        Space::Index | Space::AuditBySubject | Space::AuditByAction => true,
        Space::Records | Space::Chunks | Space::Counters | Space::Audit | Space::Meta | Space::Journal => {
            false
        }
    }
}

/// Takes the changes of layered spaces out of a batch; none if it has none.
fn take_layered(batch: &mut Batch) -> Result<Option<Run>> {
    let mut builder = Builder::default();
    for space in LAYERED {
        for (key, value) in batch.take(space) {
            builder.push(space.number() as u8, &key, value.as_deref())?;
        }
    }
    Ok(builder.build())
}

fn journal_key(seq: u64) -> Vec<u8> {
    seq.to_be_bytes().to_vec()
}

fn read_journal_key(key: &[u8]) -> Result<u64> {
    let seq = key.try_into().map_err(|_| Error::storage("a key of the index journal is damaged"))?;
    Ok(u64::from_be_bytes(seq))
}

#[cfg(test)]
mod tests;
