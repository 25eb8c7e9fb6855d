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

/// Two certificates of one CA's key, each in a profile; the one that is read first is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_is_named_by_two_of_its_certificates_is_believed_while_one_is_in_date() {
    let folder = tempfile::tempdir().unwrap();
    let stage = later().await;
    let issuer = ca(folder.path());
    let same = ["req", "-x509", "-key", "ca.key", "-subj", "/O=Example/CN=Offline CA", "-days", "2"];
    let short = openssl(folder.path(), &[&same[..], &["-extensions", "e", "-config", "ca.cnf"]].concat());
    stage.profile("before", &offline(&short)).await;
    stage.profile("elsewhere", &offline(&issuer)).await;
    let phone = holding(&stage, folder.path(), 1, "p-256").await;
    stage.clock.advance(Duration::from_hours(24 * 4));
    stage.operation(&phone, "install", "existing-lsc", None, "p-256").await;
    let by = [phone.by("lsc"), words(&["--no-password"])];
    comes(&stage, &phone, &by).await.ends(0);
    let serial = stage.lsc_serial(&phone).await.unwrap();
    stage.policy("offline-crls", "offline.crl", &revoking(folder.path(), &serial)).await;
    stage.operation(&phone, "install", "existing-lsc", None, "p-256").await;
    is_refused(&stage, &phone, &by, "invalid-lsc").await;
}

/// What a phone had that was deleted is no proof of the one that bears its name now.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_was_deleted_and_added_again_does_not_prove_itself_by_what_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let stage = later().await;
    stage.profile("elsewhere", &offline(&ca(folder.path()))).await;
    let phone = holding(&stage, folder.path(), 1, "p-256").await;
    let by = [phone.by("lsc"), words(&["--no-password"])];
    stage.operation(&phone, "install", "existing-lsc", None, "p-256").await;
    comes(&stage, &phone, &by).await.ends(0);
    stage.call("DELETE", &format!("/devices/{}", phone.name), None).await;
    stage.clock.advance(Duration::from_secs(1));
    stage.call("POST", "/devices", Some(json!({"name": phone.name, "profile": "elsewhere"}))).await;
    stage.operation(&phone, "install", "existing-lsc", None, "p-256").await;
    is_refused(&stage, &phone, &by, "invalid-lsc").await;
    let said = stage.call("GET", "/audit?action=capf.refuse&limit=1", None).await.to_string();
    assert!(said.contains("certificate-not-on-record"), "{said}");
}

