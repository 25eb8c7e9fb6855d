//! Senders that keep a connection and say almost nothing, over TLS from outside.

use std::time::Duration;

use signet::enrol::capf::Patience;

use super::phone::Phone;
use super::stage::Stage;

const STRING: &[&str] = &["--password", "4711"];

/// A server that waits three seconds for who is there, and a phone with an operation.
async fn impatient() -> (Stage, Phone) {
    let stage = Stage::with(Patience { auth: Duration::from_secs(3), ..Patience::default() }).await;
    let phone = stage.phone(1).await;
    stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
    (stage, phone)
}

/// The next visit is as if nothing had been.
async fn unharmed(stage: &Stage, phone: &Phone) {
    assert_eq!(stage.state(phone).await, ("pending".into(), None));
    stage.comes(phone, STRING).await.ends(1);
    assert_eq!(stage.live(phone).await.len(), 1);
}

/// CAPF-05: each octet comes in time, the message does not: it would take a minute.
#[tokio::test(flavor = "multi_thread")]
async fn capf_05_a_message_that_comes_octet_by_octet_is_not_waited_for() {
    let (stage, phone) = impatient().await;
    let seen = stage.comes(&phone, &[STRING, &["--chunk", "1", "--pause", "1"]].concat()).await;
    let seen = seen.outcome("closed").fair();
    assert_eq!(seen.received(), ["AuthRequest"]);
    unharmed(&stage, &phone).await;
}

/// CAPF-06: what is announced and fits is waited for as long as a message; what does not fit is refused by its header.
#[tokio::test(flavor = "multi_thread")]
async fn capf_06_a_body_that_is_announced_and_never_comes_is_not_waited_for() {
    let (stage, phone) = impatient().await;
    for length in ["4000", "0001"] {
        let header = format!("auth.frame=5502{{s}}{length}");
        let seen = stage.comes(&phone, &[STRING, &["--alter", &header]].concat()).await;
        assert_eq!(seen.outcome("closed").fair().received(), ["AuthRequest"], "{length}");
    }
    for length in ["4001", "ffff"] {
        let header = format!("auth.frame=5502{{s}}{length}");
        let seen = stage.comes(&phone, &[STRING, &["--alter", &header]].concat()).await.ends(7);
        assert_eq!(seen.received(), ["AuthRequest", "EndSession"], "{length}");
    }
    unharmed(&stage, &phone).await;
}
