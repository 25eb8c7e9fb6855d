//! Each operation × authentication × key type, as phones do them; the LSC judged by openssl.

use std::process::Command;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::phone::Phone;
use super::stage::Stage;

const KEYS: [&str; 6] = ["rsa-2048", "rsa-3072", "rsa-4096", "p-256", "p-384", "p-521"];

fn flags(parts: &[&[String]]) -> Vec<String> {
    parts.concat()
}

fn borrowed(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

/// Installed by string, renewed by the LSC, fetched and deleted by it: with each type of key.
async fn whole_life(stage: &Stage, number: usize, key: &str) {
    let phone = stage.phone(number).await;
    stage.operation(&phone, "install", "string", Some("4711"), key).await;
    assert_eq!(stage.state(&phone).await, ("pending".into(), None));
    let into = flags(&[&["--password".into(), "4711".into()], &phone.makes("first")]);
    let seen = stage.comes(&phone, &borrowed(&into)).await.ends(1);
    assert_eq!((seen.asked(), seen.0["server"].as_str()), (vec![key], Some(stage.capf_pem().as_str())));
    assert_eq!(stage.state(&phone).await, ("installed".into(), None));
    is_an_lsc(stage, &phone, "first", key);
    let first = seen.serial();
    assert_eq!(stage.lsc_serial(&phone).await, Some(first.clone()));

    stage.operation(&phone, "install", "existing-lsc", None, key).await;
    let renews = flags(&[&phone.by("first"), &phone.makes("second")]);
    let seen = stage.comes(&phone, &borrowed(&renews)).await.ends(1);
    assert_ne!(seen.serial(), first);
    assert_eq!(stage.lsc_serial(&phone).await, Some(seen.serial()));

    stage.operation(&phone, "fetch", "existing-lsc", None, key).await;
    let seen = stage.comes(&phone, &borrowed(&phone.by("second"))).await.ends(0);
    assert_eq!(seen.received(), ["AuthRequest", "FetchCertificateRequest", "EndSession"]);
    assert_eq!(stage.state(&phone).await, ("fetched".into(), None));

    stage.operation(&phone, "delete", "existing-lsc", None, key).await;
    stage.comes(&phone, &borrowed(&phone.by("second"))).await.ends(1);
    assert_eq!(stage.state(&phone).await, ("deleted".into(), None));
    assert_eq!(stage.lsc_serial(&phone).await, None);

    let seen = stage.comes(&phone, &borrowed(&phone.by("second"))).await.ends(0);
    assert_eq!(seen.received(), ["AuthRequest", "EndSession"], "CAPF-27");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_lives_its_life_with_each_type_of_key() {
    let stage = Arc::new(Stage::open().await);
    let mut lives = JoinSet::new();
    for (number, key) in KEYS.into_iter().enumerate() {
        let stage = stage.clone();
        lives.spawn(async move { whole_life(&stage, number, key).await });
    }
    while let Some(life) = lives.join_next().await {
        life.unwrap();
    }
    stage.is_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_installs_by_each_authentication() {
    let stage = Stage::open().await;
    let factory = stage.factory();
    for (number, (how, kind)) in
        [("existing-mic", "mic"), ("existing-mic", "ec-mic"), ("existing-mic", "sudi"), ("null-string", "")]
            .into_iter()
            .enumerate()
    {
        let profile = if how == "null-string" { "capf-null" } else { "capf-lsc" };
        let phone = stage.added(&format!("SEP{number:012X}"), profile).await;
        stage.operation(&phone, "install", how, None, "p-256").await;
        let proof = match kind {
            "" => Vec::new(),
            "sudi" => sudi(&phone, factory),
            kind => {
                phone.manufacture(factory, &[kind]);
                flags(&[&phone.by(kind), &["--mic".into(), "--no-password".into()]])
            }
        };
        let seen = stage.comes(&phone, &borrowed(&proof)).await.ends(1);
        assert_eq!(stage.lsc_serial(&phone).await, Some(seen.serial()), "{how} {kind}");
        assert_eq!(stage.state(&phone).await, ("installed".into(), None), "{how} {kind}");
    }
}

/// A SUDI beside the MIC, as phones send it.
fn sudi(phone: &Phone, factory: &std::path::Path) -> Vec<String> {
    phone.manufacture(factory, &["mic", "sudi"]);
    let sudi = ["--sudi".into(), phone.path("sudi.pem"), "--sudi-key".into(), phone.path("sudi.key")];
    flags(&[&phone.by("mic"), &sudi, &["--mic".into(), "--no-password".into()]])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_makes_no_ec_key_makes_the_rsa_key_in_the_same_session() {
    let stage = Stage::open().await;
    let phone = stage.phone(1).await;
    stage.operation(&phone, "install", "string", Some("4711"), "p-384/rsa-2048").await;
    let seen = stage.comes(&phone, &["--password", "4711", "--refuse-ec", "--busy", "1"]).await.ends(1);
    assert_eq!(seen.asked(), ["p-384", "rsa-2048"]);
    assert_eq!(stage.state(&phone).await, ("installed".into(), None));
}

/// Jabber: version 2 gets the key size alone; what prefers EC falls to its RSA backup at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_version_2_is_asked_for_an_rsa_key_by_its_size_alone() {
    let stage = Stage::open().await;
    for (number, key) in ["rsa-2048", "p-256/rsa-3072"].into_iter().enumerate() {
        let phone = stage.named(&format!("CSFalice{number}")).await;
        stage.operation(&phone, "install", "string", Some("471147"), key).await;
        let seen = stage.comes(&phone, &["--password", "471147", "--version", "2"]).await.ends(1);
        assert_eq!(seen.asked(), [key.rsplit('/').next().unwrap()]);
    }
}

/// The page's LSC: names, usages, no CA, one chain.
#[track_caller]
fn is_an_lsc(stage: &Stage, phone: &Phone, kind: &str, key: &str) {
    let certificate = phone.path(&format!("{kind}.pem"));
    let verify = ["verify", "-x509_strict", "-CAfile", &stage.bundle(), &certificate];
    let verified = Command::new("openssl").args(verify).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let shown =
        Command::new("openssl").args(["x509", "-noout", "-text", "-in", &certificate]).output().unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains(&format!("CN = {}", phone.name)), "{text}");
    assert!(text.contains("CA:FALSE"), "{text}");
    let purposes = "TLS Web Server Authentication, TLS Web Client Authentication, IPSec End System";
    assert!(text.contains(purposes), "{text}");
    let usage =
        if key.starts_with("rsa") { "Digital Signature, Key Encipherment" } else { "Digital Signature" };
    assert!(text.contains(usage), "{text}");
}
