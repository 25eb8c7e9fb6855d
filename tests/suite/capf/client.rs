//! The client in Python: how it is run, and what it says.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/bin/python");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/capf/");

fn python(script: &str, arguments: &[&str]) -> Output {
    Command::new(PYTHON)
        .arg(format!("{SCRIPTS}{script}"))
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{PYTHON}: {e}; tests/setup installs it"))
}

/// The client is right before it judges: it and a server written apart from it agree on every conversation.
#[test]
fn the_client_and_a_server_written_apart_from_it_agree() {
    let folder = tempfile::tempdir().unwrap();
    let ran = python("capf_self_test.py", &[folder.path().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
}
