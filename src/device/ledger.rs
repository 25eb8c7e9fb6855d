//! The trust ledger: which list each device holds, what it fetched, and what it told of itself. It follows what devices
//! do at a distance: notes are collected in memory and written together, each device at most once in a minute.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::device::{DeviceName, inventory};
use crate::error::Result;
use crate::store::{CommitError, Db, Stored, Unit, When};

mod list;
mod note;
mod records;

pub use list::{Held, Page, Wanted, list};
pub use note::{Note, Over, Told, What};
pub use records::{AlarmNoted, Fetch, FetchedWhat, Holding, LedgerRecord, Source, TvsAsked};

/// A device's entry is written at most once in this time.
const PAUSE: Duration = Duration::from_secs(60);
/// So many devices are held in memory at the most; what more do meanwhile is not noted.
const MOST: usize = 200_000;
/// So many notes of a device wait at the most: beyond that the oldest go.
const NOTES: usize = 16;
/// So often an entry is read again that was changed meanwhile.
const TRIES: usize = 5;
/// So many records go into one durable write.
const BATCH: usize = 200;

/// Collects notes and writes them.
pub struct Ledger {
    db: Db,
    clock: Clock,
    waiting: Mutex<HashMap<String, Waiting>>,
}

/// What is to be written of a device.
struct Waiting {
    device: DeviceName,
    written: Option<Timestamp>,
    notes: Vec<(Timestamp, Note)>,
}

