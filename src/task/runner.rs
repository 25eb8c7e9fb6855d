//! Takes what is due, runs it, and records how it ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::handlers::{Handlers, Leased, Outcome};
use super::{Retry, State, TaskRecord};
use crate::audit::{Actor, Event, Outcome as Ended};
use crate::clock::{Clock, Stopwatch, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::store::{CommitError, Db, Record, Scan, Stored, Unit};

/// So many tasks run at once.
const AT_ONCE: usize = 8;
/// The longest an attempt may take; its lease ends after it.
const LONGEST: Duration = Duration::from_mins(15);
const LEASE: Duration = Duration::from_mins(20);
/// How long to wait when nothing is known to be due (a clock may be set), and after the store failed.
const ROUND: Duration = Duration::from_secs(60);
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How long the end waits for what is running; what takes longer is taken up by the next start.
const LAST: Duration = Duration::from_secs(30);
/// The longest text that is kept of an attempt, in characters.
const LONGEST_TEXT: usize = 1000;

/// Runs tasks. One for each process.
pub struct Runner {
    db: Db,
    clock: Clock,
    handlers: Handlers,
}

impl Runner {
    /// A runner that does what `handlers` can do.
    pub fn new(db: Db, clock: Clock, handlers: Handlers) -> Arc<Self> {
        Arc::new(Self { db, clock, handlers })
    }

    /// Puts back what an earlier process of this store had taken and did not finish. Only for the process that has
    /// the store to itself, before it runs anything. Returns how many.
    pub async fn take_over(&self) -> Result<usize> {
        let scan = Scan::all::<TaskRecord>(TaskRecord::BY_STATE).prefix(vec![RUNNING]);
        let left: Vec<Stored<TaskRecord>> = self.db.all(scan).await?;
        let mut unit = Unit::new();
        for Stored { value, revision } in &left {
            let said = Some("the server stopped while it ran".to_owned());
            let now = self.clock.now();
            // It may be what stopped the server: it rests as after a failure.
            let due = now.plus(self.retry(value).wait(value.attempts));
            unit.replace(
                &TaskRecord { state: State::Waiting, due, said, changed: now, ..value.clone() },
                *revision,
            )?;
        }
        if !left.is_empty() {
            self.db.commit(unit).await?;
        }
        Ok(left.len())
    }

    /// Runs everything that is due now, and what becomes due meanwhile, to its end. Errors: `storage`.
    pub async fn run_due(self: &Arc<Self>) -> Result<()> {
        let mut running = JoinSet::new();
        loop {
            self.start_due(&mut running).await?;
            if running.join_next().await.is_none() {
                return Ok(());
            }
        }
    }

    /// Runs what comes due, when it comes due, until `stop` is done.
    pub async fn serve(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let mut changed = self.db.raw().changed(TaskRecord::KIND);
        let mut running = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let wait = self.round(&mut running).await;
            tokio::select! {
                () = &mut stop => break,
                () = self.clock.sleep(wait) => {}
                Some(_) = running.join_next(), if !running.is_empty() => {}
                hint = changed.changed() => if hint.is_err() { self.clock.sleep(wait).await },
            }
        }
        let _ = timeout(LAST, async { while running.join_next().await.is_some() {} }).await;
    }

    /// Starts what is due; returns how long nothing else will be.
    async fn round(self: &Arc<Self>, running: &mut JoinSet<()>) -> Duration {
        match self.start_due(running).await {
            Ok(next) => next.map_or(ROUND, |at| at.since(self.clock.now()).min(ROUND)),
            Err(error) => {
                tracing::warn!(%error, "scheduled work could not be read");
                AFTER_FAILURE
            }
        }
    }

    /// Takes and starts what is due, as far as there is room. Returns when the next task is due; none if there is none
    /// or no room: then the end of one that runs is waited for.
    async fn start_due(self: &Arc<Self>, running: &mut JoinSet<()>) -> Result<Option<Timestamp>> {
        while running.try_join_next().is_some() {}
        while running.len() < AT_ONCE {
            let Some(first) = self.first().await? else { return Ok(None) };
            let overdue = self.clock.now().since(first.value.due);
            metrics::gauge!("signet_task_overdue_seconds").set(overdue.as_secs_f64());
            if first.value.due > self.clock.now() {
                return Ok(Some(first.value.due));
            }
            if let Some(leased) = self.take(first).await? {
                let runner = self.clone();
                running.spawn(async move { runner.attempt(leased).await });
            }
        }
        Ok(None)
    }

    /// The task that waits and is due first.
    async fn first(&self) -> Result<Option<Stored<TaskRecord>>> {
        let scan = Scan::all::<TaskRecord>(TaskRecord::BY_STATE).limit(1);
        // One whose lease has ended comes before one that waits.
        let ended = scan.clone().range(vec![RUNNING], Some(until(RUNNING, self.clock.now())));
        let mut page = self.db.scan(ended).await?;
        if page.items.is_empty() {
            page = self.db.scan(scan.prefix(vec![WAITING])).await?;
        }
        Ok(page.items.into_iter().next())
    }

    /// Takes a task; none if it changed meanwhile.
    async fn take(&self, Stored { value, revision }: Stored<TaskRecord>) -> Result<Option<Leased>> {
        let now = self.clock.now();
        if value.attempts >= self.retry(&value).attempts {
            return self.give_up(Stored { value, revision }).await;
        }
        let task = TaskRecord {
            attempts: value.attempts.saturating_add(1),
            epoch: value.epoch.saturating_add(1),
            state: State::Running { until: now.plus(LEASE) },
            changed: now,
            ..value
        };
        let mut unit = Unit::new();
        unit.replace(&task, revision)?;
        match self.db.commit(unit).await {
            Ok(_) => Ok(Some(Leased { task, revision: revision.saturating_add(1) })),
            Err(CommitError::Refused { .. }) => Ok(None),
            Err(CommitError::Failed(error)) => Err(error),
        }
    }

    /// Gives up a task whose attempts all broke off without an end.
    async fn give_up(&self, Stored { value, revision }: Stored<TaskRecord>) -> Result<Option<Leased>> {
        let said =
            Some("given up: every attempt broke off, the last with the server or its lease".to_owned());
        let task = TaskRecord { state: State::Failed, said, changed: self.clock.now(), ..value };
        let mut unit = Unit::new();
        unit.replace(&task, revision)?;
        unit.event(failure(&task));
        match self.db.commit(unit).await {
            Ok(_) | Err(CommitError::Refused { .. }) => Ok(None),
            Err(CommitError::Failed(error)) => Err(error),
        }
    }

    fn retry(&self, task: &TaskRecord) -> Retry {
        self.handlers.of(&task.kind).map_or_else(Retry::default, |handler| handler.retry)
    }

    /// One attempt, and its record. An end that cannot be recorded is an attempt that broke off.
    async fn attempt(&self, leased: Leased) {
        let (watch, kind) = (Stopwatch::start(), self.handlers.label(&leased.task.kind));
        let outcome = self.run(&leased).await;
        let result = match &outcome {
            Ok(Outcome::Done(_)) => "done",
            Ok(Outcome::Later(..)) => "later",
            Ok(Outcome::GiveUp(_)) | Err(_) => "failed",
        };
        metrics::counter!("signet_task_attempts_total", "kind" => kind, "result" => result).increment(1);
        metrics::histogram!("signet_task_seconds", "kind" => kind).record(watch.elapsed().as_secs_f64());
        let (id, subject) = (leased.task.id, leased.task.subject.clone());
        if let Err(error) = &outcome {
            tracing::warn!(%id, kind, subject, %error, code = error.code(), "a task failed");
        }
        match self.record(leased, outcome).await {
            Ok(()) => {}
            Err(CommitError::Refused { .. }) => {
                tracing::info!(%id, kind, subject, "a task was changed while it ran; its end is not recorded");
            }
            Err(CommitError::Failed(error)) => {
                tracing::error!(%id, kind, subject, %error, "the end of a task could not be recorded");
            }
        }
    }

    async fn run(&self, leased: &Leased) -> Result<Outcome> {
        let Some(handler) = self.handlers.of(&leased.task.kind) else {
            return Ok(Outcome::GiveUp("this program does no work of this kind".to_owned()));
        };
        let mut attempt = tokio::spawn((handler.run)(leased.clone()));
        match timeout(LONGEST, &mut attempt).await {
            Ok(ended) => ended.unwrap_or_else(|e| Err(Error::internal("a task broke off").because(e))),
            Err(_elapsed) => {
                attempt.abort();
                Err(Error::new(Kind::Unreachable, "task-timeout", "it took longer than 15 minutes"))
            }
        }
    }

    async fn record(&self, leased: Leased, outcome: Result<Outcome>) -> Result<(), CommitError> {
        let retry = self.retry(&leased.task);
        let Leased { task, revision } = leased;
        let ended = ended(task, outcome, retry, self.clock.now());
        let mut unit = Unit::new();
        unit.replace(&ended, revision).map_err(CommitError::Failed)?;
        if ended.state == State::Failed {
            unit.event(failure(&ended));
        }
        self.db.commit(unit).await.map(drop)
    }
}

