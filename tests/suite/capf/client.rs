//! The client in Python: how it is run, and what it says.

use std::process::{Command, Output, Stdio};

pub(super) const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/bin/python");
pub(super) const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/capf/");

fn python(arguments: &[&str]) -> Output {
    Command::new(PYTHON)
        .args(["-B", "-W", "ignore"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{PYTHON}: {e}; tests/setup installs it"))
}

/// Runs a script of this folder; its standard output, if it ended well.
#[track_caller]
pub(super) fn script(name: &str, arguments: &[&str]) -> String {
    let path = format!("{SCRIPTS}{name}");
    let ran = python(&[&[path.as_str()], arguments].concat());
    said(&ran)
}

/// Runs a few lines of Python.
#[track_caller]
pub(super) fn python_code(code: &str, arguments: &[&str]) -> String {
    said(&python(&[&["-c", code], arguments].concat()))
}

#[track_caller]
fn said(ran: &Output) -> String {
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{out}{}", String::from_utf8_lossy(&ran.stderr));
    out
}

/// The client is right before it judges: it and a server written apart from it agree on every conversation.
#[test]
fn the_client_and_a_server_written_apart_from_it_agree() {
    let folder = tempfile::tempdir().unwrap();
    script("capf_self_test.py", &[folder.path().to_str().unwrap()]);
}
