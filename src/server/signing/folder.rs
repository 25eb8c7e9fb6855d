//! What lies in the folder. Only regular files are looked at: a link would let who may write there have anything signed.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
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
    /// Whether the file came to be as it is before that other one was written: a copy may keep the time of its original.
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.changed < other.modified
    }

    fn of(found: &Metadata) -> Self {
        Self {
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
            length: found.size(),
            inode: found.ino(),
        }
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
    let found = std::fs::symlink_metadata(path).ok().filter(Metadata::is_file)?;
    Some(Stamp::of(&found))
}

/// The bytes of a file that is to be signed. None: it is gone, or was changed since it was listed.
/// Errors: `unreadable-file`.
pub fn read(source: &Source) -> Result<Option<Vec<u8>>> {
    let is_same = || stamp(&source.path) == Some(source.stamp);
    match read_as(&source.path, source.stamp) {
        Ok(bytes) => Ok(bytes.filter(|_| is_same())),
        Err(e) if e.kind() == ErrorKind::NotFound || !is_same() => Ok(None),
        Err(e) => Err(Error::conflict("unreadable-file", format!("it cannot be read: {e}")).because(e)),
    }
}

/// The bytes of a file that phones are served, of at most `most` octets. None if it is none, or larger.
pub fn read_served(path: &Path, most: usize) -> Option<Vec<u8>> {
    let stamp = stamp(path).filter(|stamp| stamp.length <= most as u64)?;
    read_as(path, stamp).ok().flatten()
}

/// Blocking work on a thread for that.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(Error::internal("work on a file was cut off").because(e)))
}

/// The bytes of what was seen there: none if something else was put into its place, or it is being written.
fn read_as(path: &Path, stamp: Stamp) -> io::Result<Option<Vec<u8>>> {
    // A pipe in its place would be waited for, and a link followed.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let mut file = File::options().read(true).custom_flags(flags).open(path)?;
    if Stamp::of(&file.metadata()?) != stamp {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    (&mut file).take(stamp.length + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 == stamp.length).then_some(bytes))
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
    if name.ends_with(".enc") {
        let rule = "phones would take it for an encrypted file: no name ends in .enc";
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn what_cannot_be_read_is_told_and_what_is_gone_or_another_is_looked_at_later() {
        // Nothing lies at its address 0: reading fails, whoever reads.
        let broken = source("mem", false, "/proc/self/mem".into()).unwrap();
        let error = read(&broken).unwrap_err();
        assert!(error.detail().starts_with("it cannot be read: "), "{error}");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.xml");
        std::fs::write(&path, "<a/>").unwrap();
        let seen = source("a.xml", false, path.clone()).unwrap();
        assert_eq!(read(&seen).unwrap().unwrap(), b"<a/>");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read(&seen).unwrap(), None);
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert_eq!(read(&seen).unwrap(), None);
    }

    #[test]
    fn a_copy_that_keeps_the_time_of_its_original_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, modified: SystemTime| {
            let path = folder.path().join(name);
            File::create(&path).unwrap().set_modified(modified).unwrap();
            path
        };
        let now = SystemTime::now();
        let long_ago = now - Duration::from_secs(86_400);
        let copy = stamp(&at("copy.xml", long_ago)).unwrap();
        let made = |modified| stamp(&at("made.enc.sgn", modified)).unwrap();
        assert!(copy.is_older_than(&made(now + Duration::from_secs(60))));
        assert!(!copy.is_older_than(&made(long_ago + Duration::from_secs(60))));
        let changed = Duration::new(copy.changed.0.cast_unsigned(), u32::try_from(copy.changed.1).unwrap());
        assert!(!copy.is_older_than(&made(SystemTime::UNIX_EPOCH + changed)), "who knows which came first");
    }
}
