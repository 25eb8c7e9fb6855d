//! An LSC that an offline CA signed, as a phone's proof.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use signet::ca::profile::ProfileSet;
use signet::enrol::offline::lists::OfflineLists;
use signet::x509::cert::Certificate;

use super::offline::{brought, ca, left_its_key, openssl, signed};
use super::phone::{Phone, Seen};
use super::stage::Stage;

const STRING: &[&str] = &["--password", "4711"];
const AS_ASKED: (Option<&str>, &str, Option<&str>) = (None, "300", None);

/// An hour after all that openssl makes is valid: the clock of a stage stands since its data folder was made.
async fn later() -> Stage {
    let stage = Stage::open().await;
    stage.clock.advance(Duration::from_hours(1));
    stage
}

fn offline(issuer: &str) -> String {
    format!("[offline]\nissuer = '''\n{issuer}'''\n")
}

fn former(issuer: &str) -> String {
    format!("former = '''\n{issuer}'''\n")
}

async fn request(stage: &Stage) -> Value {
    stage.call("GET", "/offline-requests", None).await["items"][0].clone()
}

/// The CA signs what waits, and it is brought in; the certificate.
async fn signs(stage: &Stage, folder: &Path) -> String {
    let pem = signed(folder, &request(stage).await, AS_ASKED);
    assert_eq!(brought(stage, &pem).await["outcome"], "taken");
    pem
}

/// A phone that holds an LSC of the offline CA, `lsc.pem` and `lsc.key` of its folder.
async fn holding(stage: &Stage, folder: &Path, number: usize, key: &str) -> Phone {
    let phone = left_its_key(stage, number, key).await;
    signs(stage, folder).await;
    let (file, key_file) = (phone.path("lsc.pem"), phone.path("lsc.key"));
    stage.comes(&phone, &[STRING, &["--lsc", &file, "--key", &key_file]].concat()).await.ends(1);
    assert_eq!(stage.state(&phone).await, ("installed".into(), None));
    phone
}

async fn comes(stage: &Stage, phone: &Phone, flags: &[Vec<String>]) -> Seen {
    let flags = flags.concat();
    stage.comes(phone, &flags.iter().map(String::as_str).collect::<Vec<_>>()).await
}

fn words(flags: &[&str]) -> Vec<String> {
    flags.iter().map(|flag| (*flag).to_owned()).collect()
}

async fn is_refused(stage: &Stage, phone: &Phone, flags: &[Vec<String>], reason: &str) {
    let seen = comes(stage, phone, flags).await.ends(7);
    assert_eq!(seen.received(), ["AuthRequest", "EndSession"], "{flags:?}");
    assert_eq!(stage.state(phone).await, ("pending".into(), Some(reason.into())), "{flags:?}");
}

/// Installed by string, renewed, fetched and deleted by the LSC of the offline CA, and led over to a CA of ours by it.
#[tokio::test(flavor = "multi_thread")]
async fn an_lsc_of_an_offline_ca_is_its_phones_proof() {
    let folder = tempfile::tempdir().unwrap();
    let stage = later().await;
    stage.profile("elsewhere", &offline(&ca(folder.path()))).await;
    for (number, key) in ["rsa-2048", "p-384"].into_iter().enumerate() {
        let phone = holding(&stage, folder.path(), number, key).await;
        stage.operation(&phone, "install", "existing-lsc", None, key).await;
        let by = [phone.by("lsc"), words(&["--no-password"])];
        let seen = comes(&stage, &phone, &[&by[..], &[phone.makes("next")]].concat()).await.ends(0);
        assert_eq!(seen.received(), ["AuthRequest", "KeyGenerateRequest", "EndSession"], "{key}");
        signs(&stage, folder.path()).await;
        let seen = comes(&stage, &phone, &[&by[..], &[phone.makes("next")]].concat()).await.ends(1);
        assert_eq!(seen.received(), ["AuthRequest", "StoreCertificateRequest", "EndSession"]);
        assert_eq!(stage.state(&phone).await, ("installed".into(), None));
        assert_eq!(stage.lsc_serial(&phone).await, Some(seen.serial()));

        let by = [phone.by("next"), words(&["--no-password"])];
        stage.operation(&phone, "fetch", "existing-lsc", None, key).await;
        comes(&stage, &phone, &by).await.ends(0);
        assert_eq!(stage.state(&phone).await, ("fetched".into(), None));
        let path = format!("/devices/{}", phone.name);
        stage.call("PATCH", &path, Some(json!({"profile": "capf-lsc"}))).await;
        stage.operation(&phone, "install", "existing-lsc", None, key).await;
        let seen = comes(&stage, &phone, &by).await.ends(1);
        assert_eq!(stage.live(&phone).await, [seen.serial()]);

        // What it holds now is another; it showed the one of the CA elsewhere though.
        stage.call("PATCH", &path, Some(json!({"profile": "elsewhere"}))).await;
        stage.operation(&phone, "delete", "existing-lsc", None, key).await;
        comes(&stage, &phone, &by).await.ends(1);
        assert_eq!(stage.state(&phone).await, ("deleted".into(), None));
    }
    stage.is_whole().await;
}

