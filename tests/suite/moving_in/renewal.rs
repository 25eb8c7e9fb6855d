//! A device whose certificate the old CA issued renews by SCEP, with strongSwan's `pki`.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::old_ca::OldCa;
use super::{Site, serial, text, verified};

#[test]
fn a_certificate_of_the_old_ca_renews_by_scep() {
    let site = Site::new();
    let folder = site.path("old");
    let old = OldCa::new(&folder);
    let certificate = old.issue("gw1.example.org");
    let mut import = old.arguments("old");
    import.extend(["--profile", "scep-device"].map(str::to_owned));
    site.json(&import.iter().map(String::as_str).collect::<Vec<_>>());
    let file = site.home.file("policies/profiles/scep-device.toml");
    let profile = std::fs::read_to_string(&file).unwrap().replace("ca = \"rsa-issuing\"", "ca = \"old\"");
    std::fs::write(&file, profile).unwrap();
    site.json(&["profile", "reload"]);

    let listeners: Value = serde_json::from_str(&site.home.read("listeners.json")).unwrap();
    let url = format!("http://{}/scep", listeners["http"].as_str().unwrap());
    let (ra, ca, key, new) =
        (site.path("ra.pem"), site.path("ca.pem"), site.path("new.key"), site.path("new.pem"));
    let pki = |arguments: &[&str]| {
        let ran = Command::new("pki").args(arguments).output().unwrap();
        if ran.status.success() {
            Ok(ran.stdout)
        } else {
            Err(String::from_utf8_lossy(&ran.stderr).into_owned())
        }
    };
    // The registration authority of the profile's new CA is made within seconds.
    let start = Instant::now();
    let fetch = [
        "--scepca",
        "--url",
        &url,
        "--caout",
        text(&ca),
        "--raout",
        text(&ra),
        "--outform",
        "pem",
        "--force",
    ];
    while pki(&fetch).is_err() || !verified_as_ca(&ca, &folder.join("cacert.pem")) {
        assert!(start.elapsed() < Duration::from_secs(60), "no registration authority: {:?}", pki(&fetch));
        std::thread::sleep(Duration::from_millis(200));
    }
    super::openssl(site.work.path(), &["genrsa", "-traditional", "-out", text(&key), "2048"]);
    let old_key = folder.join("requests/gw1.example.org.key");
    let renewed = pki(&[
        "--scep",
        "--url",
        &url,
        "--in",
        text(&key),
        "--dn",
        "CN=gw1.example.org",
        "--outform",
        "pem",
        "--cacert-enc",
        text(&ra),
        "--cacert-sig",
        text(&ra),
        "--cacert",
        text(&ca),
        "--cert",
        text(&certificate),
        "--key",
        text(&old_key),
    ]);
    std::fs::write(&new, renewed.unwrap()).unwrap();
    let (holds, said) = verified(&folder.join("cacert.pem"), &site.crl("old"), &new);
    assert!(holds, "{said}");
    let shown = site.json(&["cert", "show", &serial(&new)]);
    assert_eq!(shown["renews"], serial(&certificate).as_str());
    site.clean();
}

/// Whether what GetCACert gave is the old CA.
fn verified_as_ca(fetched: &std::path::Path, old: &std::path::Path) -> bool {
    let pem = |file| std::fs::read_to_string(file).unwrap_or_default().replace(char::is_whitespace, "");
    pem(fetched).contains(&pem(old))
}
