//! Files encrypted to what a phone really holds: installed over CAPF by a client that keeps its key, signed by the command
//! line and by the watched folder, opened by a reader in Python.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::capf::phone::Phone;
use crate::serve::Home;
use crate::trust_formats::estate::python;

const PHONE: &str = "SEP001122334455";
const CONFIGURATION: &str =
    "<?xml version=\"1.0\"?>\n<device><ipAddressMode>0</ipAddressMode><secret>4711</secret></device>\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_encrypted_to_the_lsc_of_the_inventory_by_command_and_by_folder() {
    let (home, work) = (Home::new(), tempfile::tempdir().unwrap());
    let path = |name: &str| work.path().join(name).display().to_string();
    let (from, watched) = (path("tftp"), path("watched"));
    let encrypted = work.path().join("watched/hq/encrypted");
    std::fs::create_dir_all(&from).unwrap();
    std::fs::create_dir_all(&encrypted).unwrap();
    let _server = home.up_with(&["--capf", "127.0.0.1:0", "--sign-from", &watched]);
    let on = |arguments: &[&str]| {
        let (code, out, said) = home.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        out
    };
    on(&["trust", "cluster", "create", "hq", "--with-tftp"]);
    on(&["trust", "publish", "hq"]);
    let install = ["--operation", "install", "--auth", "string", "--string", "471100", "--key", "rsa-2048"];
    on(&[&["device", "add", PHONE, "--profile", "capf-lsc"][..], &install].concat());
    let listeners: Value = serde_json::from_str(&home.read("listeners.json")).unwrap();
    let phone = Phone::new(PHONE);
    let flags = phone.makes("lsc");
    let flags: Vec<&str> =
        ["--password", "471100"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    phone.comes(listeners["capf"].as_str().unwrap(), &flags).await.ends(1);

    let name = format!("{PHONE}.cnf.xml");
    std::fs::write(work.path().join("tftp").join(&name), CONFIGURATION).unwrap();
    on(&["file", "sign", &from, "--cluster", "hq", "--out", &path("signed"), "--encrypt"]);
    std::fs::write(encrypted.join(&name), CONFIGURATION).unwrap();
    let served = home.file("files/hq");
    until(|| served.join(format!("{name}.sgn")).exists(), || home.log());

    let (signer, lsc) = (path("signer.der"), path("lsc.der"));
    for (out, pem) in [(&signer, signing_certificate(&home)), (&lsc, read(&phone.path("lsc.pem")))] {
        crate::openssl::openssl(&["x509", "-outform", "DER", "-out", out], &pem);
    }
    for folder in [path("signed"), served.display().to_string()] {
        let file = |suffix: &str| format!("{folder}/{name}{suffix}");
        let opened = python("signed_file.py", &["open", &file(".enc.sgn"), &signer, &phone.path("lsc.key")]);
        assert_eq!(String::from_utf8(opened).unwrap(), CONFIGURATION, "{folder}");
        let beside = path("beside.xml");
        std::fs::write(&beside, python("signed_file.py", &["open", &file(".sgn"), &signer])).unwrap();
        python("signed_file.py", &["judge-companion", &beside, &format!("{from}/{name}"), &lsc]);
    }
}

/// The PEM of who signs files.
fn signing_certificate(home: &Home) -> Vec<u8> {
    let run = |arguments: &[&str]| -> Value {
        let (code, out, said) = home.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(code, 0, "{said}");
        serde_json::from_str(&out).unwrap()
    };
    let anchors = run(&["trust", "anchor", "list", "hq"]);
    let signs = |anchor: &&Value| anchor["source_name"] == "tftp";
    let sha256 = anchors["items"].as_array().unwrap().iter().find(signs).unwrap()["sha256"].clone();
    let shown = run(&["trust", "anchor", "show", "hq", sha256.as_str().unwrap()]);
    shown["pem"].as_str().unwrap().as_bytes().to_vec()
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

fn until(is_done: impl Fn() -> bool, log: impl Fn() -> String) {
    let start = Instant::now();
    while !is_done() {
        assert!(start.elapsed() < Duration::from_secs(120), "it was not signed\n{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
}
