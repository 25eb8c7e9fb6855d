//! What a CA revoked: its CRLs and the index of `openssl ca`, read a little at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::ca::import::openssl_index::{self, Line};
use crate::ca::import::{Revocation, foreign_crl};
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;
use crate::x509::crl::Crl;

/// The greatest CRL that is read, in octets.
const MAX_CRL: u64 = 64 << 20;
/// The longest line of an index, in octets.
const MAX_LINE: u64 = 64 << 10;
/// How many bad lines are named.
const NAMED: usize = 20;

/// Reads the CRLs and holds them against the CA. Errors: `unreadable-file`, and those of [`foreign_crl::read`], which
/// name the file.
pub(super) fn read_crls(files: &[PathBuf], ca: &Certificate) -> Result<Vec<(PathBuf, Crl)>> {
    files.iter().map(|file| Ok((file.clone(), read_crl(file, ca)?))).collect()
}

fn read_crl(file: &Path, ca: &Certificate) -> Result<Crl> {
    let mut bytes = Vec::new();
    open(file)?.take(MAX_CRL + 1).read_to_end(&mut bytes).map_err(|e| unreadable(file, e))?;
    foreign_crl::read(&bytes, ca)
        .map_err(|e| Error::invalid(e.code(), format!("{}: {}", file.display(), e.detail())))
}

/// Reads the whole index once. Errors: `bad-index` naming the bad lines: one of them may be a revocation.
pub(super) fn check_index(file: &Path) -> Result<()> {
    let mut bad = Vec::new();
    let mut lines = Index::open(file)?;
    while let Some((number, line)) = lines.next()? {
        if let Err(error) = line {
            bad.push(format!("line {number}: {}", error.detail()));
        }
        if bad.len() > NAMED {
            break;
        }
    }
    if bad.is_empty() {
        return Ok(());
    }
    let more = if bad.len() > NAMED { "; and more" } else { "" };
    bad.truncate(NAMED);
    let detail = format!(
        "{}: {}{more}; a line that cannot be read may be a revocation",
        file.display(),
        bad.join("; ")
    );
    Err(Error::invalid("bad-index", detail))
}

/// An `index.txt`, line by line.
pub(super) struct Index {
    file: PathBuf,
    reader: BufReader<File>,
    number: usize,
}

impl Index {
    pub(super) fn open(file: &Path) -> Result<Self> {
        Ok(Self { file: file.to_owned(), reader: BufReader::new(open(file)?), number: 0 })
    }

    /// The next revocation; lines that cannot be read were refused before.
    pub(super) fn next_revoked(&mut self) -> Result<Option<(usize, Revocation)>> {
        while let Some((number, line)) = self.next()? {
            if let Line::Revoked(revocation) = line? {
                return Ok(Some((number, revocation)));
            }
        }
        Ok(None)
    }

    fn next(&mut self) -> Result<Option<(usize, Result<Line>)>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut line);
            if read.map_err(|e| unreadable(&self.file, e))? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if line.len() as u64 == MAX_LINE {
                let error = Error::invalid("bad-index", "it is over 64 KiB: is this an index?");
                return Err(Error::invalid("bad-index", format!("line {}: {}", self.number, error.detail())));
            }
            let content = line.strip_suffix(b"\n").unwrap_or(&line);
            let content = content.strip_suffix(b"\r").unwrap_or(content);
            if !content.is_empty() {
                return Ok(Some((self.number, openssl_index::line(content))));
            }
        }
    }
}

fn open(file: &Path) -> Result<File> {
    File::open(file).map_err(|e| unreadable(file, e))
}

fn unreadable(file: &Path, e: std::io::Error) -> Error {
    Error::invalid("unreadable-file", format!("cannot read {}", file.display())).because(e)
}
