//! A phone of the scenario: the client in Python with this phone's files, and what it saw.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::client::{PYTHON, SCRIPTS, script};

/// One phone and the folder where it keeps its keys and certificates.
pub struct Phone {
    folder: tempfile::TempDir,
    pub name: String,
}

impl Phone {
    pub fn new(name: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), name: name.to_owned() }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn path(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    /// The flags that prove it by the certificate `kind` of its folder.
    pub fn by(&self, kind: &str) -> Vec<String> {
        let (certificate, key) = (self.path(&format!("{kind}.pem")), self.path(&format!("{kind}.key")));
        vec!["--certificate".into(), certificate, "--certificate-key".into(), key]
    }

    /// The flags that make its new key and certificate `kind` of its folder.
    pub fn makes(&self, kind: &str) -> Vec<String> {
        let (certificate, key) = (self.path(&format!("{kind}.pem")), self.path(&format!("{kind}.key")));
        vec!["--lsc".into(), certificate, "--key".into(), key]
    }

    /// Gives it certificates of the maker in `factory` (`capf_pki.py` lists the kinds).
    pub fn manufacture(&self, factory: &Path, kinds: &[&str]) {
        for name in ["root.pem", "root.key"] {
            std::fs::copy(factory.join(name), self.file(name)).unwrap();
        }
        let folder = self.folder.path().to_str().unwrap();
        script("capf_pki.py", &[&[folder, self.name.as_str()], kinds].concat());
    }

    /// The SubjectPublicKeyInfo (hex) of a new EC key that is kept in `key`.
    pub fn spki(&self, key: &str, curve: &str) -> String {
        let key = self.path(key);
        let made =
            ["genpkey", "-algorithm", "EC", "-pkeyopt", &format!("ec_paramgen_curve:{curve}"), "-out", &key];
        assert!(std::process::Command::new("openssl").args(made).status().unwrap().success());
        let public = ["pkey", "-in", &key, "-pubout", "-outform", "DER"];
        let der = std::process::Command::new("openssl").args(public).output().unwrap().stdout;
        der.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn client(&self, address: &str, flags: &[&str]) -> Command {
        let mut command = Command::new(PYTHON);
        command.args(["-B", "-W", "ignore"]).arg(format!("{SCRIPTS}capf_client.py"));
        command.args([address, &self.name]).args(flags).kill_on_drop(true);
        command
    }

    /// Comes to the server at `address`.
    pub async fn comes(&self, address: &str, flags: &[&str]) -> Seen {
        let ran = self.client(address, flags).stdin(Stdio::null()).output().await;
        Seen::of(&ran.unwrap_or_else(|e| panic!("{PYTHON}: {e}; tests/setup installs it")))
    }

    /// The same, and is silent from `stage` on until it goes on.
    pub async fn waits(&self, address: &str, stage: &str, flags: &[&str]) -> Waiting {
        let mut command = self.client(address, &[flags, &["--wait-at", stage]].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{PYTHON}: {e}; tests/setup installs it"));
        let (mut line, out) = (String::new(), child.stdout.as_mut().unwrap());
        while !line.ends_with('\n') {
            line.push(char::from(out.read_u8().await.unwrap_or_else(|_| panic!("it ended: {line}"))));
        }
        assert!(line.contains(&format!("\"waiting\": \"{stage}\"")), "{line}");
        Waiting(child)
    }
}

/// A phone that is connected and silent.
pub struct Waiting(Child);

impl Waiting {
    /// It says what it was about to say; what it saw in the end.
    pub async fn goes_on(mut self) -> Seen {
        drop(self.0.stdin.take());
        Seen::of(&self.0.wait_with_output().await.unwrap())
    }
}

/// What the client saw.
#[derive(Debug)]
pub struct Seen(pub Value);

impl Seen {
    #[track_caller]
    fn of(ran: &Output) -> Self {
        let seen = serde_json::from_slice(&ran.stdout);
        Self(seen.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&ran.stderr))))
    }

    /// Ended by EndSession with this reason, and no rule broken by the server.
    #[track_caller]
    pub fn ends(self, reason: u64) -> Self {
        assert_eq!(self.0["outcome"], "ended", "{}", self.0);
        assert_eq!(self.0["reason"], reason, "{}", self.0);
        self.fair()
    }

    /// The server broke no rule.
    #[track_caller]
    pub fn fair(self) -> Self {
        assert_eq!(self.0["violations"], serde_json::json!([]), "{}", self.0);
        self
    }

    /// It ended otherwise: `cut`, `closed`, `timeout`, `tls-error`.
    #[track_caller]
    pub fn outcome(self, outcome: &str) -> Self {
        assert_eq!(self.0["outcome"], outcome, "{}", self.0);
        self
    }

    /// The serial number of the certificate that it got.
    #[track_caller]
    pub fn serial(&self) -> String {
        self.0["serial"].as_str().unwrap_or_else(|| panic!("no certificate: {}", self.0)).to_owned()
    }

    /// The messages that it got, by name.
    pub fn received(&self) -> Vec<&str> {
        self.0["received"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect()
    }

    /// The keys that it was asked for.
    pub fn asked(&self) -> Vec<&str> {
        self.0["asked"].as_array().unwrap().iter().map(|k| k.as_str().unwrap()).collect()
    }
}
