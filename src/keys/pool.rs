//! A bounded pool of threads for CPU work, so that signing never holds the reactor.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::error::{Error, Result};

mod queue;

use queue::{Shared, lock};

/// Threads, one per core, and a bounded queue. Cheap to clone.
///
/// When the last clone is dropped, or at [`Pool::close`], no new job is taken, those in the queue are
/// finished, and the threads end.
#[derive(Clone)]
pub struct Pool(Arc<Owner>);

impl Pool {
    /// `threads` workers (at least one) and room for `queue` waiting jobs (at least one).
    pub fn new(threads: usize, queue: usize) -> Self {
        let shared = Arc::new(Shared::new(queue.max(1)));
        let threads = threads.max(1);
        let workers = Mutex::new((0..threads).filter_map(|n| spawn(n, &shared)).collect());
        Self(Arc::new(Owner { shared, workers, threads, attended: AtomicUsize::new(0) }))
    }

    /// One worker for each core that this process may use, and room for `queue` waiting jobs.
    pub fn per_core(queue: usize) -> Self {
        Self::new(thread::available_parallelism().map_or(1, usize::from), queue)
    }

    /// Runs `job` on a worker. A job whose caller has gone before it starts is skipped.
    /// Errors: `busy` at once if the queue is full or the pool closed; `internal` if the job panicked.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (answer, result) = oneshot::channel();
        self.0.shared.push(Box::new(move || {
            if !answer.is_closed() {
                // The caller may leave meanwhile: nobody is then told, by its own choice.
                let _ = answer.send(job());
            }
        }))?;
        result.await.map_err(|_| panicked())
    }

    /// Runs a short job, of 100 us or so. With few requests at hand (see [`Pool::attend`]) that is done on the caller's
    /// own thread, because to a worker and back costs a good part of it again. In a crowd a worker is better: it does
    /// the same thing over and over, and its caches are warm. Errors: as [`Pool::run`].
    pub async fn run_short<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let few = FEW * self.0.threads;
        if self.0.attended.load(Ordering::Relaxed) > few {
            return self.run(job).await;
        }
        self.0.shared.admit()?;
        catch_unwind(AssertUnwindSafe(job)).map_err(|_| panicked())
    }

    /// Counts a request as being worked on, until what is returned is dropped.
    pub fn attend(&self) -> Attended {
        self.0.attended.fetch_add(1, Ordering::Relaxed);
        Attended(Arc::clone(&self.0))
    }

    /// Takes no more jobs, finishes those in the queue and waits for the threads to end. Blocking.
    pub fn close(&self) {
        self.0.shared.close();
        let workers = std::mem::take(&mut *lock(&self.0.workers));
        let own = thread::current().id();
        for worker in workers.into_iter().filter(|w| w.thread().id() != own) {
            // A worker catches the panics of its jobs; there is nothing left to report here.
            let _ = worker.join();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("room", &self.0.shared.room()).finish_non_exhaustive()
    }
}

/// So many requests for each thread are few.
const FEW: usize = 4;

/// A request that is being worked on.
pub struct Attended(Arc<Owner>);

impl Drop for Attended {
    fn drop(&mut self) {
        self.0.attended.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the clones share; the workers hold only [`Shared`], so that its drop is seen.
struct Owner {
    shared: Arc<Shared>,
    workers: Mutex<Vec<JoinHandle<()>>>,
    threads: usize,
    /// Requests that are being worked on.
    attended: AtomicUsize,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// A worker thread; none if the system gives no thread (the queue then fills and callers hear `busy`).
fn spawn(number: usize, shared: &Arc<Shared>) -> Option<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name(format!("sign-{number}"))
        .spawn(move || {
            while let Some(job) = shared.next() {
                // A panic drops the job's answer, which tells its caller; the worker lives on.
                let _ = catch_unwind(AssertUnwindSafe(job));
            }
        })
        .ok()
}

fn panicked() -> Error {
    Error::internal("a job on the signing threads panicked")
}

#[cfg(test)]
mod tests;