const WAITING: u8 = 0;
const RUNNING: u8 = 1;

/// The end of a range in [`TaskRecord::BY_STATE`]: `state`, before or at `now`.
fn until(state: u8, now: Timestamp) -> Vec<u8> {
    let mut end = vec![state];
    end.extend(now.plus(Duration::from_millis(1)).sort_key());
    end
}

/// The task as it stands after an attempt.
fn ended(task: TaskRecord, outcome: Result<Outcome>, retry: Retry, now: Timestamp) -> TaskRecord {
    let (state, due, attempts, said) = match outcome {
        Ok(Outcome::Done(said)) => (State::Done, task.due, task.attempts, said),
        Ok(Outcome::GiveUp(said)) => (State::Failed, task.due, task.attempts, said),
        Ok(Outcome::Later(at, said)) => {
            let soonest = now.plus(Duration::from_secs(1));
            // It went well as far as it went: what failed before is behind it.
            (State::Waiting, at.max(soonest), 0, said)
        }
        Err(error) if task.attempts >= retry.attempts => {
            (State::Failed, task.due, task.attempts, told(&error))
        }
        Err(error) => (State::Waiting, now.plus(retry.wait(task.attempts)), task.attempts, told(&error)),
    };
    let said = Some(said.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect());
    TaskRecord { state, due, attempts, said, changed: now, ..task }
}

/// What operators may read of an error: faults of ours go to the log.
fn told(error: &Error) -> String {
    match error.kind() {
        Kind::Internal | Kind::Storage => "a fault of the service; its log says more".to_owned(),
        Kind::Malformed
        | Kind::Invalid
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Throttled
        | Kind::TooLarge
        | Kind::Busy
        | Kind::Unreachable => error.detail().to_owned(),
    }
}

fn failure(task: &TaskRecord) -> Event {
    Event::new(task.changed, Actor::System, "task.fail", format!("task:{}", task.id))
        .outcome(Ended::Warning)
        .with("kind", &task.kind)
        .with("about", &task.subject)
        .with("attempts", task.attempts)
        .with("reason", task.said.as_deref().unwrap_or_default())
}
