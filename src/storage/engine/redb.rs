//! redb: the built-in engine. One table per space, one fsync per batch.
//!
//! After an I/O error redb refuses everything until its file is opened anew; [`Redb::revive`]
//! does that, so that the service resumes by itself once there is room again.

use std::cell::OnceCell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use redb::{
    Builder, Database, DatabaseError, Durability, ReadOnlyTable, ReadTransaction, ReadableDatabase,
    ReadableTable, StorageError, TableDefinition,
};

use super::{Batch, Engine, Space, Span, View, Visit};
use crate::error::{Error, Result};
use crate::storage::reason;
use crate::store::Direction;

const FILE: &str = "signet.redb";
/// What it holds in memory is a quarter more than this: a page and its header take 5 KiB.
const CACHE: usize = 64 << 20;

type Table = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The engine over one redb file.
pub(super) struct Redb {
    path: PathBuf,
    slot: RwLock<Slot>,
    /// Held by the writer, so that nobody reopens the file under a live write transaction.
    writing: Mutex<()>,
}

struct Slot {
    open: Option<Opened>,
    generation: u64,
    closed: bool,
}

struct Opened {
    database: Database,
    /// Set by whoever meets an I/O error in this opening.
    lost: Arc<AtomicBool>,
}

impl Redb {
    /// Makes a new file with empty tables in `folder`.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let database = builder().create(&path).map_err(|e| opening(&path, e))?;
        make_tables(&database).map_err(|e| failed(&AtomicBool::new(false), e))?;
        Ok(Self::over(path, database))
    }

    /// Opens the file in `folder`.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Err(super::super::missing(&path));
        }
        let database = builder().open(&path).map_err(|e| opening(&path, e))?;
        if !is_complete(&database).map_err(|e| failed(&AtomicBool::new(false), e))? {
            make_tables(&database).map_err(|e| failed(&AtomicBool::new(false), e))?;
        }
        Ok(Self::over(path, database))
    }

    fn over(path: PathBuf, database: Database) -> Self {
        let slot = Slot { open: Some(Opened::new(database)), generation: 1, closed: false };
        Self { path, slot: RwLock::new(slot), writing: Mutex::new(()) }
    }

    fn begin_read(&self) -> (u64, Result<RedbView>) {
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        let generation = slot.generation;
        let view = slot.opened().and_then(|open| {
            let transaction = open.database.begin_read().map_err(|e| open.failed(e.into()))?;
            Ok(RedbView { transaction, tables: Default::default(), generation, lost: open.lost.clone() })
        });
        (generation, view)
    }

    fn try_write(&self, batch: &Batch) -> Result<()> {
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        let open = slot.opened()?;
        write_batch(&open.database, batch).map_err(|e| open.failed(e))
    }
}

impl Engine for Redb {
    fn view(&self) -> Result<Box<dyn View>> {
        let (generation, view) = self.begin_read();
        match view {
            Ok(view) => Ok(Box::new(view)),
            Err(e) if !self.revive(generation)? => Err(e),
            Err(_) => Ok(Box::new(self.begin_read().1?)),
        }
    }

    fn snapshot(&self) -> Result<Box<dyn View>> {
        self.view()
    }

    fn write(&self, batch: Batch) -> Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.try_write(&batch)
    }

    fn revive(&self, generation: u64) -> Result<bool> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        let lost = slot.open.as_ref().is_none_or(|open| open.lost.load(Ordering::Acquire));
        if slot.closed || slot.generation != generation || !lost {
            return Ok(!slot.closed && slot.generation != generation);
        }
        // The lock on the file goes with the old opening.
        slot.open = None;
        let database = builder().open(&self.path).map_err(|e| opening(&self.path, e))?;
        slot.open = Some(Opened::new(database));
        slot.generation += 1;
        Ok(true)
    }

    fn close(&self) -> Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        slot.closed = true;
        match slot.open.take() {
            Some(open) => open.database.close().map_err(|e| opening(&self.path, e)),
            None => Ok(()),
        }
    }
}

