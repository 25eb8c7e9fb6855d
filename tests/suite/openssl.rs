//! Runs the `openssl` command as a judge that shares no code with us.

use std::io::Write;
use std::process::{Command, Stdio};

/// Its standard output; fails the test with its standard error if it refuses.
pub fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    try_openssl(arguments, input).unwrap_or_else(|error| panic!("openssl {arguments:?}: {error}"))
}

/// Its standard output, or its standard error if it refuses.
pub fn try_openssl(arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).ok();
    let output = child.wait_with_output().unwrap();
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
