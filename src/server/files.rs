//! Small files of the data folder, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{Error, Result};

/// For secrets: only the owner reads.
pub const PRIVATE: u32 = 0o600;

/// For what everyone may read.
pub const PUBLIC: u32 = 0o644;

/// Writes a file atomically and durably: temporary file, fsync, rename, fsync of the folder.
/// Errors: `storage` naming the file.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let failed = |e| Error::storage(format!("cannot write {}", path.display())).because(e);
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.tmp"));
    let write = || -> std::io::Result<()> {
        // A leftover of a crash would keep its mode.
        let _ = fs::remove_file(&temporary);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_folder(folder)
    };
    write().map_err(failed)
}

/// Makes an entry's place in `folder` durable.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}
