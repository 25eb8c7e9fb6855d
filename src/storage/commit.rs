//! The one committer: it drains what waits, checks each unit, writes the group in one durable
//! batch and answers all of them after it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::oneshot;

use self::group::Group;
use super::engine::{Batch, Engine, Space, View};
use super::layout;
use super::prepare::Prepared;
use super::read;
use super::state::State;
use crate::audit::Head;
use crate::clock::Stopwatch;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::store::{CommitError, Committed};

pub(super) mod change;
mod group;

const MAX_UNITS: usize = 512;
const MAX_BYTES: usize = 8 << 20;
/// Fewer units than this in a group are too few to wait for more.
const FEW: usize = 4;
/// How long a store that failed rests before it is tried again without being asked.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

type Answer = Result<Committed, CommitError>;

/// A unit that waits, and who waits for it.
pub(super) struct Job {
    pub(super) unit: Prepared,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// Writes units until their queue is closed and empty.
pub(super) struct Committer {
    engine: Arc<dyn Engine>,
    state: Arc<State>,
    /// The audit head; none: to be read from the engine.
    head: Option<Head>,
    last: Last,
}

impl Committer {
    /// A committer over `engine`.
    pub(super) fn new(engine: Arc<dyn Engine>, state: Arc<State>) -> Self {
        Self { engine, state, head: None, last: Last::default() }
    }

    /// Runs until the queue's sender is gone and everything accepted is answered.
    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        while let Some(first) = self.wait(queue) {
            let jobs = self.last.gather(first, queue);
            let (units, watch) = (jobs.len(), Stopwatch::start());
            self.commit(jobs);
            self.last = Last { units, took: watch.elapsed() };
        }
    }

    /// The next unit; none when the store is closed. A store that failed is probed meanwhile.
    fn wait(&mut self, queue: &Receiver<Job>) -> Option<Job> {
        loop {
            if self.state.health().is_ok() {
                return queue.recv().ok();
            }
            match queue.recv_timeout(PROBE_PAUSE) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.probe(),
            }
        }
    }

    fn probe(&mut self) {
        let outcome = unbroken(|| self.try_probe());
        self.state.report(outcome.err().map(|e| e.to_string()));
    }

    fn try_probe(&self) -> Result<()> {
        let mut batch = Batch::new();
        batch.put(Space::Meta, layout::META_PROBE.to_vec(), Vec::new());
        let generation = self.engine.view()?.generation();
        self.write(batch, generation)
    }

    fn commit(&mut self, jobs: Vec<Job>) {
        let (units, waiting): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.unit, job.answer)).unzip();
        match unbroken(|| self.try_commit(units)) {
            Ok(answers) => {
                for (answer, waiting) in answers.into_iter().zip(waiting) {
                    // Whoever no longer waits reads the outcome from the store.
                    let _ = waiting.send(answer);
                }
            }
            Err(e) => {
                self.head = None;
                self.state.report(Some(e.to_string()));
                // What failed may be written all the same: whoever waits for a change looks again.
                self.state.bump(&(0..=u8::MAX).collect::<Vec<_>>());
                for waiting in waiting {
                    let _ = waiting.send(Err(CommitError::Failed(same(&e))));
                }
            }
        }
    }

    /// Writes a group. Errors: nothing of it was acknowledged.
    fn try_commit(&mut self, units: Vec<Prepared>) -> Result<Vec<Answer>> {
        let view = self.engine.view()?;
        let generation = view.generation();
        let built = self.build(&*view, units);
        drop(view);
        if built.as_ref().map_or(true, Built::has_failures) {
            self.engine.revive(generation)?;
        }
        let Built { batch, head, kinds, answers } = built?;
        if !batch.is_empty() {
            self.write(batch, generation)?;
            self.state.report(None);
        }
        self.head = Some(head);
        self.state.bump(&kinds);
        Ok(answers)
    }

    fn build(&self, view: &dyn View, units: Vec<Prepared>) -> Result<Built> {
        let head = self.head.map_or_else(|| read::head(view), Ok)?;
        let mut group = Group::new(view, head);
        let mut answers = Vec::with_capacity(units.len());
        for unit in units {
            answers.push(group.add(unit).map(|head| Committed { head }));
        }
        let (batch, head, kinds) = group.finish()?;
        Ok(Built { batch, head, kinds, answers })
    }

    fn write(&self, batch: Batch, generation: u64) -> Result<()> {
        let written = self.engine.write(batch);
        if written.is_err() {
            // The failure of the write says more than that of the reopening.
            let _ = self.engine.revive(generation);
        }
        written
    }
}

/// A group ready to be written, and what its units are answered once it is.
struct Built {
    batch: Batch,
    head: Head,
    kinds: Vec<u8>,
    answers: Vec<Answer>,
}

impl Built {
    /// Whether a unit failed, rather than being refused: reading the store may have.
    fn has_failures(&self) -> bool {
        self.answers.iter().any(|answer| matches!(answer, Err(CommitError::Failed(_))))
    }
}

/// The group before.
#[derive(Clone, Copy, Default)]
struct Last {
    units: usize,
    took: Duration,
}

impl Last {
    /// Takes what waits. While many write at once, the writers that the last group released come
    /// back within an eighth of the time it took: waiting for them makes one group of two halves.
    fn gather(self, first: Job, queue: &Receiver<Job>) -> Vec<Job> {
        let pause = if self.units < FEW { Duration::ZERO } else { self.took / 8 };
        let watch = Stopwatch::start();
        let mut bytes = first.unit.bytes;
        let mut jobs = vec![first];
        while jobs.len() < MAX_UNITS && bytes < MAX_BYTES {
            let left = if jobs.len() < 2 * self.units {
                pause.saturating_sub(watch.elapsed())
            } else {
                Duration::ZERO
            };
            let Ok(job) = queue.recv_timeout(left) else { break };
            bytes += job.unit.bytes;
            jobs.push(job);
        }
        jobs
    }
}

/// Runs work on the engine; a panic in it is a failure like others, and the committer goes on. What it left
/// half done is read anew: the head is reset, and an engine that was lost is reopened.
fn unbroken<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::storage("writing to the store broke off; see the log")))
}

fn same(e: &Error) -> Error {
    match e.kind() {
        ErrorKind::Storage => Error::storage(e.to_string()),
        _ => Error::internal(e.to_string()),
    }
}

#[cfg(test)]
mod tests;
