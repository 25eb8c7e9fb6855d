//! Configuration files: signed in bulk, encrypted to one device, verified as a phone does.

use std::os::unix::fs::MetadataExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use signet::keys::software::ForeignKey;
use signet::random::Random;
use signet::trust::signed::SignedFile;
use signet::x509::cert::Certificate;

use super::fixture::Site;
use crate::moving_in;
use crate::openssl::openssl;

const PHONE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<device>\n<fullConfig>true</fullConfig>\n\
    <ipAddressMode>0</ipAddressMode>\n<srstInfo><name>gw</name></srstInfo>\n</device>\n";

/// A cluster whose recovery signer signs files too.
async fn site() -> (Site, Certificate) {
    let site = Site::new().await;
    let signer = site.signer().await;
    site.post(&format!("/anchors/{signer}/roles"), json!({"roles": ["sast", "tftp"]})).await.done(200);
    site.publish().await;
    let shown = site.get(&format!("/anchors/{signer}")).await;
    let certificate = Certificate::read(shown["pem"].as_str().unwrap().as_bytes()).unwrap();
    (site, certificate)
}

/// A certificate with its key, both PEM.
fn device(key: &str) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (private, public) = (path("key"), path("pem"));
    let made = ["req", "-x509", "-newkey", key, "-nodes", "-subj", "/CN=SEP001122334455", "-days", "9"];
    let curve: &[&str] = if key == "ec" { &["-pkeyopt", "ec_paramgen_curve:P-256"] } else { &[] };
    openssl(&[&made[..], curve, &["-keyout", &private, "-out", &public]].concat(), b"");
    (std::fs::read_to_string(&public).unwrap(), std::fs::read_to_string(&private).unwrap())
}

fn item(name: &str, content: &str) -> Value {
    json!({"name": name, "content": STANDARD.encode(content)})
}

fn file(answer: &Value, item: usize, place: usize) -> (String, SignedFile) {
    let file = &answer["items"][item]["files"][place];
    let bytes = STANDARD.decode(file["content"].as_str().unwrap()).unwrap();
    (file["name"].as_str().unwrap().to_owned(), SignedFile::parse(&bytes).unwrap())
}

#[tokio::test]
async fn a_file_is_signed_by_whom_phones_know_and_encrypted_to_one_device() {
    let (site, signer) = site().await;
    let (certificate, key) = device("rsa:2048");
    let mut secret = item("SEP001122334455.cnf.xml", PHONE);
    secret["certificate"] = certificate.into();
    let body = json!({"items": [item("ringlist.xml", "<x/>"), secret]});
    let answer = site.post("/files", body).await.done(200);

    let (name, plain) = file(&answer, 0, 0);
    plain.verify(&signer).unwrap();
    assert_eq!((name.as_str(), plain.content()), ("ringlist.xml.sgn", Some(&b"<x/>"[..])));
    let (name, encrypted) = file(&answer, 1, 0);
    encrypted.verify(&signer).unwrap();
    assert_eq!((name.as_str(), encrypted.content()), ("SEP001122334455.cnf.xml.enc.sgn", None));
    let key = ForeignKey::from_pem(&key, None).unwrap().decrypter(&Random::system()).unwrap();
    assert_eq!(encrypted.open(&*key).unwrap().as_slice(), PHONE.as_bytes());
    let (name, beside) = file(&answer, 1, 1);
    beside.verify(&signer).unwrap();
    let said = String::from_utf8(beside.content().unwrap().to_vec()).unwrap();
    assert_eq!(name, "SEP001122334455.cnf.xml.sgn");
    assert!(said.contains("<fullConfig>false</fullConfig>") && said.contains("<certHash>"), "{said}");
}

#[tokio::test]
async fn each_file_is_decided_on_its_own() {
    let (site, signer) = site().await;
    let mut elliptic = item("SEP001122334455.cnf.xml", PHONE);
    elliptic["certificate"] = device("ec").0.into();
    let mut unknown = item("SEP001122334455.cnf.xml", PHONE);
    unknown["encrypt"] = true.into();
    let mut nobody = item("ringlist.xml", "<x/>");
    nobody["encrypt"] = true.into();
    let items = json!({"items": [item("../x", ""), elliptic, unknown, nobody, item("good.xml", "<x/>")]});
    let answer = site.post("/files", items).await.done(200);
    let codes: Vec<&Value> = answer["items"].as_array().unwrap().iter().map(|item| &item["code"]).collect();
    let (name, device) = ("bad-file-name", "no-device-certificate");
    assert_eq!(
        codes,
        [&json!(name), &json!("device-key-not-rsa"), &json!(device), &json!(device), &Value::Null]
    );
    file(&answer, 4, 0).1.verify(&signer).unwrap();
    let reply = site.post("/files", json!({"items": []})).await;
    assert_eq!(reply.refused(422, "missing-field"), Some("/items".to_owned()));
}

