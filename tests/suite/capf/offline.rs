//! A CA elsewhere that is offline: phones leave their keys, openssl signs them, and the phones come back for their
//! certificates.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::phone::Phone;
use super::stage::Stage;

const STRING: &[&str] = &["--password", "4711"];

#[track_caller]
pub fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let ran = Command::new("openssl").current_dir(folder).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// A CA that no network reaches, and the profile `elsewhere` of it.
pub fn ca(folder: &Path) -> String {
    let extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
    std::fs::write(folder.join("ca.cnf"), format!("[req]\ndistinguished_name=n\n[n]\n[e]\n{extensions}"))
        .unwrap();
    let key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key"];
    let made = ["-subj", "/O=Example/CN=Offline CA", "-days", "900", "-out", "ca.pem", "-config", "ca.cnf"];
    openssl(folder, &[&["req", "-x509", "-extensions", "e"], &key[..], &made].concat());
    std::fs::read_to_string(folder.join("ca.pem")).unwrap()
}

/// Signs a request as the manual says, with one of its parts changed.
pub(super) fn signed(
    folder: &Path,
    request: &Value,
    (subject, days, usage): (Option<&str>, &str, Option<&str>),
) -> String {
    std::fs::write(folder.join("key.pem"), request["public_key"].as_str().unwrap()).unwrap();
    let listed = |field: &str| {
        let all = request[field].as_array().unwrap();
        all.iter().map(|v| v.as_str().unwrap()).collect::<Vec<_>>().join(",")
    };
    let usage = usage.map_or_else(|| listed("key_usage"), str::to_owned);
    let extensions = format!(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,{usage}\nextendedKeyUsage={}\n",
        listed("extended_key_usage")
    );
    std::fs::write(folder.join("leaf.cnf"), extensions).unwrap();
    let name = format!("/O=Example/2.5.4.3={}", request["device"].as_str().unwrap());
    let what = ["x509", "-new", "-force_pubkey", "key.pem", "-subj", subject.unwrap_or(&name), "-days", days];
    let by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-extfile", "leaf.cnf"];
    openssl(folder, &[&what[..], &by].concat())
}

pub(super) async fn brought(stage: &Stage, pem: &str) -> Value {
    let body = json!({"certificates": [{"pem": pem}]});
    let report = stage.call("POST", "/offline-requests/certificates", Some(body)).await;
    report["items"][0].clone()
}

