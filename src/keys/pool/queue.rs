//! The bounded queue of jobs, and the workers' sleep.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Kind, Result};

/// A job as the workers run it.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// What the workers share.
pub(super) struct Shared {
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
    /// With room for `room` waiting jobs.
    pub(super) fn new(room: usize) -> Self {
        Self { room, state: Mutex::default(), work: Condvar::new() }
    }

    /// How many jobs may wait.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Takes a job. Errors: as [`Shared::admit`].
    pub(super) fn push(&self, job: Job) -> Result<()> {
        let mut state = lock(&self.state);
        self.has_room(&state)?;
        state.jobs.push_back(job);
        let wake = state.idle > 0;
        state.idle -= usize::from(wake);
        drop(state);
        if wake {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Errors: `busy` while a job would not be taken.
    pub(super) fn admit(&self) -> Result<()> {
        self.has_room(&lock(&self.state))
    }

    fn has_room(&self, state: &State) -> Result<()> {
        if state.closed || state.jobs.len() >= self.room {
            return Err(Error::new(Kind::Busy, "busy", "the signing threads have no room for another job"));
        }
        Ok(())
    }

    /// The next job, waiting for one; none when the pool is closed and its queue empty.
    pub(super) fn next(&self) -> Option<Job> {
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

    /// No new job is taken from here on.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.work.notify_all();
    }
}

/// The guard, also of a lock that a panic left behind.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
