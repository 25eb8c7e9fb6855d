//! Making a backup: the store as of one instant, and the files around it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::content::{Begin, End, FORMAT, SafePath, Writer};
use super::files;
use crate::audit::{Actor, Event};
use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Result};
use crate::keys::software::Vault;
use crate::keys::software::archive::Archivist;
use crate::random::Random;
use crate::server::layout::Layout;
use crate::server::lock::FolderLock;
use crate::server::settings::Given;
use crate::storage;
use crate::store::{Db, Snapshot, Unit};

/// What is backed up.
#[derive(Clone)]
pub struct Source {
    /// The store.
    pub db: Db,
    /// Seals, and gives the keys' files.
    pub archivist: Archivist,
    /// The data folder.
    pub layout: Layout,
    /// Where the policies stand.
    pub policies: PathBuf,
}

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// What it says of itself.
    pub begin: Begin,
    /// What it holds.
    pub end: End,
}

impl Source {
    /// Writes a backup. What was acknowledged before the call is in it. Blocking; in memory are the keys' files and
    /// one other file or row at a time. Errors: `storage`, `too-large`; those of `out`.
    pub fn write<W: Write>(&self, out: W, now: Timestamp) -> Result<Made> {
        // Before the store, so that the head is one of an entry that the store has.
        let single = files::single(&self.layout)?;
        let mut keys: BTreeMap<String, Vec<u8>> = self.archivist.key_files()?.into_iter().collect();
        let snapshot = self.db.raw().snapshot()?;
        // Once more: a key is written before the record that names it, and removed after.
        keys.extend(self.archivist.key_files()?);
        let begin = Begin {
            format: FORMAT,
            signet: env!("CARGO_PKG_VERSION").to_owned(),
            made: now.to_string(),
            audit_entries: snapshot.head()?.seq,
        };
        let mut writer = Writer::begin(self.archivist.seal(out)?, &begin)?;
        for (path, bytes) in single {
            writer.file(&path, &bytes)?;
        }
        for (name, bytes) in keys {
            writer.file(&SafePath::parse(&format!("keys/{name}"))?, &bytes)?;
        }
        files::policies(&self.policies, &mut writer)?;
        rows(&*snapshot, &mut writer)?;
        let (archive, end) = writer.finish()?;
        archive.finish()?;
        Ok(Made { begin, end })
    }
}

fn rows<W: Write>(snapshot: &dyn Snapshot, writer: &mut Writer<W>) -> Result<()> {
    snapshot.rows(&mut |part, key, value| writer.row(part, key, value))
}

/// Makes a backup of a data folder where no server runs. Errors: `not-initialised`, `already-running`, `wrong-password`,
/// `storage`; those of `out`.
pub async fn offline<W: Write + Send + 'static>(
    data: &Path,
    password: &str,
    (clock, random): (&Clock, &Random),
    out: W,
) -> Result<Made> {
    let layout = Layout::new(data);
    if !layout.is_initialised() {
        return Err(Error::conflict("not-initialised", format!("there is no CA in {}", data.display())));
    }
    let _lock = FolderLock::take(&layout)?;
    let vault = Vault::open(data, password, random)?;
    let db = Db::new(storage::open(data, None)?);
    let policies = Given::read(&layout)?.policies(&layout);
    let source = Source { db: db.clone(), archivist: vault.archivist(), layout, policies };
    let now = clock.now();
    let mut unit = Unit::new();
    unit.event(Event::new(now, Actor::System, "backup.create", "store:all"));
    db.commit(unit).await?;
    let task = tokio::task::spawn_blocking(move || source.write(out, now));
    let made = task.await.unwrap_or_else(|e| Err(Error::internal("the backup broke off").because(e)));
    db.raw().close().await?;
    made
}
