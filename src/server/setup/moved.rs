//! Which pieces in the data folder an `init` that was broken off had put there: its list, `DIR/.init/moved`, names
//! each with its place on the disk, which a rename keeps and a file put back from a copy does not have.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{BEFORE, PIECES};
use crate::server::files;
use crate::server::layout::Layout;

const LIST: &str = "moved";

/// Writes the list, durably, before anything is moved. Errors: those of the file system.
pub(super) fn note(layout: &Layout) -> Result<()> {
    let building = layout.building();
    let mut list = String::new();
    for piece in removable() {
        if let Some(place) = place(&building.join(piece))? {
            list.push_str(&format!("{piece} {place}\n"));
        }
    }
    files::write(&building.join(LIST), list.as_bytes(), files::PRIVATE).map_err(Error::other)
}

/// The pieces in the data folder that the list proves to be of the build that was broken off.
pub(super) fn ours(layout: &Layout) -> Result<Vec<&'static str>> {
    let list = match fs::read_to_string(layout.building().join(LIST)) {
        Ok(list) => list,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut ours = Vec::new();
    for piece in removable() {
        if let Some(place) = place(&layout.dir().join(piece))?
            && list.lines().any(|line| line == format!("{piece} {place}"))
        {
            ours.push(piece);
        }
    }
    Ok(ours)
}

fn removable() -> impl Iterator<Item = &'static str> {
    PIECES.iter().copied().filter(|piece| !BEFORE.contains(piece))
}

/// Device and inode of what stands there.
fn place(path: &Path) -> Result<Option<String>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(format!("{} {}", found.dev(), found.ino()))),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}
