//! Durable state on one machine: an embedded engine under one committer.
//!
//! Preconditions, unique indexes, index maintenance, counters, the audit chain and cursors stand
//! once in this room; an [`engine`] only keeps ordered bytes and writes a batch durably.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::store::Store;

pub mod bench;
pub mod check;
mod commit;
mod cursor;
pub mod engine;
mod format;
mod layout;
pub mod load;
mod local;
mod place;
mod prepare;
mod read;
mod report;
mod row;
mod snapshot;
mod state;
pub mod verify;

pub use self::place::exists;
pub use self::report::Report;

/// Which engine keeps the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// redb, the default.
    Redb,
    /// sled 0.34, experimental, in programs built with the feature `sled`.
    Sled,
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redb => "redb",
            Self::Sled => "sled",
        })
    }
}

impl FromStr for EngineKind {
    type Err = Error;

    /// Reads `redb` or `sled`. Errors: `invalid-store` for another word, or for `sled` in a program
    /// built without it.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "redb" => Ok(Self::Redb),
            "sled" if cfg!(feature = "sled") => Ok(Self::Sled),
            "sled" => Err(without_sled()),
            other => {
                Err(Error::invalid("invalid-store", format!("a store is redb or sled, not {other:.40}")))
            }
        }
    }
}

/// Makes a new store in the data folder `dir` and opens it. Errors: `store-exists` if one stands
/// there or stood there, `storage`.
pub fn create(dir: &Path, engine: EngineKind) -> Result<Arc<dyn Store>> {
    place::create(dir, engine)?;
    open(dir, Some(engine))
}

/// Opens the store in the data folder `dir`, which must be of `engine` if one is named. Errors:
/// `store-missing` (a missing file is never replaced by a new one), `store-engine` for another
/// engine, `store-locked` if another process has it open, `store-newer`, `storage`.
pub fn open(dir: &Path, engine: Option<EngineKind>) -> Result<Arc<dyn Store>> {
    let engine = place::open(dir, engine)?;
    Ok(Arc::new(local::Local::start(engine)?))
}

fn without_sled() -> Error {
    Error::invalid(
        "invalid-store",
        "this program was built without the sled store; build it with: cargo build --release --features sled",
    )
}

fn missing(path: &Path) -> Error {
    let text = format!("the store is missing: {} does not exist; restore it from a backup", path.display());
    Error::new(crate::error::Kind::Storage, "store-missing", text)
}

fn locked(path: &Path) -> Error {
    let text = format!("another process has the store {} open; stop it first", path.display());
    Error::conflict("store-locked", text)
}

/// An I/O error in words that do not change with the system.
fn reason(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::StorageFull => "no space left on device".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "read-only file system".to_owned(),
        io::ErrorKind::QuotaExceeded => "disk quota exceeded".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => e.to_string(),
    }
}
