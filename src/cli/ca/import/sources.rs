//! The certificates of a CA, wherever they lie, one at a time: a million of them take no more memory than one.

use std::fs::{File, ReadDir};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::x509::pem;

/// The greatest certificate that is read, in octets.
const MAX_DER: usize = 64 << 10;
/// The longest line that can belong to a PEM block.
const MAX_LINE: u64 = 128 << 10;
/// The names under which certificates lie in a folder.
const SUFFIXES: [&str; 4] = ["pem", "crt", "cer", "der"];

/// Where a certificate was found.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// Its place among those of the file, from 1.
    pub number: usize,
}

/// A certificate (DER), or why what stands there is none.
pub(super) type Found = (Place, Result<Vec<u8>>);

/// All certificates of some folders and files.
pub(super) struct Sources<'a> {
    paths: std::slice::Iter<'a, PathBuf>,
    folder: Option<ReadDir>,
    file: Option<OpenFile>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(paths: &'a [PathBuf]) -> Self {
        Self { paths: paths.iter(), folder: None, file: None }
    }

    /// The next one. Errors: `unreadable-file` for a folder or file that was named.
    pub(super) fn next(&mut self) -> Result<Option<Found>> {
        loop {
            if let Some(file) = &mut self.file {
                if let Some(found) = file.next() {
                    return Ok(Some(found));
                }
                self.file = None;
            } else if let Some(folder) = &mut self.folder {
                match folder.next() {
                    Some(Ok(entry)) if is_wanted(&entry.path()) => {
                        self.file = Some(OpenFile::open(&entry.path()));
                    }
                    Some(_) => {}
                    None => self.folder = None,
                }
            } else {
                let Some(path) = self.paths.next() else { return Ok(None) };
                self.enter(path)?;
            }
        }
    }

    fn enter(&mut self, path: &Path) -> Result<()> {
        let unreadable =
            |e| Error::invalid("unreadable-file", format!("cannot read {}", path.display())).because(e);
        if path.is_dir() {
            self.folder = Some(std::fs::read_dir(path).map_err(unreadable)?);
        } else {
            File::open(path).map_err(unreadable)?;
            self.file = Some(OpenFile::open(path));
        }
        Ok(())
    }
}

fn is_wanted(path: &Path) -> bool {
    let suffix = path.extension().and_then(|s| s.to_str()).map(str::to_ascii_lowercase);
    suffix.is_some_and(|s| SUFFIXES.contains(&s.as_str())) && path.is_file()
}

/// A file that is being read.
struct OpenFile {
    path: Arc<Path>,
    number: usize,
    content: Content,
}

enum Content {
    /// PEM, line by line.
    Pem(BufReader<File>),
    /// One certificate or one fault, told next.
    One(Result<Vec<u8>>),
    /// Nothing is left.
    End,
}

impl OpenFile {
    fn open(path: &Path) -> Self {
        let content = match content(path) {
            Ok(content) => content,
            Err(e) => Content::One(Err(Error::invalid("unreadable-file", format!("it cannot be read: {e}")))),
        };
        Self { path: path.into(), number: 0, content }
    }

    fn next(&mut self) -> Option<Found> {
        let found = match &mut self.content {
            Content::End => return None,
            Content::One(_) => match std::mem::replace(&mut self.content, Content::End) {
                Content::One(one) => one,
                Content::Pem(_) | Content::End => return None,
            },
            Content::Pem(reader) => match block(reader) {
                Some(found) => found,
                None if self.number == 0 => {
                    self.content = Content::End;
                    Err(Error::invalid("no-certificate", "there is no certificate in it"))
                }
                None => return None,
            },
        };
        self.number += 1;
        Some((Place { file: Arc::clone(&self.path), number: self.number }, found))
    }
}

fn content(path: &Path) -> std::io::Result<Content> {
    let mut reader = BufReader::new(File::open(path)?);
    if reader.fill_buf()?.first() != Some(&0x30) {
        return Ok(Content::Pem(reader));
    }
    let mut der = Vec::new();
    reader.take(MAX_DER as u64 + 1).read_to_end(&mut der)?;
    Ok(Content::One(if der.len() > MAX_DER { Err(too_large()) } else { Ok(der) }))
}

