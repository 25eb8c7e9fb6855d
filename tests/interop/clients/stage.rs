//! One server with all profiles, and what an operator does for the clients.

use std::time::{Duration, Instant};

use super::profiles;
use crate::server::{Server, run};

/// The server and a folder for what the clients write.
pub struct Stage {
    /// The server.
    pub server: Server,
}

impl Stage {
    /// Starts it.
    pub fn new() -> Self {
        let server = Server::start();
        profiles::write(&server);
        let bundle = server.file("signet.pem");
        run("curl", &["-sf", "-o", &bundle, &server.url("/trust/signet.pem")]).ok();
        Self { server }
    }

    /// The SCEP URL of a profile.
    pub fn scep(&self, profile: &str) -> String {
        self.server.url(&format!("/scep/{profile}"))
    }

    /// A client's own folder.
    pub fn folder(&self, name: &str) -> std::path::PathBuf {
        let folder = self.server.path(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// A challenge for a subject, written as RFC 4514 has it.
    #[track_caller]
    pub fn challenge(&self, profile: &str, subject: &str) -> String {
        let made = self.server.signet(&["challenge", "create", "--profile", profile, "--subject", subject]);
        made.ok().trim().to_owned()
    }

    /// Waits until a request for this subject waits, and approves it.
    #[track_caller]
    pub fn approve(&self, subject: &str) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            let list =
                self.server.signet(&["request", "list", "--state", "pending", "--output", "json"]).ok();
            let list: serde_json::Value = serde_json::from_str(&list).unwrap();
            let mut items = list["items"].as_array().unwrap().iter();
            if let Some(found) = items.find(|item| item["subject"] == subject) {
                self.server.signet(&["request", "approve", found["id"].as_str().unwrap()]).ok();
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("no request for {subject} waits\n{}", self.server.log());
    }

    /// openssl's judgement of a leaf (a PEM file) against the published CAs; its serial.
    #[track_caller]
    pub fn verified_serial(&self, leaf: &str) -> String {
        run("openssl", &["verify", "-x509_strict", "-CAfile", &self.server.file("signet.pem"), leaf]).ok();
        run("openssl", &["x509", "-noout", "-serial", "-in", leaf]).ok()
    }

    /// SHA-256 of a CA's certificate, upper-case hexadecimal, as an operator reads it out to the device's side.
    #[track_caller]
    pub fn fingerprint(&self, ca: &str) -> String {
        let shown = self.server.signet(&["ca", "show", ca, "--output", "json"]).ok();
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        shown["fingerprint_sha256"].as_str().unwrap().to_owned()
    }

    /// Whether a certificate for this common name was issued by this profile.
    #[track_caller]
    pub fn is_issued(&self, profile: &str, common_name: &str) -> bool {
        let list = self.server.signet(&["cert", "list", "--profile", profile, "--output", "json"]).ok();
        list.contains(&format!("CN={common_name}"))
    }
}