/// CAPF-39, -40, -42, -43 for such a certificate: signatures, issuer, name, and that it was brought in.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_an_lsc_of_an_offline_ca_proves_nothing() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let stage = later().await;
    stage.profile("elsewhere", &offline(&ca(folder.path()))).await;
    ca(other.path());
    let second = holding(&stage, folder.path(), 2, "p-256").await;
    let phone = holding(&stage, folder.path(), 1, "rsa-2048").await;
    stage.operation(&phone, "install", "existing-lsc", None, "p-256").await;
    is_refused(&stage, &phone, &[second.by("lsc"), words(&["--no-password"])], "invalid-lsc").await;
    for (altered, reason) in [
        (["--sign-name", &second.name], "invalid-credentials"),
        (["--alter", "auth.20=-"], "invalid-credentials"),
        (["--alter", "auth.6=00*256"], "invalid-credentials"),
        (["--alter", "auth.20=03010000*256"], "invalid-credentials"),
    ] {
        let flags = [phone.by("lsc"), words(&["--no-password"]), words(&altered)];
        is_refused(&stage, &phone, &flags, reason).await;
    }
    // A key of a stranger's, in this phone's name: by another CA of that name, and by that very CA behind our back.
    phone.spki("forged.key", "P-256");
    let public = openssl(folder.path(), &["pkey", "-in", &phone.path("forged.key"), "-pubout"]);
    let usages = json!({"device": phone.name, "public_key": public, "key_usage": ["digitalSignature"],
        "extended_key_usage": ["serverAuth"]});
    for folder in [&other, &folder] {
        std::fs::write(phone.file("forged.pem"), signed(folder.path(), &usages, AS_ASKED)).unwrap();
        let flags = [phone.by("forged"), words(&["--no-password"])];
        is_refused(&stage, &phone, &flags, "invalid-lsc").await;
    }
    let causes = stage.call("GET", "/audit?action=capf.refuse&limit=100", None).await.to_string();
    for cause in [
        "certificate-of-another-device",
        "sha512-signed-data-missing",
        "sha1-signature-invalid",
        "issuer-signature-invalid",
        "certificate-not-on-record",
    ] {
        assert!(causes.contains(cause), "{cause} {causes}");
    }
    comes(&stage, &phone, &[phone.by("lsc"), words(&["--no-password"])]).await.ends(0);
}

/// Validity, and revocation as far as the CA's list was brought here.
#[tokio::test(flavor = "multi_thread")]
async fn an_lsc_that_its_offline_ca_revoked_or_that_is_out_of_date_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stage = later().await;
    stage.profile("elsewhere", &offline(&ca(folder.path()))).await;
    let (lost, kept) =
        (holding(&stage, folder.path(), 1, "p-256").await, holding(&stage, folder.path(), 2, "p-256").await);
    let serial = stage.lsc_serial(&lost).await.unwrap();
    stage.policy("offline-crls", "offline.crl", &revoking(folder.path(), &serial)).await;
    for phone in [&lost, &kept] {
        stage.operation(phone, "install", "existing-lsc", None, "p-256").await;
    }
    is_refused(&stage, &lost, &[lost.by("lsc"), words(&["--no-password"])], "invalid-lsc").await;
    let said = stage.call("GET", "/audit?action=capf.refuse&limit=1", None).await;
    assert!(said.to_string().contains("certificate-revoked"), "{said}");
    comes(&stage, &kept, &[kept.by("lsc"), words(&["--no-password"])]).await.ends(0);
    stage.clock.advance(Duration::from_hours(24 * 301));
    is_refused(&stage, &kept, &[kept.by("lsc"), words(&["--no-password"])], "invalid-lsc").await;
}

/// The phone's word for it was lost; a CA that signs no more is believed for what it signed, as long as it is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_shown_is_confirmed_and_a_former_ca_is_believed_while_it_is_named() {
    let (folder, next) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let stage = later().await;
    let (issuer, successor) = (ca(folder.path()), ca(next.path()));
    stage.profile("elsewhere", &offline(&issuer)).await;
    let phone = left_its_key(&stage, 1, "p-256").await;
    let pem = signs(&stage, folder.path()).await;
    stage.comes(&phone, &[STRING, &["--key", &phone.path("lsc.key"), "--cut", "certificate"]].concat()).await;
    std::fs::write(phone.file("lsc.pem"), pem).unwrap();
    stage.operation(&phone, "install", "existing-lsc", None, "p-256").await;
    let by = [phone.by("lsc"), words(&["--no-password"]), phone.makes("next")];
    comes(&stage, &phone, &by).await.ends(0);
    let second = signs(&stage, folder.path()).await;
    comes(&stage, &phone, &[by.concat(), words(&["--cut", "certificate"])]).await.outcome("cut");
    std::fs::write(phone.file("next.pem"), second).unwrap();
    let by = [phone.by("next"), words(&["--no-password"])];
    let seen = comes(&stage, &phone, &by).await.ends(1);
    assert_eq!(seen.received(), ["AuthRequest", "EndSession"], "it holds it already");
    assert_eq!(stage.state(&phone).await, ("installed".into(), None));

    stage.operation(&phone, "install", "existing-lsc", None, "p-256").await;
    stage.profile("elsewhere", &offline(&successor)).await;
    is_refused(&stage, &phone, &by, "invalid-lsc").await;
    stage.profile("elsewhere", &(offline(&successor) + &former(&issuer))).await;
    comes(&stage, &phone, &by).await.ends(0);
}

