//! kill -9 anywhere in a CAPF conversation: when the phone comes again, it ends with exactly one live LSC, and the
//! inventory says what is true.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::rounds;
use crate::server::Server;

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/bin/python");
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/capf/capf_client.py");
const STAGES: [&str; 7] =
    ["connected", "greeted", "answered", "key-asked", "key-sent", "certificate", "confirmed"];

/// A server for phones, started.
fn open() -> Server {
    Server::start_with(&["--rsa-root", "rsa-2048", "--capf", "127.0.0.1:0"])
}

pub(super) fn address(server: &Server) -> String {
    let text = std::fs::read_to_string(server.data().join("listeners.json")).unwrap();
    let listeners: Value = serde_json::from_str(&text).unwrap();
    listeners["capf"].as_str().unwrap_or_else(|| panic!("no CAPF listener: {text}")).to_owned()
}

pub(super) fn call(server: &Server, method: &str, path: &str, body: Option<&Value>) -> Value {
    let body = body.map(Value::to_string);
    let mut arguments = vec!["-X", method];
    if let Some(body) = &body {
        arguments.extend(["-H", "Content-Type: application/json", "-d", body]);
    }
    let (status, answer) = server.api(&arguments, path);
    assert!((200..300).contains(&status), "{method} {path}: {status} {}", String::from_utf8_lossy(&answer));
    serde_json::from_slice(&answer).unwrap_or_default()
}

/// A phone whose installation is pending. It keeps its key from one visit to the next, or makes a new one each time.
struct Phone {
    name: String,
    key: Option<String>,
    lsc: String,
}

impl Phone {
    fn new(server: &Server, number: usize) -> Self {
        let name = format!("SEP{number:012X}");
        let row = json!({"name": name, "operation": "install", "string": "4711", "key": "p-256"});
        call(server, "POST", "/devices", Some(&row));
        let key = number.is_multiple_of(2).then(|| server.file(&format!("{name}.key")));
        Self { lsc: server.file(&format!("{name}.pem")), name, key }
    }

    fn begins(&self, server: &Server, flags: &[&str]) -> Child {
        let mut command = Command::new(PYTHON);
        command.args(["-B", CLIENT, &address(server), &self.name, "--password", "4711", "--lsc", &self.lsc]);
        command.args(self.key.iter().flat_map(|key| ["--key", key])).args(flags);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().unwrap_or_else(|e| panic!("{PYTHON}: {e}; tests/setup installs it"))
    }

    /// Comes until it is done, and holds what the inventory says against what it has.
    fn finishes(&self, server: &Server, done_before: bool) {
        let seen = ended(self.begins(server, &[]));
        assert_eq!(seen["violations"], json!([]), "{seen}");
        let reason = seen["reason"].as_u64();
        assert!(reason == Some(1) || reason == Some(0), "{}: {seen}", self.name);
        assert!(!done_before || reason == Some(0), "it was told that it is done, and asked again: {seen}");
        let device = call(server, "GET", &format!("/devices/{}", self.name), None);
        assert_eq!(device["state"], "installed", "{device}");
        let live = call(server, "GET", &format!("/certificates?device={}&status=good", self.name), None);
        let live: Vec<&Value> = live["items"].as_array().unwrap().iter().map(|c| &c["serial"]).collect();
        assert_eq!(live, [&device["lsc"]["serial"]], "{}: one live LSC", self.name);
        assert!(self.holds(&device["lsc"]["serial"]), "{}: the phone has another LSC", self.name);
    }

    /// Whether the certificate that it stored is this one.
    fn holds(&self, serial: &Value) -> bool {
        let shown = Command::new("openssl").args(["x509", "-noout", "-serial", "-in", &self.lsc]).output();
        let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
        shown.trim() == format!("serial={}", serial.as_str().unwrap())
    }
}

fn ended(child: Child) -> Value {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_default()
}

fn restart(server: &mut Server) {
    server.kill();
    server.launch();
}

/// At each stage of the conversation, exactly there.
#[test]
fn capf_killed_at_each_stage() {
    let mut server = open();
    for (number, stage) in STAGES.into_iter().flat_map(|stage| [stage, stage]).enumerate() {
        let phone = Phone::new(&server, number);
        let mut visit = phone.begins(&server, &["--wait-at", stage]);
        let mut line = String::new();
        let mut said = BufReader::new(visit.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        assert!(line.contains(stage), "{stage}: {line}");
        restart(&mut server);
        let _ = visit.stdin.take().unwrap().write_all(b"\n");
        visit.wait().unwrap();
        phone.finishes(&server, false);
    }
    server.signet(&["check"]).ok();
    server.signet(&["audit", "verify"]).ok();
}

/// At any moment, with several phones at once.
#[test]
fn capf_killed_at_any_moment() {
    let mut server = open();
    let (first, begun) = (Phone::new(&server, 0xff), Instant::now());
    ended(first.begins(&server, &[]));
    let (visit, mut broken_off) = (begun.elapsed(), 0);
    for round in 0..rounds() {
        let phones: Vec<Phone> = (0..4).map(|n| Phone::new(&server, 0x100 + round * 4 + n)).collect();
        let visits: Vec<Child> = phones.iter().map(|phone| phone.begins(&server, &[])).collect();
        // From the middle of a visit, most of which is the client's own start, to well behind its end.
        std::thread::sleep(visit.mul_f64(0.4 + 0.2 * (round % 12) as f64));
        restart(&mut server);
        for (phone, visit) in phones.iter().zip(visits) {
            let done = ended(visit)["reason"] == 1;
            broken_off += usize::from(!done);
            if done {
                assert!(Path::new(&phone.lsc).exists());
            }
            phone.finishes(&server, done);
        }
        server.signet(&["check"]).ok();
    }
    server.signet(&["audit", "verify"]).ok();
    println!("{broken_off} of {} conversations were broken off by a kill", rounds() * 4);
    assert!(broken_off > 0, "no kill came in time");
}
