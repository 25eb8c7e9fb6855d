//! certmonger's daemon on a socket of its own (no D-Bus daemon), driven by `getcert` as an administrator would.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::profiles::{CHALLENGE, MANUAL};
use super::{Row, Stage};
use crate::server::{Ran, read, run, run_with};

const SESSION: &str = "/usr/lib/certmonger/certmonger-session";

/// The daemon holds on for as long as this runs; it tells where the daemon listens.
const HOLD: &str = "#!/bin/sh
echo \"$CERTMONGER_PVT_ADDRESS\" > \"$HOME/address.new\" && mv \"$HOME/address.new\" \"$HOME/address\"
while kill -0 $PPID 2>/dev/null; do sleep 1; done
";

struct Certmonger<'a> {
    stage: &'a Stage,
    home: PathBuf,
    daemon: Child,
    address: String,
}

impl<'a> Certmonger<'a> {
    fn start(stage: &'a Stage) -> Self {
        let home = stage.folder("certmonger");
        let hold = home.join("hold");
        std::fs::write(&hold, HOLD).unwrap();
        run("chmod", &["+x", hold.to_str().unwrap()]).ok();
        let daemon = Command::new(SESSION)
            .args(["-n", "-L", "-d", "1", "-P"])
            .arg(home.join("socket"))
            .arg("-c")
            .arg(&hold)
            .env("HOME", &home)
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(home.join("log")).unwrap())
            .spawn()
            .unwrap_or_else(|e| panic!("{SESSION}: {e}; tests/setup installs it"));
        let mut certmonger = Self { stage, home, daemon, address: String::new() };
        let start = Instant::now();
        while certmonger.address.is_empty() {
            assert!(start.elapsed() < Duration::from_secs(30), "{}", certmonger.log());
            std::thread::sleep(Duration::from_millis(50));
            certmonger.address = std::fs::read_to_string(certmonger.home.join("address"))
                .unwrap_or_default()
                .trim()
                .to_owned();
        }
        certmonger
    }

    fn file(&self, name: &str) -> String {
        self.home.join(name).to_str().unwrap().to_owned()
    }

    fn log(&self) -> String {
        read(self.home.join("log"))
    }

    fn getcert(&self, arguments: &[&str]) -> Ran {
        run_with("getcert", arguments, &[("CERTMONGER_PVT_ADDRESS", &self.address)])
    }

    fn request(&self, ca: &str, id: &str, subject: &str, more: &[&str]) {
        let (key, certificate) = (self.file(&format!("{id}.key")), self.file(&format!("{id}.pem")));
        let mut all = vec!["request", "-c", ca, "-I", id, "-k", &key, "-f", &certificate, "-N", subject];
        all.extend(more);
        self.getcert(&all).ok();
    }

    /// Waits until a tracked request comes to this state.
    #[track_caller]
    fn comes_to(&self, id: &str, state: &str) -> String {
        self.comes(id, &format!("status: {state}"))
    }

    #[track_caller]
    fn comes(&self, id: &str, sign: &str) -> String {
        let start = Instant::now();
        loop {
            let told = self.getcert(&["list", "-i", id]).ok();
            if told.contains(sign) {
                return told;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "no {sign}:\n{told}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Does something and waits until the certificate is another.
    #[track_caller]
    fn changes(&self, id: &str, verb: &str) {
        let file = self.file(&format!("{id}.pem"));
        let before = self.stage.verified_serial(&file);
        self.getcert(&[verb, "-i", id]).ok();
        let start = Instant::now();
        // It writes the file in place: for a moment there is no whole certificate in it.
        let print = ["x509", "-noout", "-serial", "-in", &file];
        let changed = |ran: Ran| ran.code == 0 && ran.out != before;
        while !changed(run("openssl", &print)) {
            let told = self.getcert(&["list", "-i", id]).ok();
            assert!(start.elapsed() < Duration::from_secs(60), "{verb}:\n{told}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
        let told = self.comes_to(id, "MONITORING");
        assert!(!told.contains("ca-error"), "{told}");
        self.stage.verified_serial(&file);
    }
}

impl Drop for Certmonger<'_> {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

pub fn all(stage: &Stage, row: &mut Row) {
    let certmonger = Certmonger::start(stage);
    row.does("GetCACert", || {
        for (name, profile) in [("signet", CHALLENGE), ("manual", MANUAL)] {
            certmonger.getcert(&["add-scep-ca", "-c", name, "-u", &stage.scep(profile)]).ok();
        }
    });
    row.does("fingerprint", || fingerprint(&certmonger));
    row.does("enrol", || {
        // It writes a name in the order given, which is from the root down.
        let challenge = stage.challenge(CHALLENGE, "CN=certmonger-1,O=Acme");
        certmonger.request("signet", "one", "O=Acme,CN=certmonger-1", &["-L", &challenge]);
        certmonger.comes_to("one", "MONITORING");
        stage.verified_serial(&certmonger.file("one.pem"));
        assert!(certmonger.log().contains("message type \"19\""));
    });
    // Both send the spent challenge along, signed by the old certificate: by the same key, then by a new one.
    row.does("renew", || {
        certmonger.changes("one", "resubmit");
        certmonger.changes("one", "rekey");
    });
    row.does("wrong challenge", || {
        certmonger.request("signet", "two", "CN=certmonger-2", &["-L", "wrong"]);
        let told = certmonger.comes_to("two", "CA_REJECTED");
        assert!(told.contains("Transaction either is not permitted"), "{told}");
        assert!(!stage.is_issued(CHALLENGE, "certmonger-2"));
    });
    row.does("poll", || {
        certmonger.request("manual", "three", "CN=certmonger-3", &[]);
        stage.approve("CN=certmonger-3");
        certmonger.comes("three", "status: CA_WORKING");
        certmonger.getcert(&["refresh", "-i", "three"]).ok();
        certmonger.comes_to("three", "MONITORING");
        stage.verified_serial(&certmonger.file("three.pem"));
    });
}

/// It shows MD5 and SHA-1 of the root's certificate, which an administrator compares.
fn fingerprint(certmonger: &Certmonger<'_>) {
    let root = certmonger.file("root.crt");
    run("curl", &["-sf", "-o", &root, &certmonger.stage.server.url("/ca/rsa-root.crt")]).ok();
    let print = ["x509", "-inform", "DER", "-noout", "-fingerprint", "-sha1", "-in", &root];
    let sha1 = run("openssl", &print).ok().split_once('=').unwrap().1.trim().replace(':', "");
    let start = Instant::now();
    loop {
        let told = certmonger.getcert(&["list-cas", "-c", "signet"]).ok();
        if told.replace(' ', "").contains(&sha1) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{sha1} is not in {told}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
