//! Scheduled work: done once, at its time, also when the process ends in between; tried again, given up, and seen.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use signet::audit::{Actor, Outcome as Ended};
use signet::clock::{Clock, Timestamp};
use signet::error::{Error, Kind};
use signet::id::RecordId;
use signet::random::Random;
use signet::storage::{self, EngineKind};
use signet::store::{AuditFilter, CommitError, Db, PRIMARY, Scan, Unit};
use signet::task::{self, Handlers, NewTask, Outcome, Retry, Runner, State, TaskRecord};

const KIND: &str = "test.work";
const ENGINES: &[EngineKind] = &[
    EngineKind::Redb,
    #[cfg(feature = "sled")]
    EngineKind::Sled,
];

/// A store with a clock of its own.
struct House {
    dir: tempfile::TempDir,
    engine: EngineKind,
    db: Db,
    clock: Clock,
    random: Random,
}

impl House {
    fn new(engine: EngineKind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::new(storage::create(dir.path(), engine).unwrap());
        let clock = Clock::manual(Timestamp::parse("2026-11-22T01:26:00Z").unwrap());
        Self { dir, engine, db, clock, random: Random::system() }
    }

    fn redb() -> Self {
        Self::new(EngineKind::Redb)
    }

    /// Closes the store and opens it again, as the next process does.
    async fn restarted(self) -> Self {
        self.db.raw().close().await.unwrap();
        let Self { dir, engine, db, clock, random } = self;
        drop(db);
        // sled's own threads may hold its lock a moment longer.
        for _ in 0..1000 {
            match storage::open(dir.path(), Some(engine)) {
                Ok(store) => return Self { dir, engine, db: Db::new(store), clock, random },
                Err(e) if e.code() == "store-locked" => std::thread::sleep(Duration::from_millis(10)),
                Err(e) => panic!("{e}"),
            }
        }
        panic!("the store stays locked");
    }

    fn new_task(&self, key: &str, after: Duration) -> NewTask {
        NewTask {
            kind: KIND,
            key: key.to_owned(),
            subject: format!("thing:{key}"),
            body: key.as_bytes().to_vec(),
            due: self.clock.now().plus(after),
        }
    }

    async fn schedule(&self, key: &str, after: Duration) -> Result<RecordId, CommitError> {
        let mut unit = Unit::new();
        let new = self.new_task(key, after);
        let (id, place) = task::schedule(&mut unit, new, self.clock.now(), &self.random).unwrap();
        assert_eq!(place, 0);
        self.db.commit(unit).await.map(|_| id)
    }

    fn runner(&self, handlers: Handlers) -> Arc<Runner> {
        Runner::new(self.db.clone(), self.clock.clone(), handlers)
    }

    async fn task(&self, id: RecordId) -> TaskRecord {
        self.db.require::<TaskRecord>(id.as_bytes(), id).await.unwrap().value
    }

    async fn failures(&self) -> Vec<signet::audit::Event> {
        let filter = AuditFilter { action: Some("task.fail".into()), limit: 10, ..AuditFilter::default() };
        self.db.raw().audit(filter).await.unwrap().into_iter().map(|entry| entry.event).collect()
    }
}

/// Which tasks were run, by key, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn handlers(&self) -> Handlers {
        let log = self.0.clone();
        Handlers::default().on(KIND, Retry::default(), move |leased| {
            let log = log.clone();
            async move {
                tokio::task::yield_now().await;
                log.lock().unwrap().push(leased.task.key);
                Ok(Outcome::Done("worked".to_owned()))
            }
        })
    }

    fn sorted(&self) -> Vec<String> {
        let mut ran = self.0.lock().unwrap().clone();
        ran.sort();
        ran
    }
}

fn failing(retry: Retry) -> Handlers {
    Handlers::default()
        .on(KIND, retry, async |_| Err(Error::new(Kind::Unreachable, "no-answer", "nobody answers")))
}

