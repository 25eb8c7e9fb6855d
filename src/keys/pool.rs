//! A bounded pool of threads for CPU work, so that signing never holds the reactor.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::error::{Error, Kind, Result};

/// Threads, one per core, and a bounded queue. Cheap to clone.
///
/// When the last clone is dropped, or at [`Pool::close`], no new job is taken, those in the queue are
/// finished, and the threads end.
#[derive(Clone)]
pub struct Pool(Arc<Owner>);

impl Pool {
    /// `threads` workers (at least one) and room for `queue` waiting jobs (at least one).
    pub fn new(threads: usize, queue: usize) -> Self {
        let shared = Arc::new(Shared { room: queue.max(1), state: Mutex::default(), work: Condvar::new() });
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
        self.0.shared.admit(&lock(&self.0.shared.state))?;
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
        f.debug_struct("Pool").field("room", &self.0.shared.room).finish_non_exhaustive()
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

type Job = Box<dyn FnOnce() + Send>;

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

struct Shared {
    room: usize,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Sleepers that nobody has woken yet: a job wakes one only if there is one (a wake is a system call).
    idle: usize,
    closed: bool,
}

impl Shared {
    fn push(&self, job: Job) -> Result<()> {
        let mut state = lock(&self.state);
        self.admit(&state)?;
        state.jobs.push_back(job);
        let wake = state.idle > 0;
        state.idle -= usize::from(wake);
        drop(state);
        if wake {
            self.work.notify_one();
        }
        Ok(())
    }

    fn admit(&self, state: &State) -> Result<()> {
        if state.closed || state.jobs.len() >= self.room {
            return Err(Error::new(Kind::Busy, "busy", "the signing threads have no room for another job"));
        }
        Ok(())
    }

    /// The next job, waiting for one; none when the pool is closed and its queue empty.
    fn next(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        lock(&self.state).closed = true;
        self.work.notify_all();
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_job_answers_from_another_thread() {
        let pool = Pool::new(2, 4);
        let here = thread::current().id();
        assert_ne!(pool.run(move || thread::current().id()).await.unwrap(), here);
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_at_once_and_what_was_taken_is_done() {
        let pool = Pool::new(1, 2);
        let (started, has_started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(move || {
                    started.send(()).unwrap();
                    released.recv().unwrap();
                    1
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || has_started.recv().unwrap()).await.unwrap();

        let mut second = Box::pin(pool.run(|| 2));
        let mut third = Box::pin(pool.run(|| 3));
        assert!(waits(&mut second).await && waits(&mut third).await);
        let error = pool.run(|| 4).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Busy, "busy"));

        release.send(()).unwrap();
        assert_eq!(first.await.unwrap().unwrap(), 1);
        assert_eq!((second.await.unwrap(), third.await.unwrap()), (2, 3));
    }

    /// Polls once; true if the future waits.
    async fn waits<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())
        })
        .await
    }

    #[tokio::test]
    async fn a_panicking_job_is_an_internal_error_and_the_worker_lives_on() {
        let pool = Pool::new(1, 4);
        for _ in 0..3 {
            let error = pool.run(|| -> u8 { panic!("on purpose") }).await.unwrap_err();
            assert_eq!((error.kind(), error.code()), (Kind::Internal, "internal"));
        }
        assert_eq!(pool.run(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn closing_finishes_the_queue_and_takes_no_more() {
        let pool = Pool::new(1, 64);
        let done = Arc::new(AtomicUsize::new(0));
        let (release, released) = mpsc::channel::<()>();
        let mut first = Box::pin(pool.run(move || released.recv().unwrap()));
        assert!(waits(&mut first).await);
        let mut counted = Vec::new();
        for _ in 0..20 {
            let done = Arc::clone(&done);
            let mut job = Box::pin(pool.run(move || done.fetch_add(1, Ordering::SeqCst)));
            assert!(waits(&mut job).await);
            counted.push(job);
        }
        release.send(()).unwrap();
        pool.close();
        assert_eq!(done.load(Ordering::SeqCst), 20);
        assert_eq!(pool.run(|| 1).await.unwrap_err().code(), "busy");
        for job in counted {
            assert!(job.await.unwrap() < 20);
        }
    }

    #[tokio::test]
    async fn a_short_job_runs_here_unless_there_is_a_crowd() {
        let pool = Pool::new(1, 4);
        let here = thread::current().id();
        let mut attended: Vec<Attended> = (0..FEW).map(|_| pool.attend()).collect();
        assert_eq!(pool.run_short(move || thread::current().id()).await.unwrap(), here);
        attended.push(pool.attend());
        assert_ne!(pool.run_short(move || thread::current().id()).await.unwrap(), here);
        attended.pop();
        assert_eq!(pool.run_short(move || thread::current().id()).await.unwrap(), here);
    }

    #[tokio::test]
    async fn a_short_job_is_refused_while_the_queue_is_full_and_its_panic_is_its_own() {
        let pool = Pool::new(1, 1);
        assert_eq!(pool.run_short(|| panic!("on purpose")).await.map(|()| 0).unwrap_err().code(), "internal");
        let (release, released) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel::<()>();
        let mut running = Box::pin(pool.run(move || {
            began.send(()).unwrap();
            released.recv().unwrap();
        }));
        assert!(waits(&mut running).await);
        begun.recv().unwrap();
        let mut waiting = Box::pin(pool.run(|| ()));
        assert!(waits(&mut waiting).await);
        assert_eq!(pool.run_short(|| 1).await.unwrap_err().code(), "busy");
        release.send(()).unwrap();
        waiting.await.unwrap();
        assert_eq!(pool.run_short(|| 1).await.unwrap(), 1);
        pool.close();
        assert_eq!(pool.run_short(|| 1).await.unwrap_err().code(), "busy");
    }

    #[test]
    fn dropping_the_last_clone_ends_the_threads() {
        let pool = Pool::new(3, 8);
        let workers = std::mem::take(&mut *lock(&pool.0.workers));
        assert_eq!(workers.len(), 3);
        drop(pool.clone());
        assert!(!lock(&pool.0.shared.state).closed);
        drop(pool);
        for worker in workers {
            worker.join().unwrap();
        }
    }

    #[tokio::test]
    async fn a_job_whose_caller_left_is_skipped() {
        let pool = Pool::new(1, 8);
        let (release, released) = mpsc::channel::<()>();
        let mut first = Box::pin(pool.run(move || released.recv().unwrap()));
        assert!(waits(&mut first).await);
        let ran = Arc::new(AtomicUsize::new(0));
        {
            let ran = Arc::clone(&ran);
            let mut left = Box::pin(pool.run(move || ran.fetch_add(1, Ordering::SeqCst)));
            assert!(waits(&mut left).await);
        }
        release.send(()).unwrap();
        first.await.unwrap();
        pool.run(|| ()).await.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_job_is_forgotten_under_a_storm() {
        let pool = Pool::new(3, 10_000);
        let tasks: Vec<_> = (0..8u64)
            .map(|t| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let mut sum = 0;
                    for n in 0..500u64 {
                        sum += pool.run(move || t * n).await.unwrap();
                    }
                    sum
                })
            })
            .collect();
        for (t, task) in (0u64..).zip(tasks) {
            assert_eq!(task.await.unwrap(), t * (499 * 500 / 2));
        }
    }
}
