//! sled 0.34, experimental: all spaces in one tree, so that a batch is atomic.
//!
//! sled's own `flush` calls `sync_file_range`, which survives no loss of power: after it the
//! engine syncs sled's `db` file itself. sled has no snapshots either: a view holds writers off
//! while it lives, and a snapshot is a copy in memory. Settings are sled's own: others panicked
//! on opening.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};

use sled::{Db, IVec};

use super::{Batch, Engine, Space, Span, View, Visit, place, placed};
use crate::error::{Error, Result};
use crate::storage::reason;
use crate::store::Direction;

const FOLDER: &str = "sled";
const FILE: &str = "db";

/// The engine over one sled folder.
pub(super) struct Sled {
    path: PathBuf,
    slot: Arc<RwLock<Slot>>,
    gate: Arc<Gate>,
}

struct Slot {
    open: Option<Opened>,
    generation: u64,
    closed: bool,
    lost: bool,
}

struct Opened {
    db: Db,
    file: File,
}

impl Sled {
    /// Makes a new folder with an empty tree in `folder`.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        let path = folder.join(FOLDER);
        std::fs::create_dir(&path)
            .map_err(|e| Error::storage(format!("cannot make {}: {}", path.display(), reason(&e))))?;
        Self::over(path)
    }

    /// Opens the folder in `folder`.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(FOLDER);
        if !path.join(FILE).exists() {
            return Err(super::super::missing(&path));
        }
        Self::over(path)
    }

    fn over(path: PathBuf) -> Result<Self> {
        let open = Some(Opened::new(&path)?);
        let slot = Slot { open, generation: 1, closed: false, lost: false };
        Ok(Self { path, slot: Arc::new(RwLock::new(slot)), gate: Arc::default() })
    }
}

impl Opened {
    fn new(path: &Path) -> Result<Self> {
        let db = sled::Config::new().path(path).open().map_err(|e| match e {
            sled::Error::Io(io) if io.to_string().contains("lock") => super::super::locked(path),
            other => failed(other),
        })?;
        let file = File::open(path.join(FILE)).map_err(|e| failed(e.into()))?;
        Ok(Self { db, file })
    }

    fn write(&self, batch: &Batch) -> Result<(), sled::Error> {
        let mut rows = sled::Batch::default();
        for space in Space::ALL {
            for (key, value) in batch.rows(space) {
                match value {
                    Some(value) => rows.insert(place(space, key), value.as_slice()),
                    None => rows.remove(place(space, key)),
                }
            }
        }
        self.db.apply_batch(rows)?;
        self.db.flush()?;
        self.file.sync_all()?;
        Ok(())
    }
}

impl Slot {
    fn opened(&self) -> Result<&Opened> {
        match &self.open {
            Some(open) if !self.lost => Ok(open),
            _ if self.closed => Err(Error::storage("the store is closed")),
            _ => Err(Error::storage("the store failed and is being reopened")),
        }
    }
}

impl Engine for Sled {
    fn view(&self) -> Result<Box<dyn View>> {
        let entered = Entered::new(self.gate.clone());
        let generation = self.slot.read().unwrap_or_else(PoisonError::into_inner).generation;
        Ok(Box::new(Live { slot: self.slot.clone(), generation, _entered: entered }))
    }

    fn snapshot(&self) -> Result<Box<dyn View>> {
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        let open = slot.opened()?;
        let rows = open.db.iter().collect::<Result<_, _>>().map_err(failed)?;
        Ok(Box::new(Copied { rows, generation: slot.generation }))
    }

    fn write(&self, batch: Batch) -> Result<()> {
        // Nobody reads what is not yet durable, nor half of what is.
        let _alone = Alone::new(&self.gate);
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        let written = slot.opened()?.write(&batch);
        slot.lost = written.is_err();
        written.map_err(failed)
    }

    fn revive(&self, generation: u64) -> Result<bool> {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        if slot.closed || slot.generation != generation || !(slot.lost || slot.open.is_none()) {
            return Ok(!slot.closed && slot.generation != generation);
        }
        slot.open = None;
        slot.open = Some(Opened::new(&self.path)?);
        slot.lost = false;
        slot.generation += 1;
        Ok(true)
    }

    fn close(&self) -> Result<()> {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        slot.closed = true;
        slot.open = None;
        Ok(())
    }
}

/// Lets in any number of views or one writer, who goes first.
#[derive(Default)]
struct Gate {
    inside: Mutex<Inside>,
    left: Condvar,
}

#[derive(Default)]
struct Inside {
    views: usize,
    writers: usize,
}

struct Entered(Arc<Gate>);

impl Entered {
    fn new(gate: Arc<Gate>) -> Self {
        let inside = gate.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inside =
            gate.left.wait_while(inside, |inside| inside.writers > 0).unwrap_or_else(PoisonError::into_inner);
        inside.views += 1;
        drop(inside);
        Self(gate)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner).views -= 1;
        self.0.left.notify_all();
    }
}

struct Alone<'a>(&'a Gate);

impl<'a> Alone<'a> {
    fn new(gate: &'a Gate) -> Self {
        let mut inside = gate.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.writers += 1;
        drop(gate.left.wait_while(inside, |inside| inside.views > 0).unwrap_or_else(PoisonError::into_inner));
        Self(gate)
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner).writers -= 1;
        self.0.left.notify_all();
    }
}

/// Reads the tree as it is, and holds writers off.
struct Live {
    slot: Arc<RwLock<Slot>>,
    generation: u64,
    _entered: Entered,
}

impl View for Live {
    fn read(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        let found = slot.opened()?.db.get(place(space, key)).map_err(failed)?;
        Ok(found.map(|value| value.to_vec()))
    }

    fn walk(&self, space: Space, span: &Span, direction: Direction, each: &mut Visit<'_>) -> Result<()> {
        if span.is_empty() {
            return Ok(());
        }
        let db = self.slot.read().unwrap_or_else(PoisonError::into_inner).opened()?.db.clone();
        let mut range = db.range(placed(space, span));
        loop {
            let row = match direction {
                Direction::Forward => range.next(),
                Direction::Backward => range.next_back(),
            };
            let Some(row) = row else { return Ok(()) };
            let (key, value) = row.map_err(failed)?;
            if each(&key[1..], &value)?.is_break() {
                return Ok(());
            }
        }
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}

struct Copied {
    rows: BTreeMap<IVec, IVec>,
    generation: u64,
}

impl View for Copied {
    fn read(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.rows.get(place(space, key).as_slice()).map(|value| value.to_vec()))
    }

    fn walk(&self, space: Space, span: &Span, direction: Direction, each: &mut Visit<'_>) -> Result<()> {
        if span.is_empty() {
            return Ok(());
        }
        let (from, to) = placed(space, span);
        let bounds = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
        let mut range = self.rows.range::<[u8], _>(bounds);
        loop {
            let row = match direction {
                Direction::Forward => range.next(),
                Direction::Backward => range.next_back(),
            };
            let Some((key, value)) = row else { return Ok(()) };
            if let ControlFlow::Break(()) = each(&key[1..], value)? {
                return Ok(());
            }
        }
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}

fn failed(e: sled::Error) -> Error {
    let text = match &e {
        sled::Error::Io(io) => reason(io),
        other => other.to_string(),
    };
    Error::storage(format!("the store failed: {text}"))
}
