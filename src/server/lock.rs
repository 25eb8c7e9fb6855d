//! One server per data folder: an advisory lock on `DIR/lock` that dies with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;

use crate::error::{Error, Result};
use crate::server::layout::Layout;

/// Held as long as this value lives.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock. Errors: `already-running` if another process has it; `storage`.
    pub fn take(layout: &Layout) -> Result<Self> {
        let path = layout.lock();
        let failed = |e| Error::storage(format!("cannot lock {}", path.display())).because(e);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::conflict(
                "already-running",
                format!("another signet works on {}; stop it first", layout.dir().display()),
            )),
            Err(TryLockError::Error(e)) => Err(failed(e)),
        }
    }
}
