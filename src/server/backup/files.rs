//! The files of a data folder that go into a backup, beside the store.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::content::{MAX_FILE, SafePath, Writer};
use crate::error::{Error, Kind, Result};
use crate::server::layout::Layout;

/// Small files at the top of the folder and in `audit`.
const SINGLE: [&str; 5] = ["signet.toml", "admin.token", "tls-ca.pem", "audit/key.pem", "audit/head.json"];
/// The deepest folder of policies.
const MAX_DEPTH: usize = 6;

/// A file and its bytes.
pub(super) type Found = (SafePath, Vec<u8>);

/// The small files that are there. Errors: `storage`.
pub(super) fn single(layout: &Layout) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for name in SINGLE {
        let path = SafePath::parse(name)?;
        if let Some(bytes) = read(&path.below(layout.dir()))? {
            found.push((path, bytes));
        }
    }
    Ok(found)
}

/// Writes every file of the policies' folder, wherever that stands, one at a time. Errors: `storage`, `too-large`.
pub(super) fn policies<W: std::io::Write>(folder: &Path, writer: &mut Writer<W>) -> Result<()> {
    below(folder, "policies", MAX_DEPTH, writer)
}

fn below<W: std::io::Write>(folder: &Path, place: &str, depth: usize, writer: &mut Writer<W>) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .and_then(Iterator::collect)
        .map_err(|e| Error::storage(format!("cannot read {}", folder.display())).because(e))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        // What an editor or a mounted secret leaves beside its files, and names that no policy has.
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let (inside, path) = (format!("{place}/{name}"), entry.path());
        if path.is_dir() {
            if depth == 0 {
                return Err(Error::storage(format!("{} is too deep to be backed up", path.display())));
            }
            below(&path, &inside, depth - 1, writer)?;
        } else if let Some(bytes) = read(&path)? {
            writer.file(&SafePath::parse(&inside)?, &bytes)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let failed = |e| Error::storage(format!("cannot read {}", path.display())).because(e);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let mut bytes = Vec::new();
    file.take(u64::from(MAX_FILE) + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_FILE as usize {
        let text = format!("{} is over 64 MiB: it is not backed up", path.display());
        return Err(Error::new(Kind::TooLarge, "too-large", text));
    }
    Ok(Some(bytes))
}
