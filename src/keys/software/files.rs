//! Files on the disk: written whole or not at all, private to their owner.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::error::{Error, Result};

/// The greatest file that is read, in bytes: a key of 4096 bits takes 2.5 KiB.
const MAX_FILE: u64 = 64 * 1024;

/// Makes the folder `path` for its owner alone (0700), and its parent know of it durably.
/// A folder that is there stays, and is closed to others. Errors: `storage`.
pub fn make_folder(path: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(failed("make", path, e)),
    }
    close_to_others(path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Takes from the folder `path` what rights others than its owner have. Errors: `storage`.
pub fn close_to_others(path: &Path) -> Result<()> {
    let mode = fs::metadata(path).map_err(|e| failed("read", path, e))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(|e| failed("close", path, e))
}

/// Writes `bytes` as `folder/name` (0600), durably and atomically: temporary file, fsync, rename, fsync of
/// the folder. Errors: `storage`; what stood there before then stands there still.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let target = folder.join(name);
    let temporary = folder.join(temporary(name));
    let written = write_synced(&temporary, bytes).and_then(|()| fs::rename(&temporary, &target));
    if let Err(e) = written {
        // It may not be there; the error to tell is the first one.
        let _ = fs::remove_file(&temporary);
        return Err(failed("write", &target, e));
    }
    sync_folder(folder)
}

/// The bytes of `path`, the first 64 KiB at the most (no digest holds over a part), or none if there is no such
/// file. Errors: `storage`.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed("read", path, e)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(|e| failed("read", path, e))?;
    Ok(Some(bytes))
}

/// Overwrites `folder/name` with zeros, unlinks it and syncs the folder; its forgotten temporary file too.
/// Errors: `storage`.
pub fn erase(folder: &Path, name: &str) -> Result<()> {
    for name in [temporary(name), name.to_owned()] {
        let path = folder.join(name);
        match overwrite(&path).and_then(|()| fs::remove_file(&path)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &path, e)),
            Ok(()) | Err(_) => {}
        }
    }
    sync_folder(folder)
}

/// The names in `folder` that end in `suffix`, without it, sorted. Errors: `storage`.
pub fn names(folder: &Path, suffix: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| failed("list", folder, e))? {
        let name = entry.map_err(|e| failed("list", folder, e))?.file_name();
        if let Some(name) = name.to_str().and_then(|n| n.strip_suffix(suffix)) {
            found.push(name.to_owned());
        }
    }
    found.sort();
    Ok(found)
}

fn temporary(name: &str) -> String {
    format!("{name}.tmp")
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // One left behind by a crash keeps its mode.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(0))?;
    io::copy(&mut io::repeat(0).take(len), &mut file)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|f| f.sync_all()).map_err(|e| failed("sync", path, e))
}

fn failed(verb: &str, path: &Path, cause: io::Error) -> Error {
    Error::storage(format!("cannot {verb} {}", path.display())).because(cause)
}