#[tokio::test]
async fn work_is_done_at_its_time_also_after_a_restart_and_once() {
    for engine in ENGINES {
        let house = House::new(*engine);
        let now = house.schedule("a", Duration::ZERO).await.unwrap();
        house.schedule("b", Duration::ZERO).await.unwrap();
        let later = house.schedule("c", Duration::from_hours(24)).await.unwrap();
        let house = house.restarted().await;
        let log = Log::default();
        let runner = house.runner(log.handlers());
        runner.take_over().await.unwrap();
        runner.run_due().await.unwrap();
        runner.run_due().await.unwrap();
        assert_eq!(log.sorted(), ["a", "b"], "{engine:?}");
        let done = house.task(now).await;
        assert_eq!((done.state, done.said.as_deref(), done.attempts), (State::Done, Some("worked"), 1));
        assert_eq!(house.task(later).await.state, State::Waiting);

        house.clock.advance(Duration::from_hours(24));
        let house = house.restarted().await;
        house.runner(log.handlers()).run_due().await.unwrap();
        assert_eq!(log.sorted(), ["a", "b", "c"], "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_due_at_once_are_run_once_each_by_two_runners() {
    for engine in ENGINES {
        let house = House::new(*engine);
        let mut keys: Vec<String> = (0..40).map(|n| format!("{n:02}")).collect();
        for key in &keys {
            house.schedule(key, Duration::ZERO).await.unwrap();
        }
        let log = Log::default();
        let (one, other) = (house.runner(log.handlers()), house.runner(log.handlers()));
        let (first, second) = tokio::join!(one.run_due(), other.run_due());
        first.and(second).unwrap();
        keys.sort();
        assert_eq!(log.sorted(), keys, "{engine:?}");
    }
}

#[tokio::test]
async fn what_broke_off_is_run_again_by_the_next_process_or_when_its_lease_ends() {
    for engine in ENGINES {
        let house = House::new(*engine);
        let id = house.schedule("a", Duration::ZERO).await.unwrap();
        let stuck = house.runner(Handlers::default().on(KIND, Retry::default(), async |_| {
            std::future::pending::<()>().await;
            Ok(Outcome::Done(String::new()))
        }));
        // As a process that ends while a task runs: it took it, and recorded no end.
        let broken_off = tokio::time::timeout(Duration::from_millis(200), stuck.run_due()).await;
        assert!(broken_off.is_err());
        assert!(matches!(house.task(id).await.state, State::Running { .. }));
        drop(stuck);

        let log = Log::default();
        house.runner(log.handlers()).run_due().await.unwrap();
        assert!(log.sorted().is_empty(), "taken while another may be at it");
        let runner = house.runner(log.handlers());
        if *engine == EngineKind::Redb {
            assert_eq!(runner.take_over().await.unwrap(), 1);
            // It may be what ended the process: it rests first, as after a failure.
            house.clock.advance(Duration::from_secs(30));
        } else {
            house.clock.advance(Duration::from_mins(21));
        }
        runner.run_due().await.unwrap();
        assert_eq!(log.sorted(), ["a"]);
        let done = house.task(id).await;
        assert_eq!((done.state, done.attempts, done.epoch), (State::Done, 2, 2));
    }
}

#[tokio::test]
async fn what_breaks_off_each_time_is_given_up() {
    let house = House::redb();
    let id = house.schedule("a", Duration::ZERO).await.unwrap();
    let retry = Retry { attempts: 2, first: Duration::from_secs(30), longest: Duration::from_secs(60) };
    let ends_the_process = house.runner(Handlers::default().on(KIND, retry, async |_| {
        std::future::pending::<()>().await;
        Ok(Outcome::Done(String::new()))
    }));
    for attempt in [1, 2] {
        let broken_off = tokio::time::timeout(Duration::from_millis(200), ends_the_process.run_due()).await;
        assert!(broken_off.is_err());
        assert_eq!(house.task(id).await.attempts, attempt);
        assert_eq!(ends_the_process.take_over().await.unwrap(), 1);
        house.clock.advance(Duration::from_secs(60));
    }
    ends_the_process.run_due().await.unwrap();
    assert_eq!(house.task(id).await.state, State::Failed);
    assert_eq!(house.failures().await.len(), 1);
}

#[tokio::test]
async fn a_failure_is_tried_again_ever_later_then_given_up_and_seen() {
    let house = House::redb();
    let id = house.schedule("a", Duration::ZERO).await.unwrap();
    let retry = Retry { attempts: 4, first: Duration::from_secs(30), longest: Duration::from_secs(60) };
    let runner = house.runner(failing(retry));
    for (attempt, wait) in [(1, 30), (2, 60), (3, 60)] {
        runner.run_due().await.unwrap();
        let task = house.task(id).await;
        assert_eq!((task.state, task.attempts), (State::Waiting, attempt));
        assert_eq!(task.due.since(house.clock.now()).as_secs(), wait);
        assert_eq!(task.said.as_deref(), Some("nobody answers"));
        house.clock.advance(Duration::from_secs(wait));
    }
    assert!(house.failures().await.is_empty());
    runner.run_due().await.unwrap();
    assert_eq!(house.task(id).await.state, State::Failed);
    let failures = house.failures().await;
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].outcome, Ended::Warning);
    assert_eq!(failures[0].details["reason"], "nobody answers");
    assert_eq!(failures[0].details["about"], "thing:a");

    let again = task::run_now(&house.db, house.clock.now(), id, Actor::System).await.unwrap();
    assert_eq!((again.state, again.attempts), (State::Waiting, 0));
    house.runner(Log::default().handlers()).run_due().await.unwrap();
    assert_eq!(house.task(id).await.state, State::Done);
    let refused = task::run_now(&house.db, house.clock.now(), id, Actor::System).await.unwrap_err();
    assert_eq!(refused.code(), "state-conflict");
}

