//! A bounded pool of threads for CPU work, so that signing never holds the reactor.

use crate::error::Result;

/// Threads, one per core, and a bounded queue. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pool {}

impl Pool {
    /// `threads` workers and room for `queue` waiting jobs.
    pub fn new(_threads: usize, _queue: usize) -> Self {
        todo!()
    }
    /// Runs `job` on a worker. Errors: `busy` at once if the queue is full; `internal` if the job panicked.
    pub async fn run<T: Send + 'static>(&self, _job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        todo!()
    }
}
