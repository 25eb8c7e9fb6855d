//! Every refusal: what the phone hears, and what the inventory says of it.

use std::time::Duration;

use super::phone::{Phone, Seen};
use super::stage::Stage;

const STRING: &[&str] = &["--password", "4711"];

/// A phone for which an installation by string is pending.
async fn waiting(stage: &Stage, number: usize, key: &str) -> Phone {
    let phone = stage.phone(number).await;
    stage.operation(&phone, "install", "string", Some("4711"), key).await;
    phone
}

/// Refused before any key was asked for, with this reason in the inventory; the operation can still be done.
async fn refused_and_pending(stage: &Stage, phone: &Phone, flags: &[&str], reason: &str) -> Seen {
    let seen = stage.comes(phone, flags).await.ends(7);
    assert_eq!(seen.received(), ["AuthRequest", "EndSession"], "{flags:?}");
    assert_eq!(stage.state(phone).await, ("pending".into(), Some(reason.into())), "{flags:?}");
    assert_eq!(stage.live(phone).await, Vec::<String>::new());
    seen
}

/// CAPF-26, -27, -29, -35, -37.
#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_proof_is_refused_and_named() {
    let stage = Stage::open().await;
    let phone = waiting(&stage, 1, "p-256").await;
    let invalid = "invalid-authentication-string";
    refused_and_pending(&stage, &phone, &["--password", "4712"], invalid).await;
    refused_and_pending(&stage, &phone, &[], "invalid-credentials").await;
    refused_and_pending(&stage, &phone, &["--no-password"], "invalid-credentials").await;
    phone.manufacture(stage.factory(), &["mic"]);
    let (by, more) = (phone.by("mic"), ["--mic".to_owned(), "--no-password".to_owned()]);
    let mic: Vec<&str> = by.iter().chain(&more).map(String::as_str).collect();
    refused_and_pending(&stage, &phone, &mic, "invalid-credentials").await;
    stage.comes(&phone, STRING).await.ends(1);

    // The other way round: a password alone where a certificate is wanted.
    stage.operation(&phone, "install", "existing-mic", None, "p-256").await;
    let seen = stage.comes(&phone, STRING).await.ends(7);
    assert_eq!(seen.received(), ["AuthRequest", "EndSession"]);
    assert_eq!(stage.state(&phone).await, ("pending".into(), Some("invalid-credentials".into())));

    let unknown = Phone::new("SEPFFFFFFFFFFF0");
    let seen = stage.comes(&unknown, STRING).await.ends(9);
    assert_eq!(seen.received(), ["AuthRequest", "EndSession"]);
    let idle = stage.phone(2).await;
    stage.comes(&idle, STRING).await.ends(0);
    assert_eq!(stage.state(&idle).await, ("none".into(), None));
}

