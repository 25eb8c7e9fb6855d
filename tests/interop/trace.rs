//! A kill does not test the disk: strace shows that what is acknowledged was synced before.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::server::{Server, read, run};

/// A system call that strace saw end.
#[derive(Debug)]
struct Call {
    at: f64,
    text: String,
}

impl Call {
    fn is(&self, names: &[&str], path: &str) -> bool {
        names.iter().any(|name| self.text.starts_with(name)) && self.text.contains(path)
    }
}

/// The calls in order of their end; unfinished ones count where they are resumed.
fn calls(trace: &str) -> Vec<Call> {
    let (mut found, mut unfinished) = (Vec::new(), std::collections::HashMap::new());
    for line in trace.lines() {
        let Some((pid, rest)) = line.trim_start().split_once(' ') else { continue };
        let Some((at, text)) = rest.trim_start().split_once(' ') else { continue };
        let Ok(at) = at.parse::<f64>() else { continue };
        if text.contains("<unfinished ...>") {
            unfinished.insert(pid.to_owned(), text.to_owned());
        } else if text.starts_with("<... ") {
            if let Some(start) = unfinished.remove(pid) {
                found.push(Call { at, text: format!("{start} {text}") });
            }
        } else {
            found.push(Call { at, text: text.to_owned() });
        }
    }
    found
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

const SYNC: &[&str] = &["fsync(", "fdatasync("];
const WRITE: &[&str] = &["pwrite64(", "pwritev(", "write(", "writev("];
const SEND: &[&str] = &["sendto(", "sendmsg(", "write(", "writev("];

fn traced(server: &Server) -> Command {
    let plain = server.command();
    let mut command = Command::new("strace");
    command
        .args(["-f", "-y", "-ttt", "-s", "16", "-o", &server.file("trace")])
        .args([
            "-e",
            "trace=fsync,fdatasync,pwrite64,pwritev,write,writev,sendto,sendmsg,rename,renameat,renameat2",
        ])
        .arg(plain.get_program())
        .args(plain.get_args())
        .stdout(std::process::Stdio::null())
        .stderr(std::fs::File::create(server.path("server.log")).unwrap());
    command
}

#[test]
fn every_acknowledged_certificate_was_synced_first() {
    let mut server = Server::start();
    server.stop();
    let child = traced(&server).spawn().expect("strace; tests/setup installs it");
    server.adopt(child);

    let (key, csr) = (server.file("key"), server.file("csr"));
    run("openssl", &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key])
        .ok();
    run("openssl", &["req", "-new", "-key", &key, "-subj", "/CN=a.example.com", "-out", &csr]).ok();
    let body = serde_json::json!({"profile": "tls-server", "csr": read(&csr)}).to_string();
    let mut spans = Vec::new();
    for _ in 0..10 {
        let from = now();
        let (status, answer) =
            server.api(&["-H", "Content-Type: application/json", "-d", &body], "/certificates");
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
        spans.push((from, now()));
    }
    let calls = calls(&read(server.path("trace")));
    for (from, to) in spans {
        let within: Vec<_> = calls.iter().filter(|c| from <= c.at && c.at <= to).collect();
        let answer = within.iter().rposition(|c| c.is(SEND, "socket:") || c.is(SEND, "TCP"));
        let answer = answer.expect("the answer was sent");
        let synced =
            within[..answer].iter().rposition(|c| c.is(SYNC, "/store")).expect("synced before the answer");
        assert!(
            within[..synced].iter().any(|c| c.is(WRITE, "/store")),
            "the store was written before it was synced: {within:#?}"
        );
    }
}

#[test]
fn a_new_store_and_its_folders_are_synced() {
    let mut server = Server::start();
    server.stop();
    std::fs::remove_dir_all(server.data()).unwrap();
    let child = traced(&server).spawn().expect("strace; tests/setup installs it");
    server.adopt(child);
    let calls = calls(&read(server.path("trace")));
    let parent = server.data().parent().unwrap().canonicalize().unwrap();
    let folders: Vec<_> = calls.iter().filter(|c| c.is(SYNC, "")).map(|c| c.text.clone()).collect();
    assert!(calls.iter().any(|c| c.is(SYNC, "/store")), "the store's file or folder: {folders:#?}");
    let parent = format!("<{}>", parent.display());
    assert!(folders.iter().any(|f| f.contains(&parent)), "{parent} of {folders:#?}");
}
