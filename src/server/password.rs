//! Where the security password comes from: a file, a systemd credential, the data folder, a prompt.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::server::files;
use crate::server::layout::Layout;

/// The name of the systemd credential (`LoadCredential=signet-security-password:…`).
const CREDENTIAL: &str = "signet-security-password";

/// More than any password.
const MOST: u64 = 4096;

/// Whether a password is being chosen or must be the one there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new vault is made: a prompt asks twice.
    Choose,
    /// A vault is opened.
    Open,
}

/// Finds the password: `named` file, credential, `DIR/security-password`, terminal.
/// Errors: `no-password` if there is no source; `password-file` if others can read it.
pub fn find(named: Option<&Path>, layout: &Layout, purpose: Purpose) -> Result<Zeroizing<String>> {
    match source(named, layout) {
        Some(Source::Private(path)) => read_private(PASSWORD, &path),
        Some(Source::Credential(path)) => read(PASSWORD, &path),
        None if std::io::stdin().is_terminal() => prompt(purpose),
        None => Err(Error::malformed(
            "no-password",
            "no security password: give --security-password-file FILE (mode 0600), a systemd credential named \
             signet-security-password, or run this on a terminal",
        )),
    }
}

/// As [`find`], but where there is none and none can be had, writes `random` to
/// `DIR/security-password` (0600); the path is returned if it did.
pub fn find_or_write(
    named: Option<&Path>,
    layout: &Layout,
    random: impl FnOnce() -> Result<Zeroizing<String>>,
) -> Result<(Zeroizing<String>, Option<PathBuf>)> {
    if source(named, layout).is_some() {
        return Ok((find(named, layout, Purpose::Choose)?, None));
    }
    let (password, path) = (random()?, layout.security_password());
    let line = Zeroizing::new(format!("{}\n", password.as_str()));
    files::write(&path, line.as_bytes(), files::PRIVATE)?;
    Ok((password, Some(path)))
}

/// What a file holds, in the words of its errors.
#[derive(Clone, Copy)]
pub(super) struct Secret {
    code: &'static str,
    name: &'static str,
}

/// The password that opens the vault.
const PASSWORD: Secret = Secret { code: "password-file", name: "security password" };
/// The PIN of a token.
pub(super) const PIN: Secret = Secret { code: "pin-file", name: "token's PIN" };

enum Source {
    /// A file whose mode we judge.
    Private(PathBuf),
    /// A credential: systemd keeps its folder to the service.
    Credential(PathBuf),
}

fn source(named: Option<&Path>, layout: &Layout) -> Option<Source> {
    if let Some(path) = named {
        return Some(Source::Private(path.to_owned()));
    }
    let credential = std::env::var_os("CREDENTIALS_DIRECTORY").map(|d| PathBuf::from(d).join(CREDENTIAL));
    if let Some(path) = credential.filter(|p| p.exists()) {
        return Some(Source::Credential(path));
    }
    let own = layout.security_password();
    own.exists().then_some(Source::Private(own))
}

/// A file that others can read is refused, not only warned about: the password is the only thing
/// between a copy of the folder and the CA's keys, and a warning in a log is read by nobody.
pub(super) fn read_private(secret: Secret, path: &Path) -> Result<Zeroizing<String>> {
    let unreadable = |e| bad(secret, path, "cannot be read").because(e);
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(bad(secret, path, "is a folder"));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(bad(secret, path, &format!("is open to others (mode {mode:04o}); chmod 600 it")));
    }
    read(secret, path)
}

/// The first 4,096 bytes at the most, without the end of the line. Errors: `password-file` or the code of another secret.
pub(super) fn read(secret: Secret, path: &Path) -> Result<Zeroizing<String>> {
    let unreadable = |e| bad(secret, path, "cannot be read").because(e);
    let mut text = Zeroizing::new(String::new());
    let file = File::open(path).map_err(unreadable)?;
    file.take(MOST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MOST {
        return Err(bad(secret, path, "is longer than 4,096 bytes"));
    }
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(bad(secret, path, "is empty"));
    }
    Ok(Zeroizing::new(password.to_owned()))
}

fn bad(secret: Secret, path: &Path, why: &str) -> Error {
    Error::invalid(secret.code, format!("the {} file {} {why}", secret.name, path.display()))
}

fn prompt(purpose: Purpose) -> Result<Zeroizing<String>> {
    let ask = |text: &str| {
        rpassword::prompt_password(text)
            .map(Zeroizing::new)
            .map_err(|e| Error::malformed("no-password", "cannot read from the terminal").because(e))
    };
    let password = ask("Security password: ")?;
    match purpose {
        Purpose::Open => Ok(password),
        Purpose::Choose if *ask("The same again: ")? == *password => Ok(password),
        Purpose::Choose => Err(Error::malformed("no-password", "the two passwords differ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Layout) {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        (dir, layout)
    }

    #[test]
    fn what_was_written_is_private_and_found_again() {
        let (_dir, layout) = folder();
        let random = || Ok(Zeroizing::new("correct horse".to_owned()));
        let (first, written) = find_or_write(None, &layout, random).unwrap();
        let path = written.unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let (again, written) = find_or_write(None, &layout, || panic!("there is one")).unwrap();
        assert_eq!((first, written), (again, None));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let (dir, layout) = folder();
        let path = dir.path().join("p");
        files::write(&path, b"secret\n", 0o600).unwrap();
        assert_eq!(*find(Some(&path), &layout, Purpose::Open).unwrap(), "secret");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = find(Some(&path), &layout, Purpose::Open).unwrap_err();
        assert_eq!(error.code(), "password-file");
        assert!(error.detail().contains("0640") && !error.detail().contains("secret"));
    }

    #[test]
    fn an_empty_file_is_no_password() {
        let (dir, layout) = folder();
        let path = dir.path().join("p");
        files::write(&path, b"\n", 0o600).unwrap();
        assert!(find(Some(&path), &layout, Purpose::Open).is_err());
        let folder = find(Some(dir.path()), &layout, Purpose::Open).unwrap_err();
        assert!(folder.detail().ends_with("is a folder"), "{folder}");
    }
}
