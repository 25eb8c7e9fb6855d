//! Where a store stands in the data folder, and how it gets there without ever being half made.
//!
//! `DIR/store/` holds the engine's files and a `marker`; `DIR/store.marker` says that a store was
//! made here, so that a lost folder is an error and never a new, empty store.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::engine::{self, Engine};
use super::{EngineKind, format, missing, reason};
use crate::error::{Error, Result};

const FOLDER: &str = "store";
const UNFINISHED: &str = "store.new";
const MARKER: &str = "store.marker";
const INNER_MARKER: &str = "marker";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    engine: String,
    format: u32,
}

/// Whether a store was ever made in the data folder (it may be missing now).
pub fn exists(dir: &Path) -> bool {
    dir.join(MARKER).exists() || dir.join(FOLDER).exists()
}

/// Makes a store. Errors: `store-exists`, `store-locked` while another process does, `storage`.
pub(super) fn create(dir: &Path, kind: EngineKind) -> Result<()> {
    fs::create_dir_all(dir).map_err(|e| cannot("make", dir, &e))?;
    let folder = File::open(dir).map_err(|e| cannot("open", dir, &e))?;
    folder.try_lock().map_err(|_| super::locked(dir))?;
    if exists(dir) {
        let text = format!("{} holds a store already", dir.display());
        return Err(Error::conflict("store-exists", text));
    }
    let unfinished = dir.join(UNFINISHED);
    make(&unfinished, kind).inspect_err(|_| {
        let _ = fs::remove_dir_all(&unfinished);
    })?;
    let done = dir.join(FOLDER);
    fs::rename(&unfinished, &done).map_err(|e| cannot("rename", &done, &e))?;
    sync(dir)?;
    write_marker(dir, MARKER, kind)?;
    dir.canonicalize().ok().as_deref().and_then(Path::parent).map_or(Ok(()), sync)
}

/// Opens a store. Errors: `store-missing`, `store-engine`, `store-locked`, `store-newer`, `storage`.
pub(super) fn open(dir: &Path, wanted: Option<EngineKind>) -> Result<Box<dyn Engine>> {
    let kind = marked(dir)?;
    if let Some(wanted) = wanted.filter(|wanted| *wanted != kind) {
        let text = format!("the store in {} is {kind}, not {wanted}", dir.display());
        return Err(Error::conflict("store-engine", text));
    }
    let folder = dir.join(FOLDER);
    if !folder.exists() {
        return Err(missing(&folder));
    }
    let engine = engine::open(kind, &folder)?;
    format::migrate(&*engine)?;
    if read_marker(&dir.join(MARKER))?.is_none_or(|marker| marker.format != format::CURRENT) {
        write_marker(dir, MARKER, kind)?;
    }
    Ok(engine)
}

/// The engine that the marker names; after a crash between the two markers, the inner one.
fn marked(dir: &Path) -> Result<EngineKind> {
    let outer = read_marker(&dir.join(MARKER))?;
    let marker = match outer {
        Some(marker) => marker,
        None => {
            read_marker(&dir.join(FOLDER).join(INNER_MARKER))?.ok_or_else(|| missing(&dir.join(FOLDER)))?
        }
    };
    if marker.format > format::CURRENT {
        return Err(format::newer(marker.format, format::CURRENT));
    }
    match marker.engine.as_str() {
        "redb" => Ok(EngineKind::Redb),
        "sled" => Ok(EngineKind::Sled),
        other => Err(Error::storage(format!("the store's marker names an unknown engine: {other:.40}"))),
    }
}

fn make(folder: &Path, kind: EngineKind) -> Result<()> {
    if folder.exists() {
        // Left over from a crash: it never became a store.
        fs::remove_dir_all(folder).map_err(|e| cannot("remove", folder, &e))?;
    }
    DirBuilder::new().mode(0o700).create(folder).map_err(|e| cannot("make", folder, &e))?;
    let engine = engine::create(kind, folder)?;
    format::stamp(&*engine)?;
    engine.close()?;
    drop(engine);
    write_marker(folder, INNER_MARKER, kind)?;
    sync_all(folder)
}

fn write_marker(dir: &Path, name: &str, kind: EngineKind) -> Result<()> {
    let marker = Marker { engine: kind.to_string(), format: format::CURRENT };
    let text = toml::to_string(&marker).map_err(|e| Error::internal("the store's marker").because(e))?;
    let (unfinished, done) = (dir.join(format!("{name}.new")), dir.join(name));
    let write = || {
        let mut file = File::create(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &done)
    };
    write().map_err(|e| cannot("write", &done, &e))?;
    sync(dir)
}

fn read_marker(path: &Path) -> Result<Option<Marker>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(cannot("read", path, &e)),
    };
    let damaged = |e| Error::storage(format!("the store's marker {} is damaged", path.display())).because(e);
    toml::from_str(&text).map(Some).map_err(damaged)
}

/// Syncs a folder, its files and its folders.
fn sync_all(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|e| cannot("read", folder, &e))? {
        let path = entry.map_err(|e| cannot("read", folder, &e))?.path();
        if path.is_dir() {
            sync_all(&path)?;
        } else {
            sync(&path)?;
        }
    }
    sync(folder)
}

fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|e| cannot("sync", path, &e))
}

fn cannot(what: &str, path: &Path, e: &io::Error) -> Error {
    Error::storage(format!("cannot {what} {}: {}", path.display(), reason(e)))
}