pub(super) async fn left_its_key(stage: &Stage, number: usize, key: &str) -> Phone {
    let phone = stage.added(&format!("SEP{number:012X}"), "elsewhere").await;
    stage.operation(&phone, "install", "string", Some("4711"), key).await;
    let flags = phone.makes("lsc");
    let flags: Vec<&str> = STRING.iter().copied().chain(flags.iter().map(String::as_str)).collect();
    let seen = stage.comes(&phone, &flags).await.ends(0);
    assert_eq!(seen.received(), ["AuthRequest", "KeyGenerateRequest", "EndSession"]);
    phone
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_leave_their_keys_and_come_back_for_what_an_offline_ca_signed() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::open().await;
    stage.profile("elsewhere", &format!("[offline]\nissuer = '''\n{}'''\n", ca(folder.path()))).await;
    let (rsa, ec) = (left_its_key(&stage, 1, "rsa-2048").await, left_its_key(&stage, 2, "p-256").await);
    // It comes again too early: nothing is asked of it, and nothing is lost.
    let seen = stage.comes(&rsa, STRING).await.ends(0);
    assert_eq!(seen.received(), ["AuthRequest", "EndSession"]);
    assert_eq!(stage.state(&rsa).await, ("pending".into(), None));

    let waiting = stage.call("GET", "/offline-requests", None).await;
    let requests = waiting["items"].as_array().unwrap();
    assert_eq!(requests[0]["subject"], "CN=SEP000000000001,O=Example", "the issuer's organization");
    let devices: Vec<&str> = requests.iter().map(|r| r["device"].as_str().unwrap()).collect();
    assert_eq!(devices, [rsa.name.as_str(), ec.name.as_str()]);
    for (request, phone) in requests.iter().zip([&rsa, &ec]) {
        let pem = signed(folder.path(), request, (None, "300", None));
        assert_eq!(brought(&stage, &pem).await["outcome"], "taken");
        assert_eq!(brought(&stage, &pem).await["outcome"], "unchanged");
        assert_eq!(stage.state(phone).await, ("issued".into(), None));
        let file = phone.path("lsc.pem");
        let key_file = phone.path("lsc.key");
        let flags = [STRING, &["--lsc", &file, "--key", &key_file]].concat();
        let seen = stage.comes(phone, &flags).await.ends(1);
        assert_eq!(seen.received(), ["AuthRequest", "StoreCertificateRequest", "EndSession"]);
        let key = |form: &[&str]| openssl(folder.path(), form);
        let in_certificate = key(&["x509", "-in", &file, "-noout", "-pubkey"]);
        assert_eq!(in_certificate, key(&["pkey", "-in", &phone.path("lsc.key"), "-pubout"]));
        assert_eq!(stage.state(phone).await, ("installed".into(), None));
        assert_eq!(stage.lsc_serial(phone).await, Some(seen.serial()));
        // What is done stays done, whatever else is signed for the same key.
        let other = signed(folder.path(), request, (None, "200", None));
        assert_eq!(brought(&stage, &pem).await["outcome"], "unchanged");
        assert_eq!(brought(&stage, &other).await["code"], "offline-superseded");
        assert_eq!(stage.state(phone).await, ("installed".into(), None));
    }
    // One that is not fetched stands in nobody's way when a CA of ours is to sign again.
    let back = left_its_key(&stage, 3, "p-256").await;
    let request = stage.call("GET", "/offline-requests", None).await["items"][0].clone();
    let pem = signed(folder.path(), &request, (None, "300", None));
    assert_eq!(brought(&stage, &pem).await["outcome"], "taken");
    stage.call("PATCH", &format!("/devices/{}", back.name), Some(json!({"profile": "capf-lsc"}))).await;
    stage.operation(&back, "install", "string", Some("4711"), "p-256").await;
    let seen = stage.comes(&back, STRING).await.ends(1);
    assert_eq!(stage.live(&back).await, [seen.serial()]);
    assert_eq!(stage.call("GET", "/offline-requests", None).await["items"], json!([]));
    stage.is_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_offline_ca_signed_is_held_against_what_was_asked() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let stage = Stage::open().await;
    stage.profile("elsewhere", &format!("[offline]\nissuer = '''\n{}'''\n", ca(folder.path()))).await;
    ca(other.path());
    let phone = left_its_key(&stage, 1, "p-256").await;
    let request = stage.call("GET", "/offline-requests", None).await["items"][0].clone();
    for (from, changed, said) in [
        (&folder, (Some("/CN=SEP000000000009"), "300", None), "its subject is"),
        (&folder, (None, "3000", None), "lives longer"),
        (&folder, (None, "300", Some("digitalSignature,keyCertSign")), "key usage"),
        (&other, (None, "300", None), "not signed by"),
    ] {
        let outcome = brought(&stage, &signed(from.path(), &request, changed)).await;
        assert_eq!((&outcome["outcome"], &outcome["code"]), (&json!("refused"), &json!("offline-misfit")));
        assert!(outcome["detail"].as_str().unwrap().contains(said), "{outcome}");
        assert_eq!(stage.state(&phone).await, ("pending".into(), None));
    }
    let mut stranger = request.clone();
    stranger["public_key"] = openssl(folder.path(), &["pkey", "-in", "ca.key", "-pubout"]).into();
    let outcome = brought(&stage, &signed(folder.path(), &stranger, (None, "300", None))).await;
    assert_eq!(outcome["code"], "offline-unknown-key");
    // Taken back meanwhile: nobody waits for it any more.
    stage.call("DELETE", &format!("/devices/{}/operation", phone.name), None).await;
    let outcome = brought(&stage, &signed(folder.path(), &request, (None, "300", None))).await;
    assert_eq!(outcome["code"], "offline-superseded");
    assert_eq!(stage.state(&phone).await, ("none".into(), None));
    assert_eq!(stage.call("GET", "/offline-requests", None).await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_issued_and_a_phone_never_confirmed_goes_when_an_offline_ca_signs_and_its_key_may_come_again()
{
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::open().await;
    stage.profile("elsewhere", &format!("[offline]\nissuer = '''\n{}'''\n", ca(folder.path()))).await;
    let phone = stage.phone(1).await;
    stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
    stage.comes(&phone, &[STRING, &["--cut", "certificate"]].concat()).await.outcome("cut").fair();
    stage.until(&phone, "issued").await;
    assert_eq!(stage.live(&phone).await.len(), 1);

    stage.call("PATCH", &format!("/devices/{}", phone.name), Some(json!({"profile": "elsewhere"}))).await;
    let key = phone.path("lsc.key");
    let flags = [STRING, &["--key", &key]].concat();
    stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
    stage.comes(&phone, &flags).await.ends(0);
    let request = stage.call("GET", "/offline-requests", None).await["items"][0].clone();
    let pem = signed(folder.path(), &request, (None, "300", None));
    assert_eq!(brought(&stage, &pem).await["outcome"], "taken");
    assert_eq!(stage.live(&phone).await, Vec::<String>::new(), "the one of ours is revoked");

    // The same key for another operation asks anew; the same key of another phone does not.
    stage.operation(&phone, "install", "string", Some("8222"), "p-256").await;
    stage.comes(&phone, &["--password", "8222", "--key", &key]).await.ends(0);
    let other = stage.added("SEP000000000002", "elsewhere").await;
    stage.operation(&other, "install", "string", Some("4711"), "p-256").await;
    assert_ne!(stage.comes(&other, &flags).await.fair().0["reason"], 0);
    let waiting = stage.call("GET", "/offline-requests", None).await;
    let devices: Vec<&Value> = waiting["items"].as_array().unwrap().iter().map(|r| &r["device"]).collect();
    assert_eq!(devices, [&json!(phone.name)]);
    stage.is_whole().await;
}