/// Also where the certificate before was of a CA elsewhere, and the next is of ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_wants_a_new_key_takes_none_that_a_ca_certified_before() {
    let folder = tempfile::tempdir().unwrap();
    let stage = later().await;
    stage.profile("elsewhere", &offline(&ca(folder.path()))).await;
    stage.profile_with("strict", |lsc| lsc.replace("key_reuse = true", "key_reuse = false")).await;
    let moved = holding(&stage, folder.path(), 1, "p-256").await;
    let path = format!("/devices/{}", moved.name);
    stage.call("PATCH", &path, Some(json!({"profile": "strict"}))).await;
    let ours = stage.added("SEP000000000002", "strict").await;
    stage.operation(&ours, "install", "string", Some("4711"), "p-256").await;
    let made = ours.makes("lsc");
    let flags = [words(STRING), made];
    comes(&stage, &ours, &flags).await.ends(1);
    for (phone, live) in [(&moved, 0), (&ours, 1)] {
        stage.operation(phone, "install", "existing-lsc", None, "p-256").await;
        let key = phone.path("lsc.key");
        let by = [phone.by("lsc"), words(&["--no-password"])];
        comes(&stage, phone, &[by.concat(), words(&["--key", &key])]).await.ends(7);
        assert_eq!(stage.live(phone).await.len(), live);
        let said = stage.call("GET", "/audit?action=capf.refuse&limit=1", None).await.to_string();
        assert!(said.contains("the profile wants a new key on renewal"), "{said}");
        stage.operation(phone, "install", "existing-lsc", None, "p-256").await;
        comes(&stage, phone, &[by.concat(), phone.makes("next")]).await.ends(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_its_ca_lists_is_not_brought_in() {
    let folder = tempfile::tempdir().unwrap();
    let stage = later().await;
    stage.profile("elsewhere", &offline(&ca(folder.path()))).await;
    let phone = left_its_key(&stage, 1, "p-256").await;
    let pem = signed(folder.path(), &request(&stage).await, AS_ASKED);
    let serial = Certificate::read(pem.as_bytes()).unwrap().serial().to_string();
    stage.policy("offline-crls", "offline.crl", &revoking(folder.path(), &serial)).await;
    let outcome = brought(&stage, &pem).await;
    assert_eq!((&outcome["outcome"], &outcome["code"]), (&json!("refused"), &json!("offline-misfit")));
    assert!(outcome["detail"].as_str().unwrap().contains("revoked it"), "{outcome}");
    assert_eq!(stage.state(&phone).await, ("pending".into(), None));
}

/// A list in DER by which the CA revokes this number.
fn revoking(folder: &Path, serial: &str) -> Vec<u8> {
    list(folder, serial, "01", "")
}

/// The same with this CRL number and more extensions. Its next update was due long ago.
fn list(folder: &Path, serial: &str, number: &str, more: &str) -> Vec<u8> {
    let config = format!(
        "[ca]\ndefault_ca=m\n[m]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\ncrl_extensions=e\n\
         [e]\nauthorityKeyIdentifier=keyid\n{more}"
    );
    std::fs::write(folder.join("crl.cnf"), config).unwrap();
    std::fs::write(
        folder.join("index"),
        format!("R\t450101000000Z\t260101000000Z\t{serial}\tunknown\t/CN=x\n"),
    )
    .unwrap();
    std::fs::write(folder.join("number"), format!("{number}\n")).unwrap();
    let times = ["-crl_lastupdate", "20260102000000Z", "-crl_nextupdate", "20260103000000Z"];
    let by = ["-cert", "ca.pem", "-keyfile", "ca.key", "-out", "list.pem"];
    openssl(folder, &[&["ca", "-gencrl", "-config", "crl.cnf"], &times[..], &by].concat());
    openssl(folder, &["crl", "-in", "list.pem", "-outform", "DER", "-out", "list.crl"]);
    std::fs::read(folder.join("list.crl")).unwrap()
}

/// The profile `elsewhere` alone, of this CA.
fn profile_of(pem: &str) -> ProfileSet {
    let lsc =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/policies/profiles/capf-lsc.toml"));
    let profile = format!("{}\n{}", lsc.unwrap(), offline(pem));
    ProfileSet::from_sources(vec![("elsewhere".to_owned(), profile)]).unwrap()
}

#[test]
fn lists_are_read_as_a_whole_and_belong_to_a_ca_that_a_profile_names() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (pem, _) = (ca(folder.path()), ca(other.path()));
    let set = profile_of(&pem);
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
    let part = "issuingDistributionPoint=critical,@p\n[p]\nfullname=URI:http://crl.example/1.crl\n";
    for (bad, said) in [
        (revoking(other.path(), "0A0B"), "not by this CA's key"),
        (list(folder.path(), "0A0B", "02", part), "a part of the list"),
        (b"nothing".to_vec(), "exactly one CRL is expected"),
    ] {
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

/// Made in the same second; numbers go up to twenty octets.
#[test]
fn of_two_lists_of_one_ca_the_higher_number_stands_and_of_equals_both() {
    let folder = tempfile::tempdir().unwrap();
    let pem = ca(folder.path());
    let (set, ca) = (profile_of(&pem), Certificate::read(pem.as_bytes()).unwrap());
    for (numbers, revoked) in [
        (["02", "01"], [true, false]),
        (["FF", "0100"], [false, true]),
        (["0123456789ABCDEF0123", "0123456789ABCDEF0122"], [true, false]),
        (["03", "03"], [true, true]),
    ] {
        let policies = tempfile::tempdir().unwrap();
        let place = policies.path().join("offline-crls");
        std::fs::create_dir(&place).unwrap();
        for (file, serial, number) in [("a.crl", "0A0B", numbers[0]), ("b.crl", "0A0C", numbers[1])] {
            std::fs::write(place.join(file), list(folder.path(), serial, number, "")).unwrap();
        }
        let lists = OfflineLists::load(policies.path(), &set).unwrap();
        assert_eq!(lists.count(), 1);
        let found = ["0A0B", "0A0C"].map(|serial| lists.is_revoked(&ca, &serial.parse().unwrap()));
        assert_eq!(found, revoked, "{numbers:?}");
    }
}