impl Slot {
    fn opened(&self) -> Result<&Opened> {
        match &self.open {
            Some(open) => Ok(open),
            None if self.closed => Err(Error::storage("the store is closed")),
            None => Err(Error::storage("the store could not be reopened after a failure")),
        }
    }
}

impl Opened {
    fn new(database: Database) -> Self {
        Self { database, lost: Arc::new(AtomicBool::new(false)) }
    }

    fn failed(&self, e: redb::Error) -> Error {
        failed(&self.lost, e)
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

const fn table(space: Space) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(space.name())
}

/// Whether it has every table: an older program made fewer.
fn is_complete(database: &Database) -> Result<bool, redb::Error> {
    Ok(database.begin_read()?.list_tables()?.count() == Space::ALL.len())
}

fn make_tables(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    for space in Space::ALL {
        transaction.open_table(table(space))?;
    }
    transaction.commit()?;
    Ok(())
}

fn write_batch(database: &Database, batch: &Batch) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    for space in Space::ALL {
        if batch.rows(space).len() > 0 {
            let mut table = transaction.open_table(table(space))?;
            for (key, value) in batch.rows(space) {
                match value {
                    Some(value) => table.insert(key.as_slice(), value.as_slice())?,
                    None => table.remove(key.as_slice())?,
                };
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

struct RedbView {
    transaction: ReadTransaction,
    tables: [OnceCell<Table>; Space::ALL.len()],
    generation: u64,
    lost: Arc<AtomicBool>,
}

impl RedbView {
    fn table(&self, space: Space) -> Result<&Table> {
        let cell = &self.tables[space.number()];
        if let Some(table) = cell.get() {
            return Ok(table);
        }
        let opened = self.transaction.open_table(table(space)).map_err(|e| self.failed(e))?;
        Ok(cell.get_or_init(|| opened))
    }

    fn failed(&self, e: impl Into<redb::Error>) -> Error {
        failed(&self.lost, e.into())
    }
}

impl View for RedbView {
    fn read(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let found = ReadableTable::get(self.table(space)?, key).map_err(|e| self.failed(e))?;
        Ok(found.map(|value| value.value().to_vec()))
    }

    fn walk(&self, space: Space, span: &Span, direction: Direction, each: &mut Visit<'_>) -> Result<()> {
        if span.is_empty() {
            return Ok(());
        }
        let range = ReadableTable::range::<&[u8]>(self.table(space)?, span.bounds());
        let mut range = range.map_err(|e| self.failed(e))?;
        loop {
            let row = match direction {
                Direction::Forward => range.next(),
                Direction::Backward => range.next_back(),
            };
            let Some(row) = row else { return Ok(()) };
            let (key, value) = row.map_err(|e| self.failed(e))?;
            if let ControlFlow::Break(()) = each(key.value(), value.value())? {
                return Ok(());
            }
        }
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}

/// Says what failed, and marks the opening as lost where redb will refuse everything from now on.
fn failed(lost: &AtomicBool, e: redb::Error) -> Error {
    let text = match &e {
        redb::Error::Io(io) => {
            lost.store(true, Ordering::Release);
            reason(io)
        }
        redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
            lost.store(true, Ordering::Release);
            "an earlier failure of the disk".to_owned()
        }
        other => other.to_string(),
    };
    Error::storage(format!("the store failed: {text}"))
}

fn opening(path: &Path, e: DatabaseError) -> Error {
    match e {
        DatabaseError::DatabaseAlreadyOpen => super::super::locked(path),
        DatabaseError::Storage(StorageError::Io(io)) => {
            Error::storage(format!("cannot open the store {}: {}", path.display(), reason(&io)))
        }
        other => Error::storage(format!("cannot open the store {}: {other}", path.display())),
    }
}
