//! kill -9 during a backup, on either side, and during a restore: a file is whole or not there, a folder is whole or
//! refused, and the next attempt succeeds.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::rounds;
use crate::server::{Ran, SIGNET, Server, run};

/// As many bytes beside the store, so that a backup takes a while.
const BALLAST: usize = 24 << 20;

/// A server that has something to back up.
fn laden() -> (Server, String) {
    let server = Server::start();
    for n in 0..2 {
        std::fs::write(server.data().join(format!("policies/ballast-{n}")), vec![n; BALLAST / 2]).unwrap();
    }
    let csr = server.path("www.csr");
    std::fs::write(&csr, super::csr("www.example.org")).unwrap();
    let made = server.signet(&[
        "cert",
        "issue",
        "--profile",
        "tls-server",
        "--csr",
        csr.to_str().unwrap(),
        "--output",
        "json",
    ]);
    let made: serde_json::Value = serde_json::from_str(&made.ok()).unwrap();
    (server, made["serial"].as_str().unwrap().to_owned())
}

fn begin(data: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(SIGNET);
    command.args(arguments).arg("--data").arg(data);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Another length of time for each round, from none to `most` milliseconds.
fn pause(round: usize, of: usize, most: u64) {
    std::thread::sleep(Duration::from_millis(most * round as u64 / of.max(1) as u64));
}

fn verified(server: &Server, file: &str) -> Ran {
    server.signet(&["backup", "verify", file])
}

#[test]
fn a_backup_is_whole_or_not_there() {
    let (mut server, _) = laden();
    let file = server.file("killed.backup");
    let all = rounds().min(40);
    let mut whole = 0;
    for round in 0..all {
        let _ = std::fs::remove_file(&file);
        let mut client = begin(&server.data(), &["backup", "create", &file]);
        pause(round, all, 600);
        let of_server = round % 2 == 0;
        if of_server {
            server.kill();
        } else {
            client.kill().unwrap();
        }
        let status = client.wait().unwrap();
        if Path::new(&file).exists() {
            whole += 1;
            verified(&server, &file).ok();
        } else {
            assert!(!status.success(), "it said that it was done");
        }
        if of_server {
            server.launch();
            server.signet(&["check"]).ok();
        }
    }
    println!("{whole} of {all} backups were whole before the kill");
    assert!(whole < all, "no kill came in time");
    // What is left of one that broke off is in nobody's way. The server may still be busy with the last.
    let start = std::time::Instant::now();
    while server.signet(&["backup", "create", &file, "--overwrite"]).code != 0 {
        assert!(start.elapsed() < Duration::from_secs(90), "no backup can be made any more");
        std::thread::sleep(Duration::from_millis(100));
    }
    verified(&server, &file).ok();
    server.signet(&["audit", "verify"]).ok();
}

#[test]
fn a_restored_folder_is_whole_or_refused() {
    let (server, serial) = laden();
    let file = server.file("good.backup");
    server.signet(&["backup", "create", &file]).ok();
    let password = server.data().join("security-password");
    let flags = ["--without-crl", "--security-password-file", password.to_str().unwrap()];
    let all = rounds().min(40);
    let mut whole = 0;
    for round in 0..all {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let on = |arguments: &[&str]| run(SIGNET, &[arguments, &["--data", data.to_str().unwrap()]].concat());
        let mut restoring = begin(&data, &[&["restore", &file], &flags[..]].concat());
        pause(round, all, 1500);
        restoring.kill().unwrap();
        restoring.wait().unwrap();
        if data.join("keys").exists() {
            whole += 1;
        } else {
            let refused = on(&["check"]);
            assert_eq!(
                (refused.code, refused.err.contains("there is no CA in")),
                (1, true),
                "{}",
                refused.err
            );
            on(&[&["restore", &file], &flags[..]].concat()).ok();
        }
        on(&["check"]).ok();
        let known =
            on(&["backup", "create", home.path().join("again").to_str().unwrap(), flags[1], flags[2]]);
        known.ok();
    }
    println!("{whole} of {all} folders were whole before the kill");
    assert!(whole < all, "no kill came in time");
    restored_serves(&server, &file, &serial);
}

/// One of them, served.
fn restored_serves(server: &Server, file: &str, serial: &str) {
    let mut other = Server::start();
    other.kill();
    std::fs::remove_dir_all(other.data()).unwrap();
    let password = server.data().join("security-password");
    let flags = ["--without-crl", "--security-password-file", password.to_str().unwrap()];
    other.signet(&[&["restore", file], &flags[..]].concat()).ok();
    std::fs::copy(&password, other.data().join("security-password")).unwrap();
    other.launch();
    assert!(other.signet(&["cert", "show", serial]).ok().contains(serial));
    other.signet(&["audit", "verify"]).ok();
}