/// CAPF-39, -40: by a MIC, and by a SUDI certificate.
#[tokio::test(flavor = "multi_thread")]
async fn a_mic_that_proves_nothing_is_refused() {
    let stage = Stage::open().await;
    let phone = stage.phone(1).await;
    stage.operation(&phone, "install", "existing-mic", None, "p-256").await;
    let kinds = ["expired", "early", "ca", "stranger", "forged", "other", "suffix"];
    phone.manufacture(stage.factory(), &kinds);
    for kind in kinds {
        let by = phone.by(kind);
        let flags: Vec<&str> = by.iter().map(String::as_str).chain(["--mic", "--no-password"]).collect();
        // Of a maker that nobody knows, it cannot be said what the certificate is.
        let reason = if kind == "stranger" { "invalid-credentials" } else { "invalid-mic" };
        refused_and_pending(&stage, &phone, &flags, reason).await;
    }
    phone.manufacture(stage.factory(), &["mic", "sudi"]);
    let by = phone.by("mic");
    let mic: Vec<&str> = by.iter().map(String::as_str).chain(["--mic", "--no-password"]).collect();
    // Signed for another name; one of the two signatures missing (CAPF-43), or another's; wrapped wrongly.
    for more in [
        &["--sign-name", "SEP000000000002"][..],
        &["--alter", "auth.20=-"],
        &["--alter", "auth.6=-"],
        &["--alter", "auth.6=00*256"],
        &["--alter", "auth.20=0300020000"],
        &["--alter", "auth.4=0100020001"],
    ] {
        let flags = [&mic[..], more].concat();
        let seen = stage.comes(&phone, &flags).await.ends(7);
        assert_eq!(seen.received(), ["AuthRequest", "EndSession"], "{more:?}");
        assert_eq!(stage.state(&phone).await.0, "pending", "{more:?}");
    }
    // A SUDI signature belongs to one session.
    let (sudi, key) = (phone.path("sudi.pem"), phone.path("sudi.key"));
    let replayed = ["--sudi", &sudi, "--sudi-key", &key, "--sudi-session", "01020304"];
    stage.comes(&phone, &[&mic[..], &replayed].concat()).await.ends(7);
    // CAPF-45.
    stage.comes(&phone, &[&mic[..], &["--alter", "auth.16=00ffff00"]].concat()).await.ends(7);
    assert_eq!(stage.live(&phone).await, Vec::<String>::new());
    stage.comes(&phone, &mic).await.ends(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_lsc_of_another_phone_or_one_that_was_revoked_is_refused() {
    let stage = Stage::open().await;
    let mut phones = Vec::new();
    for number in 1..=2 {
        let phone = waiting(&stage, number, "p-256").await;
        let into = phone.makes("lsc");
        let flags: Vec<&str> = STRING.iter().copied().chain(into.iter().map(String::as_str)).collect();
        let seen = stage.comes(&phone, &flags).await.ends(1);
        phones.push((phone, seen.serial()));
    }
    let ((first, serial), (second, _)) = (&phones[0], &phones[1]);
    stage.operation(first, "install", "existing-lsc", None, "p-256").await;
    let by_other: Vec<String> = [second.by("lsc"), vec!["--no-password".into()]].concat();
    let flags: Vec<&str> = by_other.iter().map(String::as_str).collect();
    stage.comes(first, &flags).await.ends(7);
    assert_eq!(stage.state(first).await, ("pending".into(), Some("invalid-lsc".into())));
    stage.revoke(serial).await;
    let own = first.by("lsc");
    stage.comes(first, &own.iter().map(String::as_str).collect::<Vec<_>>()).await.ends(7);
    assert_eq!(stage.state(first).await, ("pending".into(), Some("invalid-lsc".into())));
}

/// CAPF-46, and the refusal of EC where nothing else is allowed.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_makes_no_key_is_told_of() {
    let stage = Stage::open().await;
    let phone = waiting(&stage, 1, "rsa-2048").await;
    let failing = [STRING, &["--alter", "key.9=-", "--alter", "key.1=07"]].concat();
    stage.comes(&phone, &failing).await.ends(7);
    assert_eq!(stage.state(&phone).await, ("pending".into(), Some("key-generation-failed".into())));
    stage.comes(&phone, STRING).await.ends(1);
    assert_eq!(stage.state(&phone).await, ("installed".into(), None));

    let only_ec = waiting(&stage, 2, "p-256").await;
    stage.comes(&only_ec, &[STRING, &["--refuse-ec"]].concat()).await.ends(7);
    assert_eq!(stage.state(&only_ec).await, ("failed".into(), Some("no-support-for-ec-only".into())));
    // Jabber can have no EC key at all: the key type cannot be told to it.
    let jabber = stage.named("CSFbob").await;
    stage.operation(&jabber, "install", "string", Some("4711"), "p-256").await;
    let seen = stage.comes(&jabber, &[STRING, &["--version", "2"]].concat()).await.ends(7);
    assert_eq!(seen.asked(), Vec::<&str>::new());
    assert_eq!(stage.state(&jabber).await, ("failed".into(), Some("no-support-for-ec-only".into())));
}

/// CAPF-47, -49, -50: keys that are none, or not what was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_the_one_asked_for_is_refused() {
    let stage = Stage::open().await;
    let phone = waiting(&stage, 1, "rsa-2048").await;
    let other = Phone::new("SEP0");
    let spki = other.spki("ec.key", "P-256");
    let point = spki.len() - 130;
    let (head, y) = (&spki[..point], &spki[point + 66..]);
    let compressed = format!("3039{}032200{}", &spki[4..46], "02".to_owned() + &spki[point + 2..point + 66]);
    let off_curve = format!("{head}04{}{}", &spki[point + 2..point + 66], "00".repeat(y.len() / 2));
    for key in ["-", "", "3000", &spki, &format!("{spki}00"), &off_curve, &compressed] {
        let altered = format!("key.9={key}");
        let seen = stage.comes(&phone, &[STRING, &["--alter", &altered]].concat()).await.ends(7);
        assert!(!seen.received().contains(&"StoreCertificateRequest"), "{key}");
        assert_eq!(stage.state(&phone).await.0, "pending", "{key}");
        assert_eq!(stage.live(&phone).await, Vec::<String>::new(), "{key}");
    }
    stage.comes(&phone, STRING).await.ends(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_deadline_an_operation_is_late_and_refused() {
    let stage = Stage::open().await;
    let phone = stage.phone(1).await;
    stage.operation_until(&phone, Duration::from_secs(3600)).await;
    stage.clock.advance(Duration::from_secs(3601));
    let seen = stage.comes(&phone, STRING).await;
    assert_eq!(seen.received(), ["AuthRequest", "EndSession"]);
    assert_ne!(seen.0["reason"], 1);
    assert_eq!(stage.state(&phone).await, ("late".into(), Some("user-initiated-request-late".into())));
    assert_eq!(stage.live(&phone).await, Vec::<String>::new());
}

/// CAPF-30: five wrong strings lock the device, for longer each time; an operator unlocks it.
#[tokio::test(flavor = "multi_thread")]
async fn guessing_locks_the_device() {
    let stage = Stage::open().await;
    let phone = waiting(&stage, 1, "p-256").await;
    for guess in 0..5 {
        stage.comes(&phone, &["--password", &format!("100{guess}")]).await.ends(7);
    }
    assert!(stage.is_locked(&phone).await);
    stage.comes(&phone, STRING).await.ends(7);
    assert_eq!(stage.live(&phone).await, Vec::<String>::new(), "the right string, but the device is locked");
    stage.clock.advance(Duration::from_hours(48));
    assert!(!stage.is_locked(&phone).await);
    stage.comes(&phone, &["--password", "1009"]).await.ends(7);
    assert!(stage.is_locked(&phone).await, "one more wrong one locks it again");
    stage.unlock(&phone).await;
    stage.comes(&phone, STRING).await.ends(1);
}

/// CAPF-32: a spent string does nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn a_string_serves_once() {
    let stage = Stage::open().await;
    let phone = waiting(&stage, 1, "p-256").await;
    stage.comes(&phone, STRING).await.ends(1);
    let seen = stage.comes(&phone, STRING).await.ends(0);
    assert_eq!(seen.received(), ["AuthRequest", "EndSession"]);
    assert_eq!(stage.live(&phone).await.len(), 1);
    // A new operation has a string of its own.
    stage.operation(&phone, "install", "string", Some("8222"), "p-256").await;
    stage.comes(&phone, STRING).await.ends(7);
    stage.comes(&phone, &["--password", "8222"]).await.ends(1);
}

/// CAPF-33: of two at once with one string, one gets a certificate.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_come_with_one_string_one_wins() {
    let stage = Stage::open().await;
    let phone = waiting(&stage, 1, "p-256").await;
    let (one, other) = tokio::join!(stage.comes(&phone, STRING), stage.comes(&phone, STRING));
    let reasons = [one.fair().0["reason"].as_u64(), other.fair().0["reason"].as_u64()];
    assert!(reasons.contains(&Some(1)), "{reasons:?}");
    assert!(reasons.contains(&Some(7)) || reasons.contains(&Some(0)), "{reasons:?}");
    assert_eq!(stage.live(&phone).await.len(), 1);
    assert_eq!(stage.state(&phone).await, ("installed".into(), None));
}

