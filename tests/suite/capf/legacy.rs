//! Keys of 1024 bits, which 7900-series phones make (feature `legacy`): ordered where a profile lists them, and nowhere else.

use std::process::Command;

use serde_json::{Value, json};

use super::phone::Phone;
use super::stage::Stage;

const STRING: &[&str] = &["--password", "4711"];

/// A server with the profile `old-lsc`, which lists keys of 1024 bits.
async fn old_stage() -> Stage {
    let stage = Stage::open().await;
    stage.profile_with("old-lsc", |lsc| lsc.replacen("keys = [", "keys = [\"rsa-1024\", ", 1)).await;
    stage
}

async fn old_phone(stage: &Stage, number: usize) -> Phone {
    let phone = stage.added(&format!("SEP{number:012X}"), "old-lsc").await;
    stage.operation(&phone, "install", "string", Some("4711"), "rsa-1024").await;
    phone
}

async fn comes(stage: &Stage, phone: &Phone, flags: &[Vec<String>]) -> super::phone::Seen {
    let flags = flags.concat();
    stage.comes(phone, &flags.iter().map(String::as_str).collect::<Vec<_>>()).await
}

fn string() -> Vec<String> {
    STRING.iter().map(|flag| (*flag).to_owned()).collect()
}

async fn audited(stage: &Stage) -> Vec<Value> {
    let page = stage.call("GET", "/audit?action=capf.legacy&limit=100", None).await;
    page["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_phone_gets_a_certificate_for_1024_bits_and_renews_to_more_by_it() {
    let stage = old_stage().await;
    for (number, version) in ["3", "2"].into_iter().enumerate() {
        let phone = old_phone(&stage, number).await;
        let version = vec!["--version".to_owned(), version.to_owned()];
        let seen = comes(&stage, &phone, &[string(), phone.makes("old"), version.clone()]).await.ends(1);
        assert_eq!(seen.asked(), ["rsa-1024"]);
        let shown =
            Command::new("openssl").args(["x509", "-noout", "-text", "-in", &phone.path("old.pem")]).output();
        let text = String::from_utf8(shown.unwrap().stdout).unwrap();
        assert!(text.contains("(1024 bit)") && text.contains("Key Encipherment"), "{text}");
        assert_eq!(stage.device(&phone).await["lsc"]["key"], "rsa-1024");
        assert_eq!(audited(&stage).await.len(), number + 1);

        stage.operation(&phone, "install", "existing-lsc", None, "rsa-2048").await;
        let by = [phone.by("old"), vec!["--no-password".to_owned()], phone.makes("new"), version];
        let seen = comes(&stage, &phone, &by).await.ends(1);
        assert_eq!(seen.asked(), ["rsa-2048"]);
        assert_eq!(stage.device(&phone).await["lsc"]["key"], "rsa-2048");
    }
    assert_eq!(audited(&stage).await.len(), 2, "a key of today is none of it");
    // They are found by it while they have it.
    let phone = old_phone(&stage, 7).await;
    stage.comes(&phone, STRING).await.ends(1);
    let weak = stage.call("GET", "/devices?lsc_key=rsa-1024", None).await;
    assert_eq!(weak["items"].as_array().unwrap().len(), 1, "{weak}");
    assert_eq!(weak["items"][0]["name"], json!(phone.name));
    stage.is_whole().await;
}

/// CAPF-49: nobody makes a weaker key than was asked of him; and the profile has the last word.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_1024_bits_is_certified_only_where_it_was_ordered_and_is_still_allowed() {
    let stage = old_stage().await;
    let phone = old_phone(&stage, 1).await;
    let made = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out"];
    let key = phone.path("small.key");
    assert!(Command::new("openssl").args(made).arg(&key).status().unwrap().success());
    let small = [STRING, &["--key", &key]].concat();
    stage.operation(&phone, "install", "string", Some("4711"), "rsa-2048").await;
    let seen = stage.comes(&phone, &small).await.ends(7);
    assert_eq!(seen.asked(), ["rsa-2048"]);
    assert_eq!(stage.state(&phone).await, ("pending".into(), Some("key-generation-failed".into())));

    stage.operation(&phone, "install", "string", Some("4711"), "rsa-1024").await;
    stage.call("PATCH", &format!("/devices/{}", phone.name), Some(json!({"profile": "capf-lsc"}))).await;
    stage.comes(&phone, &small).await.ends(7);
    assert_eq!(stage.state(&phone).await, ("failed".into(), Some("ca-rejected-connection".into())));
    let said = stage.call("GET", "/audit?action=capf.refuse&limit=1", None).await.to_string();
    assert!(said.contains("RSA key below 2048 bits"), "{said}");
    assert_eq!(stage.live(&phone).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_profile_takes_no_order_for_1024_bits_and_no_ca_makes_such_a_key() {
    let stage = old_stage().await;
    let phone = stage.phone(1).await;
    let order =
        json!({"operation": "install", "authentication": "string", "string": "4711", "key": "rsa-1024"});
    let path = format!("/devices/{}/operation", phone.name);
    let (code, said) = stage.refused("POST", &path, order.clone()).await;
    assert_eq!(code, "invalid-key-order");
    assert!(said.contains("the profile capf-lsc does not allow rsa-1024; it allows rsa-2048"), "{said}");
    for key in ["p-256/rsa-1024", "rsa-512"] {
        let (code, _) = stage.refused("POST", &path, json!({"operation": "install", "key": key})).await;
        assert_eq!(code, "invalid-key-order", "{key}");
    }
    // In bulk each line by its profile, and a campaign may order it as well.
    let row = |name: &str, profile: &str| {
        let mut row = order.clone();
        row["name"] = name.into();
        row["profile"] = profile.into();
        row
    };
    let items = json!({"items": [row("SEP00000000000A", "old-lsc"), row("SEP00000000000B", "capf-lsc")]});
    let report = stage.call("POST", "/devices/batch", Some(items)).await;
    assert_eq!((&report["created"], &report["refused"]), (&json!(1), &json!(1)), "{report}");
    let campaign = json!({"name": "old", "filter": {"profile": "old-lsc"}, "operation": "install",
        "authentication": "existing-mic", "key": "rsa-1024"});
    assert_eq!(stage.call("POST", "/campaigns", Some(campaign)).await["key"], "rsa-1024");

    let ca = json!({"id": "weak", "role": "issuing", "parent": "rsa-root", "algorithm": "rsa-1024"});
    let (_, said) = stage.refused("POST", "/cas", ca).await;
    assert!(said.contains("rsa-2048") && !said.contains("rsa-1024"), "{said}");
    let root = stage.call("GET", "/cas", None).await.to_string();
    assert!(!root.contains("\"weak\""), "{root}");
}

/// A 7900-series phone from its first visit on: its old MIC, its old TLS on the listener for that, and the key that it can make.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_of_the_7900_series_gets_its_certificate_by_what_it_has() {
    let stage = old_stage().await;
    let phone = stage.phone(1).await;
    stage.call("PATCH", &format!("/devices/{}", phone.name), Some(json!({"profile": "old-lsc"}))).await;
    phone.manufacture(stage.factory(), &["weak"]);
    stage.operation(&phone, "install", "existing-mic", None, "rsa-1024").await;
    let (mic, key) = (phone.path("weak.pem"), phone.path("weak.key"));
    let by =
        ["--mic", "--no-password", "--certificate", &mic, "--certificate-key", &key, "--alter", "auth.20=-"];
    let old = ["--tls", "TLSv1", "--cipher", "AES128-SHA"];
    let refused = stage.comes(&phone, &[&by[..], &old].concat()).await;
    assert!(["tls-error", "closed"].contains(&refused.0["outcome"].as_str().unwrap()), "{}", refused.0);
    let seen = stage.comes_as_of_old(&phone, &[&by[..], &old].concat()).await.ends(1);
    assert_eq!((&seen.0["tls"], &seen.0["cipher"]), (&json!("TLSv1"), &json!("AES128-SHA")));
    assert_eq!(seen.asked(), ["rsa-1024"]);
    assert_eq!(stage.state(&phone).await, ("installed".into(), None));
    assert_eq!(stage.lsc_serial(&phone).await, Some(seen.serial()));
}

/// What old devices have instead of today's proofs: a MIC of 1024 bits.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_mic_proves_its_phone_where_the_profile_lists_old_keys() {
    let stage = old_stage().await;
    for (number, (profile, reason)) in [("old-lsc", 1), ("capf-lsc", 7)].into_iter().enumerate() {
        let phone = stage.added(&format!("SEP{number:012X}"), profile).await;
        phone.manufacture(stage.factory(), &["weak"]);
        stage.operation(&phone, "install", "existing-mic", None, "rsa-2048").await;
        let by = [phone.by("weak"), vec!["--mic".to_owned(), "--no-password".to_owned()]];
        comes(&stage, &phone, &by).await.ends(reason);
    }
}
