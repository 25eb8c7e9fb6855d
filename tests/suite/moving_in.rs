//! CAs of other programs move in: what they revoked stays revoked, what they issued is known, and they go on issuing.

mod bad;
mod old_ca;
mod others;
mod renewal;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use self::old_ca::OldCa;
use super::serve::{Home, Server};

/// A server, and a folder beside it.
pub(super) struct Site {
    pub(super) home: Home,
    pub(super) server: Server,
    pub(super) work: tempfile::TempDir,
}

impl Site {
    pub(super) fn new() -> Self {
        let home = Home::new();
        let server = home.up();
        Self { home, server, work: tempfile::tempdir().unwrap() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    /// Runs to the end, done; gives its document.
    #[track_caller]
    pub(super) fn json(&self, arguments: &[&str]) -> Value {
        let (code, out, said) = self.home.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(code, 0, "{arguments:?}: {said}");
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {out}"))
    }

    /// Runs to its refusal; gives exit code and what it says.
    #[track_caller]
    pub(super) fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let (code, out, said) = self.home.run(arguments);
        assert_ne!(code, 0, "{arguments:?}: {out}");
        (code, said)
    }

    /// One of the examples, as a user runs it.
    #[track_caller]
    pub(super) fn example(&self, name: &str, arguments: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/moving-in").join(name);
        let program = Path::new(env!("CARGO_BIN_EXE_signet")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.arg(script).args(arguments).env("PATH", path).env("SIGNET_DATA", self.home.data());
        let ran = command.output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success(), "{said}");
        said
    }

    /// The CRL of a CA as it is served, in a file.
    pub(super) fn crl(&self, id: &str) -> PathBuf {
        let der = self.server.fetch(&format!("/crl/{id}.crl"));
        let (file, pem) = (self.path(&format!("{id}.crl")), self.path(&format!("{id}.crl.pem")));
        std::fs::write(&file, der).unwrap();
        openssl(self.work.path(), &["crl", "-inform", "DER", "-in", text(&file), "-out", text(&pem)]);
        pem
    }

    /// Ends the server as a power cut would, and starts it again.
    fn kill_and_start(&mut self) {
        self.server.kill();
        // What the killed one left would be taken for the new one's addresses.
        std::fs::remove_file(self.home.file("listeners.json")).unwrap();
        self.server = self.home.up();
    }

    #[track_caller]
    pub(super) fn clean(&self) {
        assert_eq!(self.json(&["check"])["ok"], true);
        assert_eq!(self.json(&["audit", "verify"])["intact"], true);
    }
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
pub(super) fn openssl(dir: &Path, arguments: &[&str]) -> String {
    let ran = Command::new("openssl").args(arguments).current_dir(dir).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// What openssl says of a certificate under a CA and its CRL: whether it holds, and the text.
pub(super) fn verified(ca: &Path, crl: &Path, certificate: &Path) -> (bool, String) {
    let ran = Command::new("openssl")
        .args(["verify", "-crl_check", "-CAfile", text(ca), "-CRLfile", text(crl), text(certificate)])
        .output()
        .unwrap();
    (ran.status.success(), String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned())
}

/// The serial number, as openssl prints it.
pub(super) fn serial(certificate: &Path) -> String {
    let told = openssl(Path::new("."), &["x509", "-in", text(certificate), "-noout", "-serial"]);
    told.trim().strip_prefix("serial=").unwrap().to_owned()
}

#[test]
fn a_ca_of_openssl_moves_in_with_all_that_it_revoked_and_goes_on_issuing() {
    let site = Site::new();
    let old = OldCa::new(&site.path("demoCA"));
    let good = old.issue("gw1.example.org");
    let stolen = old.issue("gw2.example.org");
    let replaced = old.issue("gw3.example.org");
    old.revoke(&stolen, "keyCompromise");
    old.revoke(&replaced, "superseded");
    old.publish_crl();
    old.publish_crl();
    // Of one of them only the line in the index is left.
    let lost = serial(&replaced);
    std::fs::rename(&replaced, site.path("replaced.pem")).unwrap();
    let (replaced, folder) = (site.path("replaced.pem"), site.path("demoCA"));

    let said = site.example("openssl-ca.sh", &[text(&folder), "old-ca", "scep-device"]);
    assert!(said.contains("old-ca is one of our CAs; its CRL 3 lists 2 revocations"), "{said}");
    assert!(said.contains("certificates: 2 read, 2 taken in"), "{said}");

    let crl = site.crl("old-ca");
    let ca = folder.join("cacert.pem");
    assert!(verified(&ca, &crl, &good).0);
    for revoked in [&stolen, &replaced] {
        let (holds, said) = verified(&ca, &crl, revoked);
        assert!(!holds && said.contains("certificate revoked"), "{said}");
    }
    let listed = openssl(site.work.path(), &["crl", "-in", text(&crl), "-noout", "-text"]);
    assert!(listed.contains("Key Compromise") && listed.contains("Superseded"), "{listed}");
    assert!(listed.contains("CRL Number: \n                3"), "above the two of theirs: {listed}");

    let shown = site.json(&["cert", "show", &serial(&stolen)]);
    assert_eq!((&shown["status"], &shown["reason"]), (&"revoked".into(), &"key-compromise".into()));
    let listed = site.json(&["cert", "list", "--search", "gw1.example.org"]);
    assert_eq!(listed["items"][0]["serial"], serial(&good).as_str());
    assert_eq!(
        (&listed["items"][0]["device"], &listed["items"][0]["profile"]),
        (&"gw1.example.org".into(), &"scep-device".into())
    );
    let (_, said) = site.refused(&["cert", "show", &lost]);
    assert!(said.contains("no certificate"), "{said}");

    let ours = site.json(&["ca", "show", "old-ca"]);
    assert_eq!((&ours["key"], &ours["state"]), (&"present".into(), &"active".into()));
    let new = site.issue_from("old-ca", "www.example.org");
    let (holds, said) = verified(&ca, &site.crl("old-ca"), &new);
    assert!(holds, "{said}");
    site.clean();
}

#[test]
fn a_second_import_changes_nothing_and_an_unfinished_one_is_no_ca() {
    let mut site = Site::new();
    let folder = site.path("demoCA");
    let old = OldCa::new(&folder);
    let first = old.issue("gw1.example.org");
    old.revoke(&first, "cessationOfOperation");
    let stranger = OldCa::new(&site.path("other")).issue("gw1.example.org");
    std::fs::copy(&stranger, folder.join("newcerts/stranger.pem")).unwrap();
    std::fs::write(folder.join("newcerts/broken.pem"), "-----BEGIN CERTIFICATE-----\nMIIB\n").unwrap();
    let import = old.arguments("old-ca");
    let import: Vec<&str> = import.iter().map(String::as_str).collect();
    let cas = |site: &Site| site.json(&["ca", "list"])["items"].as_array().unwrap().len();
    let before = cas(&site);

    let dry = site.json(&[&import[..], &["--dry-run"]].concat());
    assert_eq!((dry["state"].as_str(), dry["certificates"]["refused"].as_u64()), (Some("checked"), Some(2)));
    let (code, said) = site.refused(&[&import[..], &["--strict"]].concat());
    assert!(code == 1 && said.contains("nothing is active yet"), "{said}");
    assert_eq!(cas(&site), before, "neither a dry run nor a stopped import makes a CA");
    site.clean();
    let (_, said) = site.refused(&["ca", "create", "old-ca", "--root"]);
    assert!(said.contains("is being brought in"), "the name is taken by the import: {said}");
    site.kill_and_start();

    let done = site.json(&import);
    assert_eq!(done["state"], "active");
    let counts = &done["certificates"];
    assert_eq!((counts["read"].as_u64(), counts["refused"].as_u64()), (Some(3), Some(2)), "{done}");
    let reasons: Vec<_> =
        done["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert!(reasons.contains(&"foreign-certificate") && reasons.contains(&"bad-pem"), "{done}");
    assert!(done["warnings"][0].as_str().unwrap().contains("seconds since 1970"), "{done}");
    assert_eq!((done["crl"]["entries"].as_u64(), cas(&site)), (Some(1), before + 1));
    let events = || site.json(&["audit", "list", "--limit", "1"])["items"][0]["seq"].clone();
    let seq = events();

    let again = site.json(&import);
    assert_eq!((&again["crl"], again["certificates"]["known"].as_u64()), (&done["crl"], Some(1)));
    assert_eq!(again["revocations"]["known"], 1);
    assert_eq!(events(), seq, "nothing was written");
    site.clean();
}

#[test]
fn two_cas_may_have_given_the_same_short_serial_number() {
    let site = Site::new();
    for id in ["voice", "data"] {
        let folder = site.path(id);
        let old = OldCa::new(&folder);
        old.issue(&format!("{id}.example.org"));
        let arguments = old.arguments(id);
        site.json(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let (code, said) = site.refused(&["cert", "show", "1000"]);
    assert!(code == 1 && said.contains("data.1000") && said.contains("voice.1000"), "{said}");
    assert_eq!(site.json(&["cert", "show", "data.1000"])["ca"], "data");
    assert_eq!(site.json(&["cert", "list", "--serial", "1000"])["items"].as_array().unwrap().len(), 2);
    site.json(&["cert", "revoke", "voice.1000", "--reason", "superseded"]);
    assert_eq!(site.json(&["cert", "show", "voice.1000"])["status"], "revoked");
    assert_eq!(site.json(&["cert", "show", "data.1000"])["status"], "good");
    site.clean();
}

impl Site {
    /// A new certificate from a CA, by a profile that names it.
    fn issue_from(&self, ca: &str, name: &str) -> PathBuf {
        let file = self.home.file("policies/profiles/tls-server.toml");
        let profile =
            std::fs::read_to_string(&file).unwrap().replace("ca = \"ec-issuing\"", &format!("ca = \"{ca}\""));
        std::fs::write(&file, profile).unwrap();
        self.json(&["profile", "reload"]);
        let (key, csr, out) = (self.path("www.key"), self.path("www.csr"), self.path("www.pem"));
        let (subject, san) = (format!("/CN={name}"), format!("subjectAltName=DNS:{name}"));
        openssl(
            self.work.path(),
            &[
                "req",
                "-new",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                &subject,
                "-addext",
                &san,
                "-keyout",
                text(&key),
                "-out",
                text(&csr),
            ],
        );
        let issued = self.json(&["cert", "issue", "--profile", "tls-server", "--csr", text(&csr)]);
        std::fs::write(&out, issued["pem"].as_str().unwrap()).unwrap();
        out
    }
}