#[tokio::test]
async fn an_srst_certificate_is_put_into_each_before_it_is_signed() {
    let (site, signer) = site().await;
    let (gateway, _) = device("rsa:2048");
    let body = json!({"items": [item("SEP001122334455.cnf.xml", PHONE), item("x.xml", "<x/>")],
        "srst_certificate": gateway, "srst_element": "certificate1"});
    let answer = site.post("/files", body).await.done(200);
    let (_, signed) = file(&answer, 0, 0);
    signed.verify(&signer).unwrap();
    let der = STANDARD.encode(Certificate::read(gateway.as_bytes()).unwrap().der());
    let said = String::from_utf8(signed.content().unwrap().to_vec()).unwrap();
    assert!(said.contains(&format!("<certificate1>{der}</certificate1>")), "{said}");
    assert_eq!(answer["items"][1]["code"], "bad-phone-configuration", "there is no srstInfo in it");
}

#[tokio::test]
async fn a_cluster_without_a_file_signer_says_how_to_get_one() {
    let site = Site::new().await;
    let reply = site.post("/files", json!({"items": [item("x.xml", "<x/>")]})).await;
    reply.refused(409, "no-file-signer");
    assert!(reply.text().contains("signet trust anchor add hq --own tftp"), "{}", reply.text());
    let operator = site.api.token("e", "enroller").await;
    let body = json!({"items": [item("x.xml", "<x/>")]}).to_string();
    site.api.post_as(&operator, "/api/v1/clusters/hq/files", &body).await.refused(403, "forbidden");
}

/// With --watch what changes is signed, and nothing else.
fn watched(site: &moving_in::Site, sign: &[&str]) {
    let out = site.path("signed/new.xml.sgn");
    let inode = || std::fs::metadata(site.path("signed/SEP001122300001.cnf.xml.sgn")).unwrap().ino();
    let before = inode();
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| site.home.run(&[sign, &["--watch", "1", "--times", "12"]].concat()));
        let start = std::time::Instant::now();
        let mut is_written = false;
        while !out.exists() && start.elapsed().as_secs() < 120 && !watching.is_finished() {
            // It is new once the first look is over.
            if inode() != before && !is_written {
                is_written = true;
                std::fs::write(site.path("tftp/new.xml"), "<new/>").unwrap();
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let (code, told, said) = watching.join().unwrap();
        assert_eq!(code, 0, "{said}");
        let looks: Vec<&str> = told.lines().filter(|line| line.starts_with("signed ")).collect();
        assert_eq!(looks.len(), 2, "{told}");
        assert!(looks[0].starts_with("signed 130,") && looks[1].starts_with("signed 1,"), "{told}");
    });
    std::fs::remove_file(site.path("tftp/new.xml")).unwrap();
    std::fs::remove_file(out).unwrap();
}

#[test]
fn a_folder_is_signed_verified_by_the_list_and_opened() {
    let site = moving_in::Site::new();
    let path = |name: &str| site.path(name).display().to_string();
    let on = |arguments: &[&str]| {
        let (code, out, said) = site.home.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        out
    };
    let (from, out, list) = (path("tftp"), path("signed"), path("ITLFile.tlv"));
    std::fs::create_dir_all(&from).unwrap();
    let long = "x".repeat(9000);
    for number in 0..130 {
        let text = format!("<device><n>{number}</n><x>{long}</x></device>");
        std::fs::write(site.path(&format!("tftp/SEP0011223{number:05}.cnf.xml")), text).unwrap();
    }
    std::fs::write(site.path("tftp/old.xml.sgn"), "signed before").unwrap();
    site.json(&["trust", "cluster", "create", "hq"]);
    let sign = ["file", "sign", &from, "--cluster", "hq", "--out", &out];
    let (code, said) = site.refused(&sign);
    assert!(code == 1 && said.contains("--own tftp"), "{said}");
    on(&["trust", "anchor", "add", "hq", "--own", "tftp"]);
    on(&["trust", "publish", "hq"]);
    on(&["trust", "release", "download", "hq", "itl", "--out", &list]);

    let report = site.json(&sign);
    assert_eq!((&report["signed"], &report["refused"]), (&130.into(), &0.into()));
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 130);
    let one = format!("{out}/SEP001122300077.cnf.xml.sgn");
    let said = on(&["file", "verify", &one, "--list", &list]);
    assert!(said.starts_with("SEP001122300077.cnf.xml.sgn: signed by CN=Signet TFTP"), "{said}");
    let opened = path("opened.xml");
    on(&["file", "open", &one, "--out", &opened]);
    let plain = site.path("tftp/SEP001122300077.cnf.xml");
    assert_eq!(std::fs::read(&opened).unwrap(), std::fs::read(plain).unwrap());

    watched(&site, &sign);

    let mut forged = std::fs::read(&one).unwrap();
    let last = forged.len() - 2;
    forged[last] ^= 1;
    std::fs::write(&one, &forged).unwrap();
    let (code, said) = site.refused(&["file", "verify", &one, "--list", &list]);
    assert!(code == 1 && said.contains("signature does not hold"), "{said}");
    // Nobody confirmed a certificate: none of them can be encrypted, and the exit code says so.
    let (code, told, _) = site.home.run(&[&sign[..], &["--encrypt"]].concat());
    assert!(
        code == 1 && told.contains("no-device-certificate") && told.contains("signed 0, refused 130"),
        "{told}"
    );
}
