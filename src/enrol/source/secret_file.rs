//! Secrets that profiles refer to: in files that only their owner reads, or in systemd credentials.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::ca::profile::SecretFile;
use crate::error::{Error, Result};

/// More than any secret.
const MOST: u64 = 4096;
/// Opening a named pipe does not wait for its writer (O_NONBLOCK, Linux).
const NONBLOCK: i32 = 0o4000;

/// A file's one line. Errors: `secret-file` if others can read it, if it holds another number of lines, or one shorter
/// than `shortest` octets.
pub fn line(file: &SecretFile, shortest: usize) -> Result<Zeroizing<String>> {
    let mut lines = lines(file, shortest, 1)?;
    lines.pop().ok_or_else(|| bad(file, "is empty"))
}

/// A file's lines, from one to `most`. Errors: as [`line`].
pub(super) fn lines(file: &SecretFile, shortest: usize, most: usize) -> Result<Vec<Zeroizing<String>>> {
    let text = match file {
        SecretFile::Path(path) => read(file, path, Mode::Judged)?,
        SecretFile::Credential(name) => read(file, &credential(file, name)?, Mode::Systemd)?,
    };
    let lines: Vec<_> = text.lines().map(|line| Zeroizing::new(line.to_owned())).collect();
    if lines.is_empty() || lines.iter().all(|line| line.is_empty()) {
        return Err(bad(file, "is empty"));
    }
    if lines.len() > most {
        let text = if most == 1 { "holds more than one line" } else { "holds more than two lines" };
        return Err(bad(file, text));
    }
    if lines.iter().any(|line| line.len() < shortest) {
        return Err(bad(file, &format!("holds a secret shorter than {shortest} octets")));
    }
    Ok(lines)
}

/// Who judges the mode.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// We do.
    Judged,
    /// systemd, which keeps the folder of credentials to the service.
    Systemd,
}

fn credential(file: &SecretFile, name: &str) -> Result<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
    let folder = folder.ok_or_else(|| bad(file, "is not there: systemd gave no credentials"))?;
    Ok(PathBuf::from(folder).join(name))
}

/// The mode is that of the file that was opened, not of what its name leads to later.
fn read(named: &SecretFile, path: &Path, mode: Mode) -> Result<Zeroizing<String>> {
    let unreadable = |e| bad(named, "cannot be read").because(e);
    let file = File::options().read(true).custom_flags(NONBLOCK).open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(bad(named, "is not a file"));
    }
    let bits = metadata.permissions().mode() & 0o777;
    if mode == Mode::Judged && bits & 0o077 != 0 {
        return Err(bad(named, &format!("is open to others (mode {bits:04o}); chmod 600 it")));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MOST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MOST {
        return Err(bad(named, "is longer than 4,096 bytes"));
    }
    Ok(text)
}

fn bad(file: &SecretFile, why: &str) -> Error {
    Error::invalid("secret-file", format!("the secret file {file} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dir: &Path, text: &str, mode: u32) -> SecretFile {
        let path = dir.join("secret");
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        SecretFile::Path(path)
    }

    #[test]
    fn a_private_line_is_read_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(*line(&file(dir.path(), "correct horse\r\n", 0o600), 8).unwrap(), "correct horse");
        assert_eq!(*line(&file(dir.path(), "correct horse", 0o400), 13).unwrap(), "correct horse");
        for (text, mode, why) in [
            ("correct horse", 0o640, "mode 0640"),
            ("correct horse", 0o604, "mode 0604"),
            ("", 0o600, "is empty"),
            ("\n", 0o600, "is empty"),
            ("correct horse\nbattery staple", 0o600, "more than one line"),
            ("correct horse\n", 0o600, "shorter than 14 octets"),
            (&"x".repeat(4097), 0o600, "longer than 4,096"),
        ] {
            let error = line(&file(dir.path(), text, mode), 14).unwrap_err();
            assert_eq!(error.code(), "secret-file");
            assert!(error.detail().contains(why), "{error}");
            assert!(!error.to_string().contains("horse"), "{error}");
        }
        let folder = line(&SecretFile::Path(dir.path().to_owned()), 8).unwrap_err();
        assert!(folder.detail().contains("is not a file"), "{folder}");
        let nowhere = line(&SecretFile::Path(dir.path().join("no")), 8).unwrap_err();
        assert!(nowhere.detail().contains("cannot be read"), "{nowhere}");
    }
}
