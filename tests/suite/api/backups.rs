//! `POST /backups`: who may, one at a time, and an answer that breaks off.

use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use signet::admin::api::backups::BackupMade;
use signet::admin::{self, Backups};
use signet::error::{Error, Result};
use tower::ServiceExt;

use super::fixture::{Api, bearer};

/// Writes a piece, says so, and goes on when it is told to, or fails.
struct Staged {
    begun: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<bool>>,
}

impl Backups for Staged {
    fn write(&self, out: &mut dyn Write) -> Result<BackupMade> {
        out.write_all(&[1; 300_000]).unwrap();
        self.begun.lock().unwrap().send(()).unwrap();
        if self.go_on.lock().unwrap().recv().unwrap() {
            out.write_all(&[2; 10]).unwrap();
            return Ok(BackupMade { records: 5, audit_entries: 7 });
        }
        Err(Error::storage("the disk is gone"))
    }
}

/// An API with such backups: its router, and the two ends.
async fn staged() -> (Api, axum::Router, Receiver<()>, Sender<bool>) {
    let api = Api::new().await;
    let (begun, has_begun) = channel();
    let (go, go_on) = channel();
    let staged = Staged { begun: Mutex::new(begun), go_on: Mutex::new(go_on) };
    let router = admin::router(Arc::new(api.again().with_backups(Arc::new(staged))));
    (api, router, has_begun, go)
}

fn post(token: &str) -> Request<Body> {
    let request = Request::builder().method(Method::POST).uri("/api/v1/backups");
    request.header("authorization", bearer(token)).body(Body::empty()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_at_a_time_and_by_those_who_may() {
    let (api, router, begun, go) = staged().await;
    let operator = api.token("night shift", "operator").await;
    assert_eq!(router.clone().oneshot(post(&operator)).await.unwrap().status(), 403);
    let first = router.clone().oneshot(post(&api.admin)).await.unwrap();
    assert_eq!(first.status(), 200);
    assert_eq!(first.headers()["content-type"], "application/octet-stream");
    begun.recv().unwrap();
    let second = router.clone().oneshot(post(&api.admin)).await.unwrap();
    assert_eq!(second.status(), 409);
    let problem = second.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&problem).contains("\"code\":\"backup-running\""));
    go.send(true).unwrap();
    let body = first.into_body().collect().await.unwrap().to_bytes();
    assert_eq!((body.len(), body.last()), (300_010, Some(&2)));
    let ended = ended(&api).await;
    assert!(
        ended.contains("\"done\"") && ended.contains("300010") && ended.contains("\"records\":\"5\""),
        "{ended}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_breaks_off_and_is_recorded() {
    let (api, router, begun, go) = staged().await;
    let answer = router.clone().oneshot(post(&api.admin)).await.unwrap();
    assert_eq!(answer.status(), 200);
    begun.recv().unwrap();
    go.send(false).unwrap();
    assert!(answer.into_body().collect().await.is_err(), "it has an end");
    let ended = ended(&api).await;
    assert!(ended.contains("\"warning\"") && ended.contains("\"code\":\"storage\""), "{ended}");
}

/// The event of its end, which is written after the answer was.
async fn ended(api: &Api) -> String {
    let start = std::time::Instant::now();
    loop {
        let found = api.get("/api/v1/audit?action=backup.end").await;
        if found.text().contains("backup.end") {
            return found.text().to_owned();
        }
        assert!(start.elapsed().as_secs() < 30, "no end is recorded");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
