//! The store over an embedded engine: reads go to the engine, units to the committer.

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use async_trait::async_trait;
use tokio::sync::{oneshot, watch};

use super::commit::{Committer, Job};
use super::engine::{Engine, View};
use super::prepare::prepare;
use super::read;
use super::snapshot::EngineSnapshot;
use super::state::State;
use crate::audit::{Entry, Head};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::store::{
    AuditFilter, CommitError, Committed, Envelope, Index, Kind, Page, Scan, Snapshot, Store, Unit,
};

/// How many units may wait; more are answered `busy`.
const QUEUE: usize = 4_096;

/// A page of so few records costs less than the way to another thread and back.
const SHORT_PAGE: usize = 64;

/// The store of one machine.
pub(super) struct Local {
    engine: Arc<dyn Engine>,
    state: Arc<State>,
    queue: RwLock<Option<SyncSender<Job>>>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

impl Local {
    /// Starts the committer over an open engine. Errors: `internal` if no thread can be started.
    pub(super) fn start(engine: Box<dyn Engine>) -> Result<Self> {
        let engine: Arc<dyn Engine> = Arc::from(engine);
        let state = Arc::new(State::default());
        let (sender, receiver) = sync_channel(QUEUE);
        let committer = Committer::new(engine.clone(), state.clone());
        let thread = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || committer.run(&receiver))
            .map_err(|e| Error::internal("cannot start the committer").because(e))?;
        Ok(Self { engine, state, queue: RwLock::new(Some(sender)), committer: Mutex::new(Some(thread)) })
    }

    fn send(&self, job: Job) -> Result<()> {
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_ref().ok_or_else(closed)?;
        queue.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => {
                Error::new(ErrorKind::Busy, "busy", format!("{QUEUE} changes wait for the disk; try again"))
            }
            TrySendError::Disconnected(_) => self.stopped(),
        })
    }

    /// The committer is gone: also the store's health says so from now on.
    fn stopped(&self) -> Error {
        let error = Error::storage("the committer has stopped; restart the service");
        self.state.report(Some(error.to_string()));
        error
    }

    /// Reads on a worker thread: for what may take longer than a few lookups.
    async fn off_reactor<T: Send + 'static>(
        &self,
        f: impl Fn(&dyn View) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || reading(&*engine, f))
            .await
            .map_err(|e| Error::internal("a read was cut off").because(e))?
    }
}

/// Reads from a fresh view, once more if the engine was lost and reopened meanwhile.
fn reading<T>(engine: &dyn Engine, f: impl Fn(&dyn View) -> Result<T>) -> Result<T> {
    let view = engine.view()?;
    match f(&*view) {
        Err(e) if e.kind() == ErrorKind::Storage => {
            let generation = view.generation();
            drop(view);
            if engine.revive(generation)? { f(&*engine.view()?) } else { Err(e) }
        }
        outcome => outcome,
    }
}

fn closed() -> Error {
    Error::storage("the store is closed")
}

#[async_trait]
impl Store for Local {
    async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        let unit = prepare(unit).map_err(CommitError::Failed)?;
        let (answer, waiting) = oneshot::channel();
        self.send(Job { unit, answer }).map_err(CommitError::Failed)?;
        waiting.await.unwrap_or_else(|_| Err(CommitError::Failed(self.stopped())))
    }

    async fn fetch(&self, kind: Kind, key: &[u8]) -> Result<Option<Envelope>> {
        reading(&*self.engine, |view| read::fetch(view, kind, key))
    }

    async fn fetch_unique(&self, kind: Kind, index: Index, key: &[u8]) -> Result<Option<Envelope>> {
        reading(&*self.engine, |view| read::fetch_unique(view, kind, index, key))
    }

    async fn scan(&self, scan: Scan) -> Result<Page<Envelope>> {
        if scan.limit <= SHORT_PAGE {
            return reading(&*self.engine, |view| read::scan(view, &scan));
        }
        self.off_reactor(move |view| read::scan(view, &scan)).await
    }

    async fn counter(&self, kind: Kind, key: &[u8]) -> Result<i64> {
        reading(&*self.engine, |view| read::counter(view, kind, key))
    }

    async fn head(&self) -> Result<Head> {
        reading(&*self.engine, read::head)
    }

    async fn audit(&self, filter: AuditFilter) -> Result<Vec<Entry>> {
        self.off_reactor(move |view| read::audit(view, &filter)).await
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(EngineSnapshot::new(self.engine.snapshot()?)))
    }

    fn changed(&self, kind: Kind) -> watch::Receiver<u64> {
        self.state.watch(kind.id)
    }

    fn health(&self) -> Result<()> {
        self.state.health()
    }

    async fn close(&self) -> Result<()> {
        self.queue.write().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.committer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || {
            if let Some(thread) = thread {
                thread.join().map_err(|_| Error::internal("the committer ended badly"))?;
            }
            engine.close()
        })
        .await
        .map_err(|e| Error::internal("closing was cut off").because(e))?
    }
}

impl Drop for Local {
    /// Waits for the group at hand, so that the files are free for the next opening.
    fn drop(&mut self) {
        self.queue.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.committer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        let _ = self.engine.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{EngineKind, engine};

    #[tokio::test]
    async fn a_store_without_its_committer_is_not_healthy() {
        let dir = tempfile::tempdir().unwrap();
        let store = Local::start(engine::create(EngineKind::Redb, dir.path()).unwrap()).unwrap();
        assert!(store.health().is_ok());
        let (sender, receiver) = sync_channel(1);
        drop(receiver);
        *store.queue.write().unwrap() = Some(sender);
        assert!(matches!(store.commit(Unit::new()).await, Err(CommitError::Failed(_))));
        assert!(store.health().unwrap_err().detail().contains("has stopped"));
    }
}