/// CAPF-55, -56: what it shows is no certificate; it cannot delete.
#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_or_a_deletion_that_fails_may_be_tried_again() {
    let stage = Stage::open().await;
    let phone = stage.phone(1).await;
    stage.operation(&phone, "delete", "string", Some("4711"), "p-256").await;
    stage.comes(&phone, &[STRING, &["--alter", "delete.1=07"]].concat()).await;
    assert_eq!(stage.state(&phone).await.0, "pending");
    stage.comes(&phone, STRING).await.ends(1);
    assert_eq!(stage.state(&phone).await, ("deleted".into(), None));

    stage.operation(&phone, "fetch", "string", Some("4711"), "p-256").await;
    phone.manufacture(stage.factory(), &["mic"]);
    let holds = phone.path("mic.pem");
    let pem: String = std::fs::read(&holds).unwrap().iter().map(|b| format!("{b:02x}")).collect();
    for value in [format!("01{:04x}0001{pem}", pem.len() / 2 + 2), "0100020001".into(), "00*60000".into()] {
        let altered = format!("fetch.4={value}");
        let seen = stage.comes(&phone, &[STRING, &["--holds", &holds, "--alter", &altered]].concat()).await;
        assert_ne!(seen.0["reason"], 0, "{}", seen.0);
        assert_eq!(stage.state(&phone).await.0, "pending");
    }
    stage.comes(&phone, &[STRING, &["--holds", &holds]].concat()).await.ends(0);
    assert_eq!(stage.state(&phone).await, ("fetched".into(), None));
}