#[tokio::test]
async fn a_fault_of_ours_a_panic_and_an_unknown_kind_are_told_without_internals() {
    let house = House::redb();
    let ids = [
        house.schedule("internal", Duration::ZERO).await.unwrap(),
        house.schedule("panic", Duration::ZERO).await.unwrap(),
    ];
    let once = Retry { attempts: 1, ..Retry::default() };
    let handlers = Handlers::default().on(KIND, once, async |leased| {
        assert!(leased.task.key != "panic", "at src/secret.rs");
        Err(Error::internal("key 0x1234"))
    });
    house.runner(handlers).run_due().await.unwrap();
    for id in ids {
        let task = house.task(id).await;
        assert_eq!(task.state, State::Failed);
        assert_eq!(task.said.as_deref(), Some("a fault of the service; its log says more"));
    }
    let unknown = house.schedule("unknown", Duration::ZERO).await.unwrap();
    house.runner(Handlers::default()).run_due().await.unwrap();
    let task = house.task(unknown).await;
    assert_eq!(task.state, State::Failed);
    assert_eq!(task.said.as_deref(), Some("this program does no work of this kind"));
}

#[tokio::test]
async fn later_is_no_attempt() {
    let house = House::redb();
    let id = house.schedule("a", Duration::ZERO).await.unwrap();
    let at = house.clock.now().plus(Duration::from_hours(1));
    let handlers = Handlers::default().on(KIND, Retry::default(), move |_| async move {
        Ok(Outcome::Later(at, "the key is away".to_owned()))
    });
    house.runner(handlers).run_due().await.unwrap();
    let task = house.task(id).await;
    assert_eq!((task.state, task.attempts, task.due), (State::Waiting, 0, at));
    assert_eq!(task.said.as_deref(), Some("the key is away"));
}

#[tokio::test]
async fn of_a_kind_and_key_one_task_waits_or_runs() {
    for engine in ENGINES {
        let house = House::new(*engine);
        let first = house.schedule("a", Duration::from_hours(1)).await.unwrap();
        assert!(matches!(
            house.schedule("a", Duration::ZERO).await,
            Err(CommitError::Refused { item: 0, standing: Some(_) })
        ));
        let mut unit = Unit::new();
        let new = house.new_task("a", Duration::ZERO);
        let now = house.clock.now();
        let same = task::reschedule(&mut unit, &house.db, new, now, &house.random).await.unwrap();
        house.db.commit(unit).await.unwrap();
        assert_eq!((same, house.task(first).await.due), (first, now));
        let log = Log::default();
        house.runner(log.handlers()).run_due().await.unwrap();
        assert_eq!(log.sorted(), ["a"]);
        house.clock.advance(Duration::from_millis(1));
        house.schedule("a", Duration::ZERO).await.unwrap();
        assert_eq!(house.db.all::<TaskRecord>(Scan::all::<TaskRecord>(PRIMARY)).await.unwrap().len(), 2);

        let mut unit = Unit::new();
        let gone = task::withdraw(&mut unit, &house.db, (KIND, "a"), "not needed", now).await.unwrap();
        house.db.commit(unit).await.unwrap();
        assert!(gone);
        house.runner(log.handlers()).run_due().await.unwrap();
        assert_eq!(log.sorted(), ["a"], "{engine:?}: run although withdrawn");
        let mut unit = Unit::new();
        assert!(!task::withdraw(&mut unit, &house.db, (KIND, "a"), "", now).await.unwrap());
    }
}

