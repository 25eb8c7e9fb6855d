//! The pool under load, panics and closing.

use std::sync::mpsc;

use super::*;
use crate::error::Kind;

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
    std::future::poll_fn(|cx| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending()))
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
    assert!(pool.0.shared.admit().is_ok());
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
