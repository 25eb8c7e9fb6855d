//! The rows of a backup on their way back: looked at, and, for a restore, written into a new store.
//!
//! Indexes and the orders of the audit log are made again from the records and entries, so a backup of one engine is
//! loaded into any other.

use std::path::Path;

use super::engine::{Batch, Engine, Space};
use super::layout::{self, MAX_KEY};
use super::report::Report;
use super::row::{self, CHUNK, Row};
use super::verify::Walk;
use super::{EngineKind, format, place, read};
use crate::audit::Head;
use crate::error::{Error, Result};
use crate::store::Part;

/// So many bytes of rows go in one durable write.
const BATCH: usize = 8 << 20;

/// Takes in the rows of a backup in their order.
pub struct Load {
    target: Option<Box<dyn Engine>>,
    batch: Batch,
    bytes: usize,
    last: Option<(Part, Vec<u8>)>,
    format: Option<u32>,
    head: Head,
    walk: Walk,
    /// Chunks that the records ask for and that have not come.
    chunks: i64,
    records: u64,
    counters: u64,
    report: Report,
}

impl Load {
    /// Only looks.
    pub fn looking() -> Self {
        Self {
            target: None,
            batch: Batch::new(),
            bytes: 0,
            last: None,
            format: None,
            head: Head::EMPTY,
            walk: Walk::begin(),
            chunks: 0,
            records: 0,
            counters: 0,
            report: Report::default(),
        }
    }

    /// Writes into a new store in the data folder `dir`. Errors: `store-exists`, `storage`.
    pub fn into_new(dir: &Path, engine: EngineKind) -> Result<Self> {
        place::create(dir, engine)?;
        Ok(Self { target: Some(place::open(dir, Some(engine))?), ..Self::looking() })
    }

    /// Takes in a row. Errors: `damaged-backup`, `store-newer`, `storage`.
    pub fn row(&mut self, part: Part, key: &[u8], value: &[u8]) -> Result<()> {
        let place = (part, key.to_vec());
        if self.last.as_ref().is_some_and(|last| *last >= place) {
            return Err(damaged("its rows are not in order"));
        }
        if self.format.is_none() && part != Part::Format {
            return Err(damaged("it does not begin with the store's format"));
        }
        self.last = Some(place);
        match part {
            Part::Format => self.format(value)?,
            Part::Head => self.head(key, value)?,
            Part::Records => self.record(key, value)?,
            Part::Chunks => self.chunk(key, value)?,
            Part::Counters => self.counter(key, value)?,
            Part::Audit => self.entry(key, value)?,
        }
        self.bytes += key.len() + value.len();
        if self.bytes >= BATCH { self.write() } else { Ok(()) }
    }

    /// What there was, and what is wrong with it; the store is closed. Errors: `damaged-backup` if rows are missing;
    /// `storage`.
    pub fn finish(mut self) -> Result<Report> {
        if self.format.is_none() {
            return Err(damaged("it holds no store"));
        }
        if self.chunks != 0 {
            return Err(damaged("pieces of large records are missing"));
        }
        self.report.count("records", self.records);
        self.report.count("counters", self.counters);
        self.walk.end(self.head, &mut self.report);
        self.write()?;
        if let Some(engine) = &self.target {
            engine.close()?;
        }
        Ok(self.report)
    }

    fn write(&mut self) -> Result<()> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        match &self.target {
            Some(engine) if !batch.is_empty() => engine.write(batch),
            _ => Ok(()),
        }
    }

    fn put(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) {
        if self.target.is_some() {
            self.batch.put(space, key, value);
        }
    }

    /// Rows of the formats up to ours are alike; the new store keeps ours.
    fn format(&mut self, value: &[u8]) -> Result<()> {
        let found = value.try_into().map(u32::from_be_bytes).map_err(|_| damaged("the store's format"))?;
        if found == 0 || found > format::CURRENT {
            return Err(format::newer(found, format::CURRENT));
        }
        self.format = Some(found);
        Ok(())
    }

    fn head(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.head = postcard::from_bytes(value).map_err(|_| damaged("the head of the audit log"))?;
        self.put(Space::Meta, key.to_vec(), value.to_vec());
        Ok(())
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if key.len() < 2 || key.len() > 1 + MAX_KEY {
            return Err(damaged("the key of a record"));
        }
        let row = Row::read(value).map_err(|_| damaged("a record"))?;
        self.chunks += i64::from(row.chunks());
        for listed in row.indexes() {
            if listed.key.len() > MAX_KEY {
                return Err(damaged("an index key of a record"));
            }
            let (entry, value) = row::entry(key, *listed);
            self.bytes += entry.len() + value.len();
            self.put(Space::Index, entry, value);
        }
        self.put(Space::Records, key.to_vec(), value.to_vec());
        self.records += 1;
        Ok(())
    }

    fn chunk(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if key.len() < 8 || key.len() > MAX_KEY + 7 || value.len() > CHUNK {
            return Err(damaged("a piece of a large record"));
        }
        self.chunks -= 1;
        self.put(Space::Chunks, key.to_vec(), value.to_vec());
        Ok(())
    }

    fn counter(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if key.is_empty() || key.len() > 1 + MAX_KEY || value.len() != 8 {
            return Err(damaged("a counter"));
        }
        self.put(Space::Counters, key.to_vec(), value.to_vec());
        self.counters += 1;
        Ok(())
    }

    fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let seq =
            key.try_into().map(u64::from_be_bytes).map_err(|_| damaged("the place of an audit entry"))?;
        let entry = read::entry(seq, value).map_err(|e| damaged(e.detail()))?;
        self.walk.entry(seq, &entry, &mut self.report);
        let event = &entry.event;
        self.put(Space::AuditBySubject, layout::audit_index_key(&event.subject, seq), Vec::new());
        self.put(Space::AuditByAction, layout::audit_index_key(&event.action, seq), Vec::new());
        self.put(Space::Audit, key.to_vec(), value.to_vec());
        Ok(())
    }
}

fn damaged(what: &str) -> Error {
    Error::invalid("damaged-backup", format!("the backup is damaged: {what}"))
}