impl Ledger {
    /// An empty one.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, waiting: Mutex::default() }
    }

    /// Notes what a device did at `at`. Nothing is written yet, and never for a device that is not in the inventory.
    pub fn note(&self, device: DeviceName, at: Timestamp, note: Note) {
        let mut waiting = self.waiting();
        let name = device.folded();
        if waiting.len() >= MOST && !waiting.contains_key(&name) {
            metrics::counter!("signet_ledger_notes_dropped_total").increment(1);
            return;
        }
        let entry =
            waiting.entry(name).or_insert_with(|| Waiting { device, written: None, notes: Vec::new() });
        if matches!(note, Note::AskedTvs { .. }) {
            // Of those only the last is kept.
            entry.notes.retain(|(_, note)| !matches!(note, Note::AskedTvs { .. }));
        }
        if entry.notes.len() >= NOTES {
            entry.notes.remove(0);
        }
        entry.notes.push((at, note));
    }

    /// A device's entry with what waits to be written; none if nothing was ever noted. Errors: `storage`.
    pub async fn of(&self, device: &DeviceName) -> Result<Option<LedgerRecord>> {
        let stored = self.db.get::<LedgerRecord>(&LedgerRecord::key_of(device)).await?;
        let mut record = stored.map(|stored| stored.value);
        if let Some(waiting) = self.waiting().get(&device.folded()) {
            for (at, note) in &waiting.notes {
                record.get_or_insert_with(|| LedgerRecord::new(device.clone())).apply(*at, note);
            }
        }
        Ok(record)
    }

    /// Writes a note at once, after what waits, together with `unit`; it is durable when this returns.
    /// Errors: `storage`; `state-conflict` if the entry changes again and again meanwhile.
    pub async fn record(
        &self,
        device: &DeviceName,
        at: Timestamp,
        note: &Note,
        unit: &Unit,
    ) -> Result<LedgerRecord> {
        let mut notes = self.take(&device.folded());
        notes.push((at, note.clone()));
        let written = self.write_now(device, &notes, unit).await;
        if written.is_err() {
            notes.pop();
            self.put_back(device, notes);
        }
        written
    }

    async fn write_now(
        &self,
        device: &DeviceName,
        notes: &[(Timestamp, Note)],
        unit: &Unit,
    ) -> Result<LedgerRecord> {
        let mut tries = 0;
        loop {
            tries += 1;
            let stored = self.db.get::<LedgerRecord>(&LedgerRecord::key_of(device)).await?;
            let (mut record, when) = open(stored, device);
            notes.iter().for_each(|(at, note)| record.apply(*at, note));
            let mut unit = unit.clone();
            unit.put(&record, when)?;
            match self.db.commit(unit).await {
                Ok(_) => return Ok(record),
                Err(CommitError::Refused { .. }) if tries < TRIES => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Writes what is due, a batch in each durable write; returns how many entries were written. What cannot be
    /// written waits for the next time. Errors: `storage`.
    pub async fn flush(&self) -> Result<usize> {
        self.write_due(PAUSE).await
    }

    /// Writes all that waits, for the end of the server. Errors: `storage`.
    pub async fn finish(&self) -> Result<usize> {
        self.write_due(Duration::ZERO).await
    }

    async fn write_due(&self, pause: Duration) -> Result<usize> {
        let now = self.clock.now();
        let mut due = self.take_due(now, pause);
        let mut written = 0;
        while !due.is_empty() {
            let rest = due.split_off(due.len().min(BATCH));
            let batch = std::mem::replace(&mut due, rest);
            match self.write(&batch).await {
                Ok(count) => written += count,
                Err(error) => {
                    batch.into_iter().chain(due).for_each(|(device, notes)| self.put_back(&device, notes));
                    return Err(error);
                }
            }
        }
        Ok(written)
    }

    async fn write(&self, batch: &[(DeviceName, Vec<(Timestamp, Note)>)]) -> Result<usize> {
        let mut unit = Unit::new();
        for (device, notes) in batch {
            // Of others nothing is kept, or anybody could fill the store.
            if inventory::find(&self.db, device).await?.is_none() {
                metrics::counter!("signet_ledger_unlisted_total").increment(1);
                continue;
            }
            let stored = self.db.get::<LedgerRecord>(&LedgerRecord::key_of(device)).await?;
            let (mut record, when) = open(stored, device);
            notes.iter().for_each(|(at, note)| record.apply(*at, note));
            unit.put(&record, when)?;
        }
        let count = unit.items.len();
        if count > 0 {
            self.db.commit(unit).await?;
        }
        Ok(count)
    }

    /// The notes of entries that may be written now. Entries that were not needed for that long are forgotten.
    fn take_due(&self, now: Timestamp, pause: Duration) -> Vec<(DeviceName, Vec<(Timestamp, Note)>)> {
        let mut due = Vec::new();
        let rested = |waiting: &Waiting| waiting.written.is_none_or(|at| now.since(at) >= pause);
        let mut all = self.waiting();
        all.retain(|_, waiting| !(waiting.notes.is_empty() && rested(waiting)));
        for waiting in all.values_mut().filter(|waiting| !waiting.notes.is_empty() && rested(waiting)) {
            waiting.written = Some(now);
            due.push((waiting.device.clone(), std::mem::take(&mut waiting.notes)));
        }
        due
    }

    fn take(&self, name: &str) -> Vec<(Timestamp, Note)> {
        let mut waiting = self.waiting();
        waiting.get_mut(name).map(|waiting| std::mem::take(&mut waiting.notes)).unwrap_or_default()
    }

    fn put_back(&self, device: &DeviceName, notes: Vec<(Timestamp, Note)>) {
        let mut waiting = self.waiting();
        let fresh = || Waiting { device: device.clone(), written: None, notes: Vec::new() };
        let entry = waiting.entry(device.folded()).or_insert_with(fresh);
        let newer = std::mem::replace(&mut entry.notes, notes);
        entry.notes.extend(newer);
        entry.written = None;
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(stored: Option<Stored<LedgerRecord>>, device: &DeviceName) -> (LedgerRecord, When) {
    match stored {
        Some(stored) => (stored.value, When::Revision(stored.revision)),
        None => (LedgerRecord::new(device.clone()), When::Absent),
    }
}

#[cfg(test)]
mod tests;
