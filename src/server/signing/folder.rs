//! What lies in the folder. Only regular files are looked at: a link would let who may write there have anything signed.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::device::fetch::Wanted;
use crate::error::{Error, Kind, Result};
use crate::trust::signed::{MAX_LEN, SIGNED};
use crate::trust::tlv::FileName;

/// The folder of files that are encrypted.
pub const ENCRYPTED: &str = "encrypted";
/// The most clusters.
const MOST_CLUSTERS: usize = 256;
/// The most files of a cluster.
pub const MOST_FILES: usize = 20_000;

/// The folder of a cluster.
#[derive(Debug)]
pub struct Folder {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// A file that is to be signed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Its name without `.sgn`.
    pub name: FileName,
    /// Whether only its device is to read it.
    pub encrypt: bool,
    /// Where it is.
    pub path: PathBuf,
    /// Which state of it.
    pub stamp: Stamp,
}

/// By what a change of a file is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    modified: (i64, i64),
    changed: (i64, i64),
    /// Its size in octets.
    pub length: u64,
    inode: u64,
}

impl Stamp {
    /// Whether the file was last written before that other one.
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.modified < other.modified
    }
}

/// What lies in a cluster's folder.
#[derive(Debug, Default)]
pub struct Listed {
    /// What is to be signed.
    pub sources: Vec<Source>,
    /// What cannot be, and why.
    pub refused: Vec<(String, Error)>,
}

/// The folders of clusters. Errors: `storage`, `too-many-items`.
pub async fn clusters(from: PathBuf) -> Result<Vec<Folder>> {
    blocking(move || {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&from).map_err(|e| unreadable(&from, e))? {
            let path = entry.map_err(|e| unreadable(&from, e))?.path();
            let is_folder = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if is_folder && !name.starts_with('.') {
                found.push(Folder { name, path });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        if found.len() > MOST_CLUSTERS {
            return Err(Error::invalid(
                "too-many-items",
                format!("{} has over {MOST_CLUSTERS} folders", from.display()),
            ));
        }
        Ok(found)
    })
    .await
}

/// The files of a cluster's folder, in the order of their names. Errors: `storage`, `too-many-items`.
pub async fn sources(folder: PathBuf) -> Result<Listed> {
    blocking(move || {
        let mut listed = Listed::default();
        list(&folder, false, &mut listed)?;
        let encrypted = folder.join(ENCRYPTED);
        if std::fs::symlink_metadata(&encrypted).is_ok_and(|found| found.is_dir()) {
            list(&encrypted, true, &mut listed)?;
        }
        refuse_both(&mut listed);
        listed.sources.sort();
        Ok(listed)
    })
    .await
}

/// What stands at a place now. None: no regular file.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some(Stamp {
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
        length: found.size(),
        inode: found.ino(),
    })
}

/// The bytes of a file, of at most `most` octets. None if it is none, or larger.
pub fn read(path: &Path, most: usize) -> Option<Vec<u8>> {
    stamp(path).filter(|stamp| stamp.length <= most as u64)?;
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(most as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= most).then_some(bytes)
}

/// Blocking work on a thread for that.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(Error::internal("work on a file was cut off").because(e)))
}

fn list(folder: &Path, encrypt: bool, listed: &mut Listed) -> Result<()> {
    let unreadable = |e| unreadable(folder, e);
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // What is signed already, and what an editor keeps beside a file.
        if name.ends_with(SIGNED) || name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => continue,
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Ok(_) | Err(_) => {}
        }
        match source(&name, encrypt, path) {
            Ok(source) => listed.sources.push(source),
            Err(error) => listed.refused.push((name, error)),
        }
        if listed.sources.len() + listed.refused.len() > MOST_FILES {
            let text = format!("{} has over {MOST_FILES} files: none is signed", folder.display());
            return Err(Error::invalid("too-many-items", text));
        }
    }
    Ok(())
}

fn source(name: &str, encrypt: bool, path: PathBuf) -> Result<Source> {
    if Wanted::parse(&format!("{name}{SIGNED}")).is_none() {
        let rule = "phones ask for names of at most 156 letters, digits, dots, hyphens and low lines";
        return Err(Error::invalid("bad-file-name", rule));
    }
    let Some(stamp) = stamp(&path) else {
        return Err(Error::invalid("no-regular-file", "it is no regular file; links are not followed"));
    };
    if stamp.length > MAX_LEN as u64 {
        return Err(Error::new(Kind::TooLarge, "signed-file-too-large", "it is over 4 MiB"));
    }
    Ok(Source { name: FileName::parse(name)?, encrypt, path, stamp })
}

/// A file that lies in both folders is not signed plain: what was meant for its device alone would be read by all.
fn refuse_both(listed: &mut Listed) {
    let secret: BTreeSet<FileName> =
        listed.sources.iter().filter(|source| source.encrypt).map(|source| source.name.clone()).collect();
    let (kept, both): (Vec<_>, Vec<_>) = std::mem::take(&mut listed.sources)
        .into_iter()
        .partition(|source| source.encrypt || !secret.contains(&source.name));
    listed.sources = kept;
    listed.refused.extend(both.into_iter().map(|source| {
        let text = "it lies in encrypted too, and is signed from there: remove one of the two";
        (source.name.to_string(), Error::conflict("in-both-folders", text))
    }));
}

fn unreadable(folder: &Path, e: std::io::Error) -> Error {
    Error::storage(format!("cannot read {}", folder.display())).because(e)
}
