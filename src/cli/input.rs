//! Files that the user names, bounded; `-` is standard input.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::x509::pem;

/// The most that is read from a file.
const LARGEST: u64 = 1024 * 1024;

/// A file's bytes. Errors: `unreadable-file`, `file-too-large`.
pub fn bytes(file: &Path) -> Result<Zeroizing<Vec<u8>>> {
    bytes_within(file, LARGEST)
}

/// A file's bytes, at most `largest`. Errors: as [`bytes`].
pub fn bytes_within(file: &Path, largest: u64) -> Result<Zeroizing<Vec<u8>>> {
    let mut found = Zeroizing::new(Vec::new());
    let read = if file == Path::new("-") {
        std::io::stdin().take(largest + 1).read_to_end(&mut found)
    } else {
        std::fs::File::open(file).and_then(|f| f.take(largest + 1).read_to_end(&mut found))
    };
    read.map_err(|e| {
        Error::invalid("unreadable-file", format!("cannot read {}", file.display())).because(e)
    })?;
    if found.len() as u64 > largest {
        let text = format!("{} is over {} MiB", file.display(), largest / (1024 * 1024));
        return Err(Error::new(Kind::TooLarge, "file-too-large", text));
    }
    Ok(found)
}

/// A file's text. Errors: as [`bytes`], and `unreadable-file` if it is not UTF-8.
pub fn text(file: &Path) -> Result<Zeroizing<String>> {
    String::from_utf8(bytes(file)?.to_vec())
        .map(Zeroizing::new)
        .map_err(|_| Error::invalid("unreadable-file", format!("{} is not text", file.display())))
}

/// A request as the API takes it: text as it is, DER as PEM.
pub fn csr(file: &Path) -> Result<String> {
    let found = bytes(file)?;
    Ok(match std::str::from_utf8(&found) {
        Ok(text) => text.to_owned(),
        Err(_) => pem::encode("CERTIFICATE REQUEST", &found),
    })
}

/// A time, for clap. Errors: with an example, as clap names the flag.
pub fn time(text: &str) -> Result<Timestamp> {
    Timestamp::parse(text)
        .map_err(|_| Error::invalid("invalid-time", "a time is RFC 3339, as 2027-01-01T00:00:00Z"))
}

/// A duration, for clap: as it was written, once it can be read.
pub fn duration(text: &str) -> Result<String> {
    crate::admin::duration::parse(text).map(|_| text.to_owned())
}

/// A passphrase: the first line of a file, or asked for on the terminal. Errors: `usage` without either.
pub fn passphrase(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>> {
    if let Some(file) = file {
        return Ok(Zeroizing::new(text(file)?.lines().next().unwrap_or_default().to_owned()));
    }
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|_| crate::cli::usage("no terminal to ask on: name a file with --passphrase-file"))
}

/// Asks on the terminal; only y or yes is a yes. Errors: `usage` without a terminal.
pub fn confirm(question: &str) -> Result<bool> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(crate::cli::usage("no terminal to ask on: say --yes"));
    }
    eprint!("{question}");
    let mut answer = String::new();
    let read = BufReader::new(stdin.take(64)).read_line(&mut answer);
    read.map_err(|e| Error::invalid("unreadable-file", "cannot read the answer").because(e))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Writes to a file or to standard output. Errors: `unwritable-file`.
pub fn write(file: Option<&Path>, bytes: &[u8]) -> Result<()> {
    let written = match file {
        Some(file) => std::fs::write(file, bytes),
        None => std::io::stdout().write_all(bytes),
    };
    written.map_err(|e| Error::invalid("unwritable-file", "cannot write the result").because(e))
}

/// Writes a file whole, or not at all. Errors: `unwritable-file`.
pub fn write_whole(file: &Path, bytes: &[u8]) -> Result<()> {
    let unwritable = |e: std::io::Error| {
        Error::invalid("unwritable-file", format!("cannot write {}", file.display())).because(e)
    };
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut part = file.file_name().unwrap_or_default().to_owned();
    part.push(".part");
    let part = folder.join(part);
    std::fs::write(&part, bytes).map_err(unwritable)?;
    std::fs::rename(&part, file).map_err(unwritable)
}