#[tokio::test]
async fn work_that_was_replaced_while_it_ran_commits_nothing_and_is_run_anew() {
    let house = House::redb();
    let id = house.schedule("a", Duration::ZERO).await.unwrap();
    let (runs, applied) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (db, clock, random) = (house.db.clone(), house.clock.clone(), house.random.clone());
    let (seen, done) = (runs.clone(), applied.clone());
    let handlers = Handlers::default().on(KIND, Retry::default(), move |leased| {
        let (db, clock, random) = (db.clone(), clock.clone(), random.clone());
        let (runs, applied) = (seen.clone(), done.clone());
        async move {
            if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                let now = clock.now();
                let due = now.plus(Duration::from_hours(1));
                let subject = "thing:a".to_owned();
                let new = NewTask { kind: KIND, key: "a".to_owned(), subject, body: b"new".to_vec(), due };
                let mut unit = Unit::new();
                task::reschedule(&mut unit, &db, new, now, &random).await?;
                db.commit(unit).await?;
            }
            let mut unit = Unit::new();
            leased.hold(&mut unit);
            db.commit(unit).await?;
            applied.fetch_add(1, Ordering::SeqCst);
            Ok(Outcome::Done(String::new()))
        }
    });
    let runner = house.runner(handlers);
    runner.run_due().await.unwrap();
    let task = house.task(id).await;
    assert_eq!((task.state, task.attempts, task.body.as_slice()), (State::Waiting, 0, &b"new"[..]));
    assert_eq!(applied.load(Ordering::SeqCst), 0);
    house.clock.advance(Duration::from_hours(1));
    runner.run_due().await.unwrap();
    assert_eq!((runs.load(Ordering::SeqCst), applied.load(Ordering::SeqCst)), (2, 1));
    assert_eq!(house.task(id).await.state, State::Done);
}

#[tokio::test]
async fn what_ended_is_swept_after_a_while_and_what_waits_never() {
    let house = House::redb();
    house.schedule("done", Duration::ZERO).await.unwrap();
    house.runner(Log::default().handlers()).run_due().await.unwrap();
    house.schedule("failed", Duration::ZERO).await.unwrap();
    house.runner(Handlers::default()).run_due().await.unwrap();
    house.schedule("waits", Duration::from_hours(24 * 365)).await.unwrap();
    let days = |n: u64| Duration::from_hours(24 * n);
    let left = async |after| {
        house.clock.advance(after);
        task::sweep(&house.db, house.clock.now(), 2).await.unwrap();
        let all = house.db.all::<TaskRecord>(Scan::all::<TaskRecord>(PRIMARY)).await.unwrap();
        let mut keys: Vec<String> = all.into_iter().map(|stored| stored.value.key).collect();
        keys.sort();
        keys
    };
    assert_eq!(left(days(13)).await, ["done", "failed", "waits"]);
    assert_eq!(left(days(2)).await, ["failed", "waits"]);
    assert_eq!(left(days(76)).await, ["waits"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serving_runner_is_woken_by_what_is_scheduled_and_by_time() {
    let house = House { clock: Clock::system(), ..House::redb() };
    let log = Log::default();
    let runner = house.runner(log.handlers());
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let serving = tokio::spawn(runner.serve(async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    }));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let now = house.schedule("now", Duration::ZERO).await.unwrap();
    let soon = house.schedule("soon", Duration::from_millis(300)).await.unwrap();
    let all_done = async {
        while house.task(now).await.state != State::Done || house.task(soon).await.state != State::Done {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // A runner that only looks each minute is not woken.
    tokio::time::timeout(Duration::from_secs(30), all_done).await.unwrap();
    stop.send(true).unwrap();
    serving.await.unwrap();
    assert_eq!(log.sorted(), ["now", "soon"]);
}
