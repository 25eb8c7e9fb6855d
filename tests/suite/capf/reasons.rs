//! The reasons that an administrator is shown, each by a phone that gives cause for it.

use std::time::Duration;

use signet::enrol::capf::Patience;

use super::phone::Phone;
use super::stage::Stage;

const STRING: &[&str] = &["--password", "4711"];

async fn waiting(stage: &Stage, number: usize, what: &str, profile: &str) -> Phone {
    let phone = stage.added(&format!("SEP{number:012X}"), profile).await;
    stage.operation(&phone, what, "string", Some("4711"), "p-256").await;
    phone
}

async fn stands(stage: &Stage, phone: &Phone, state: &str, reason: &str) {
    assert_eq!(stage.state(phone).await, (state.to_owned(), Some(reason.to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_profile_does_not_allow_any_more_is_rejected_by_the_ca() {
    let stage = Stage::open().await;
    stage.profile_with("changing", |lsc| format!("{lsc}\n")).await;
    let phone = waiting(&stage, 1, "install", "changing").await;
    stage.profile_with("changing", |lsc| lsc.replacen("\"p-256\", ", "", 1)).await;
    stage.comes(&phone, STRING).await.ends(7);
    stands(&stage, &phone, "failed", "ca-rejected-connection").await;
    assert_eq!(stage.live(&phone).await, Vec::<String>::new());
}

/// The profile is gone while the phone makes its key. Whoever takes a RetryLater is told so; another is sent away.
#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_cannot_answer_is_told_as_such_and_the_phone_comes_again() {
    let stage = Stage::open().await;
    for (number, models) in ["[]", "[\"88??\"]"].into_iter().enumerate() {
        let edit = |lsc: &str| lsc.replacen("retry_later = []", &format!("retry_later = {models}"), 1) + "\n";
        stage.profile_with("fleeting", edit).await;
        let phone = waiting(&stage, number, "install", "fleeting").await;
        let at_work = stage.waits(&phone, "key-asked", STRING).await;
        stage.no_profile("fleeting").await;
        let seen = at_work.goes_on().await;
        let last = if number == 0 { "EndSession" } else { "RetryLater" };
        assert_eq!(seen.received(), ["AuthRequest", "KeyGenerateRequest", last], "{}", seen.0);
        if number == 0 {
            seen.ends(0);
        }
        stands(&stage, &phone, "pending", "ca-communication-failure").await;
        stage.profile_with("fleeting", edit).await;
        stage.comes(&phone, STRING).await.ends(1);
        assert_eq!(stage.live(&phone).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_is_silent_where_it_should_answer_is_named_by_what_it_was_asked_for() {
    let short = Duration::from_secs(2);
    let stage = Stage::with(Patience { key: short, store: short, ..Patience::default() }).await;
    let phone = waiting(&stage, 1, "install", "capf-lsc").await;
    let slow = stage.waits(&phone, "key-asked", STRING).await;
    stage.until_reason(&phone, "key-generation-timeout").await;
    stands(&stage, &phone, "pending", "key-generation-timeout").await;
    let slow = slow.goes_on().await.fair();
    assert!(!slow.received().contains(&"StoreCertificateRequest"), "{}", slow.0);

    let key = phone.path("lsc.key");
    let flags = [STRING, &["--key", &key]].concat();
    let silent = stage.waits(&phone, "certificate", &flags).await;
    stage.until_reason(&phone, "user-initiated-request-timed-out").await;
    stands(&stage, &phone, "issued", "user-initiated-request-timed-out").await;
    silent.goes_on().await.outcome("closed");
    stage.comes(&phone, &flags).await.ends(1);
    assert_eq!(stage.state(&phone).await, ("installed".into(), None));

    for (number, what) in ["fetch", "delete"].into_iter().enumerate() {
        let phone = waiting(&stage, 10 + number, what, "capf-lsc").await;
        let silent = stage.waits(&phone, what, STRING).await;
        stage.until_reason(&phone, "user-initiated-request-timed-out").await;
        stands(&stage, &phone, "pending", "user-initiated-request-timed-out").await;
        silent.goes_on().await.outcome("closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_breaks_is_a_failure_of_communication() {
    let stage = Stage::open().await;
    for (number, (what, cut)) in
        [("install", "key-asked"), ("install", "certificate"), ("fetch", "fetch"), ("delete", "delete")]
            .into_iter()
            .enumerate()
    {
        let phone = waiting(&stage, number, what, "capf-lsc").await;
        stage.comes(&phone, &[STRING, &["--cut", cut]].concat()).await.outcome("cut").fair();
        stage.until_reason(&phone, "phone-communication-failure").await;
        let state = if cut == "certificate" { "issued" } else { "pending" };
        stands(&stage, &phone, state, "phone-communication-failure").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_has_no_certificate_to_show_has_no_valid_lsc() {
    let stage = Stage::open().await;
    let phone = waiting(&stage, 1, "fetch", "capf-lsc").await;
    let seen = stage.comes(&phone, STRING).await.ends(7);
    assert_eq!(seen.received(), ["AuthRequest", "FetchCertificateRequest", "EndSession"]);
    stands(&stage, &phone, "failed", "invalid-lsc").await;
}

/// "By existing certificate" names which comes first, and a phone without that one shows the other.
#[tokio::test(flavor = "multi_thread")]
async fn by_existing_certificate_a_phone_shows_the_one_that_it_has() {
    let stage = Stage::open().await;
    let phone = stage.phone(1).await;
    phone.manufacture(stage.factory(), &["mic"]);
    let by = |kind: &str| {
        let mut flags = phone.by(kind);
        flags.extend(["--no-password".to_owned()]);
        flags
    };
    let comes = async |flags: Vec<String>| {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        stage.comes(&phone, &flags).await.ends(1)
    };
    stage.operation(&phone, "install", "existing-lsc", None, "p-256").await;
    comes([by("mic"), phone.makes("lsc"), vec!["--mic".to_owned()]].concat()).await;
    stage.operation(&phone, "install", "existing-mic", None, "p-256").await;
    comes(by("lsc")).await;
    assert_eq!(stage.state(&phone).await, ("installed".into(), None));
    let device = stage.device(&phone).await;
    assert_eq!(device["mic"]["key"], "rsa-2048");
    assert_eq!(stage.live(&phone).await.len(), 2, "the one before lives on: it is superseded, not revoked");
}