/// A list in DER by which the CA revokes this number.
fn revoking(folder: &Path, serial: &str) -> Vec<u8> {
    let config =
        "[ca]\ndefault_ca=m\n[m]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=30\n";
    std::fs::write(folder.join("crl.cnf"), config).unwrap();
    std::fs::write(
        folder.join("index"),
        format!("R\t450101000000Z\t260101000000Z\t{serial}\tunknown\t/CN=x\n"),
    )
    .unwrap();
    std::fs::write(folder.join("number"), "01\n").unwrap();
    let by = ["-cert", "ca.pem", "-keyfile", "ca.key", "-out", "list.pem"];
    openssl(folder, &[&["ca", "-gencrl", "-config", "crl.cnf"], &by[..]].concat());
    openssl(folder, &["crl", "-in", "list.pem", "-outform", "DER", "-out", "list.crl"]);
    std::fs::read(folder.join("list.crl")).unwrap()
}

#[test]
fn lists_are_read_as_a_whole_and_belong_to_a_ca_that_a_profile_names() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lsc =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/policies/profiles/capf-lsc.toml"));
    let (pem, _) = (ca(folder.path()), ca(other.path()));
    let profile = format!("{}\n{}", lsc.unwrap(), offline(&pem));
    let set = ProfileSet::from_sources(vec![("elsewhere".to_owned(), profile)]).unwrap();
    let policies = tempfile::tempdir().unwrap();
    assert_eq!(OfflineLists::load(policies.path(), &set).unwrap().count(), 0, "no folder");
    let place = policies.path().join("offline-crls");
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("README"), "not read").unwrap();
    std::fs::write(place.join("a.crl"), revoking(folder.path(), "0A0B")).unwrap();
    let lists = OfflineLists::load(policies.path(), &set).unwrap();
    let ca = Certificate::read(pem.as_bytes()).unwrap();
    let is_revoked = |serial: &str| lists.is_revoked(&ca, &serial.parse().unwrap());
    assert_eq!((lists.count(), is_revoked("0A0B"), is_revoked("0A0C")), (1, true, false));
    let list = revoking(other.path(), "0A0B");
    for (bad, said) in [(list.as_slice(), "not by this CA's key"), (b"nothing".as_slice(), "")] {
        std::fs::write(place.join("b.crl"), bad).unwrap();
        let faults = OfflineLists::load(policies.path(), &set).unwrap_err();
        assert_eq!(
            (faults.len(), faults[0].code(), faults[0].field()),
            (1, "bad-offline-crl", Some("b.crl"))
        );
        assert!(faults[0].detail().contains(said), "{}", faults[0].detail());
    }
}

#[test]
fn an_offline_profile_names_one_ca_that_signs_and_those_that_did() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (pem, before) = (ca(folder.path()), ca(other.path()));
    let lsc =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/policies/profiles/capf-lsc.toml"));
    let lsc = lsc.unwrap();
    let read = |more: &str| {
        ProfileSet::from_sources(vec![("elsewhere".to_owned(), format!("{lsc}\n{more}"))]).map_err(|faults| {
            faults.iter().map(|fault| fault.detail().to_owned()).collect::<Vec<_>>().join("; ")
        })
    };
    let set = read(&(offline(&pem) + &former(&before))).unwrap();
    assert_eq!(set.all()[0].offline_issuers().count(), 2);
    assert_eq!(set.all()[0].offline().unwrap().pem().trim(), pem.trim());
    for (more, said) in [
        (offline(&(pem.clone() + &before)), "offline.issuer is one certificate"),
        (offline(""), "offline.issuer is one certificate"),
        (
            offline(&pem) + &former("-----BEGIN X-----\nAAAA\n-----END X-----\n"),
            "offline.former is a certificate",
        ),
        (offline(&pem) + &former(&before.repeat(11)), "offline.former names at most ten"),
    ] {
        let faults = read(&more).unwrap_err();
        assert!(faults.contains(said), "{said}: {faults}");
    }
}