/// The next certificate of a PEM file; other blocks and all text between are passed over.
fn block(reader: &mut BufReader<File>) -> Option<Result<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        if !read_line(reader, &mut line) {
            return None;
        }
        let text = String::from_utf8_lossy(&line);
        let label = text.trim().strip_prefix("-----BEGIN ").and_then(|l| l.strip_suffix("-----"));
        if label.is_some_and(|l| matches!(l, "CERTIFICATE" | "X509 CERTIFICATE")) {
            return Some(body(reader));
        }
    }
}

fn body(reader: &mut BufReader<File>) -> Result<Vec<u8>> {
    let (mut base64, mut line) = (Vec::new(), Vec::new());
    loop {
        if !read_line(reader, &mut line) {
            return Err(no_end());
        }
        if line.starts_with(b"-----") {
            let is_end =
                line.starts_with(b"-----END ") && line.trim_ascii_end().ends_with(b"CERTIFICATE-----");
            return if is_end { pem::decode_base64(&base64) } else { Err(no_end()) };
        }
        base64.extend_from_slice(&line);
        if base64.len() > 2 * MAX_DER {
            return Err(too_large());
        }
    }
}

/// Whether there was another line; one that cannot be read ends the file.
fn read_line(reader: &mut BufReader<File>, line: &mut Vec<u8>) -> bool {
    line.clear();
    reader.take(MAX_LINE).read_until(b'\n', line).is_ok_and(|read| read > 0)
}

fn no_end() -> Error {
    Error::invalid("bad-pem", "its END line is missing")
}

fn too_large() -> Error {
    Error::invalid("too-large", "it is over 64 KiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(paths: &[PathBuf]) -> Vec<(String, usize, Result<Vec<u8>, String>)> {
        let mut sources = Sources::new(paths);
        let mut found = Vec::new();
        while let Some((place, one)) = sources.next().unwrap() {
            let name = place.file.file_name().unwrap().to_string_lossy().into_owned();
            found.push((name, place.number, one.map_err(|e| e.detail().to_owned())));
        }
        found.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        found
    }

    #[test]
    fn folders_bundles_and_single_files_are_read_block_by_block() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        let (one, two) = (pem::encode("CERTIFICATE", b"one"), pem::encode("CERTIFICATE", b"two"));
        let key = pem::encode("PRIVATE KEY", b"key");
        write(
            "bundle.pem",
            format!("Certificate:\r\n  Data: x\n{one}{key}{two}").replace('\n', "\r\n").as_bytes(),
        );
        write("latin.CRT", &[b"subject=/CN=M\xfcller\n".as_slice(), one.as_bytes()].concat());
        write("single.der", b"0\x03abc");
        write("cut.cer", &one.as_bytes()[..one.len() - 10]);
        write("odd.pem", b"-----BEGIN CERTIFICATE-----\nA*A\n-----END CERTIFICATE-----\n");
        write("empty.pem", b"");
        write("huge.der", &[b"0".as_slice(), &[0; MAX_DER]].concat());
        write("index.txt", one.as_bytes());
        let found = all(&[dir.path().to_owned()]);
        let told: Vec<_> = found
            .iter()
            .map(|(file, number, one)| match one {
                Ok(der) => format!("{file} {number} {}", String::from_utf8_lossy(der)),
                Err(why) => format!("{file} {number} - {why}"),
            })
            .collect();
        assert_eq!(
            told,
            [
                "bundle.pem 1 one",
                "bundle.pem 2 two",
                "cut.cer 1 - its END line is missing",
                "empty.pem 1 - there is no certificate in it",
                "huge.der 1 - it is over 64 KiB",
                "latin.CRT 1 one",
                "odd.pem 1 - not base64",
                "single.der 1 0\u{3}abc",
            ]
        );
        let named = all(&[dir.path().join("index.txt")]);
        assert_eq!(named.len(), 1, "a file that is named is read whatever its name");
        let error = Sources::new(&[dir.path().join("nowhere")]).next().err().unwrap();
        assert_eq!(error.code(), "unreadable-file");
    }
}
