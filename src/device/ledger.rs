//! The trust ledger: which list each device holds, what it fetched, and what it told of itself. It follows what devices
//! do at a distance: notes are collected in memory and written together, each device at most once in a minute.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::device::records::DeviceRecord;
use crate::device::{DeviceName, inventory};
use crate::error::Result;
use crate::store::{CommitError, Db, Stored, Unit, When};

mod list;
mod note;
mod records;
mod waiting;

pub use list::{Held, Page, Wanted, list};
pub use note::{Note, Over, Told, What};
pub use records::{AlarmNoted, Fetch, FetchedWhat, Holding, LedgerRecord, Source, TvsAsked};
use waiting::Notes;

/// A device's entry is written at most once in this time.
const PAUSE: Duration = Duration::from_secs(60);
/// So many devices are held in memory at the most; what more do meanwhile is not noted.
const MOST: usize = 200_000;
/// So many of them are kept for those that tell something: fetches under names that nobody has fill the rest alone.
const FOR_ALARMS: usize = MOST / 4;
/// So often an entry is read again that was changed meanwhile.
const TRIES: usize = 5;
/// So many records go into one durable write.
const BATCH: usize = 200;

/// Collects notes and writes them.
pub struct Ledger {
    db: Db,
    clock: Clock,
    waiting: Mutex<HashMap<String, Waiting>>,
    /// There was no room, and none came since.
    is_full: AtomicBool,
}

/// What is to be written of a device.
struct Waiting {
    device: DeviceName,
    written: Option<Timestamp>,
    notes: Notes,
}

impl Ledger {
    /// An empty one.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, waiting: Mutex::default(), is_full: AtomicBool::new(false) }
    }

    /// Notes what a device did at `at`. Nothing is written yet, and never for a device that is not in the inventory.
    pub fn note(&self, device: DeviceName, at: Timestamp, note: Note) {
        let mut waiting = self.waiting();
        let name = device.folded();
        let most = if matches!(note, Note::Alarm { .. }) { MOST } else { MOST - FOR_ALARMS };
        if !waiting.contains_key(&name) && !self.has_room(&mut waiting, most) {
            metrics::counter!("signet_ledger_notes_dropped_total").increment(1);
            return;
        }
        let fresh = || Waiting { device, written: None, notes: Notes::default() };
        waiting.entry(name).or_insert_with(fresh).notes.add(at, note);
    }

    /// Whether another fits; those that wait for nothing make room. All are looked through once between two writes.
    fn has_room(&self, waiting: &mut HashMap<String, Waiting>, most: usize) -> bool {
        if waiting.len() >= most && !self.is_full.swap(true, Ordering::Relaxed) {
            waiting.retain(|_, waiting| !waiting.notes.is_empty());
        }
        waiting.len() < most
    }

    /// Forgets what waits of a device that was deleted.
    pub fn forget(&self, device: &DeviceName) {
        self.waiting().remove(&device.folded());
    }

    /// A device's entry with what waits to be written; none if nothing was ever noted. Errors: `storage`.
    pub async fn of(&self, device: &DeviceName) -> Result<Option<LedgerRecord>> {
        let stored = self.db.get::<LedgerRecord>(&LedgerRecord::key_of(device)).await?;
        let mut record = stored.map(|stored| stored.value);
        if let Some(waiting) = self.waiting().get(&device.folded())
            && !waiting.notes.is_empty()
        {
            waiting.notes.apply(record.get_or_insert_with(|| LedgerRecord::new(device.clone())));
        }
        Ok(record)
    }

    /// Writes a note at once, after what waits, together with `unit`; it is durable when this returns.
    /// Errors: `not-found` for a device that is not in the inventory; `storage`; `state-conflict` if the entry changes
    /// again and again meanwhile.
    pub async fn record(
        &self,
        device: &DeviceName,
        at: Timestamp,
        note: &Note,
        unit: &Unit,
    ) -> Result<LedgerRecord> {
        let notes = self.take(&device.folded());
        let written = self.write_now(device, (&notes, at, note), unit).await;
        if written.is_err() {
            self.put_back(device, notes);
        }
        written
    }

    async fn write_now(
        &self,
        device: &DeviceName,
        (notes, at, note): (&Notes, Timestamp, &Note),
        unit: &Unit,
    ) -> Result<LedgerRecord> {
        let mut tries = 0;
        loop {
            tries += 1;
            let listed = inventory::require(&self.db, device).await?;
            let stored = self.db.get::<LedgerRecord>(&LedgerRecord::key_of(device)).await?;
            let (mut record, when) = open(stored, device);
            notes.apply(&mut record);
            record.apply(at, note);
            let mut unit = unit.clone();
            unit.check::<DeviceRecord>(listed.value.id.as_bytes(), When::Present);
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

    async fn write(&self, batch: &[(DeviceName, Notes)]) -> Result<usize> {
        let (mut unit, mut count) = (Unit::new(), 0);
        for (device, notes) in batch {
            // Of others nothing is kept, or anybody could fill the store.
            let Some(listed) = inventory::find(&self.db, device).await? else {
                metrics::counter!("signet_ledger_unlisted_total").increment(1);
                self.drop_unlisted(device);
                continue;
            };
            let stored = self.db.get::<LedgerRecord>(&LedgerRecord::key_of(device)).await?;
            let (mut record, when) = open(stored, device);
            notes.apply(&mut record);
            unit.check::<DeviceRecord>(listed.value.id.as_bytes(), When::Present);
            unit.put(&record, when)?;
            count += 1;
        }
        if count > 0 {
            self.db.commit(unit).await?;
        }
        Ok(count)
    }

    /// The notes of entries that may be written now. Entries that were not needed for that long are forgotten.
    fn take_due(&self, now: Timestamp, pause: Duration) -> Vec<(DeviceName, Notes)> {
        let mut due = Vec::new();
        let rested = |waiting: &Waiting| waiting.written.is_none_or(|at| now.since(at) >= pause);
        let mut all = self.waiting();
        all.retain(|_, waiting| !(waiting.notes.is_empty() && rested(waiting)));
        for waiting in all.values_mut().filter(|waiting| !waiting.notes.is_empty() && rested(waiting)) {
            waiting.written = Some(now);
            due.push((waiting.device.clone(), std::mem::take(&mut waiting.notes)));
        }
        self.is_full.store(false, Ordering::Relaxed);
        due
    }

    fn take(&self, name: &str) -> Notes {
        let mut waiting = self.waiting();
        waiting.get_mut(name).map(|waiting| std::mem::take(&mut waiting.notes)).unwrap_or_default()
    }

    fn put_back(&self, device: &DeviceName, notes: Notes) {
        if notes.is_empty() {
            return;
        }
        let mut waiting = self.waiting();
        let fresh = || Waiting { device: device.clone(), written: None, notes: Notes::default() };
        let entry = waiting.entry(device.folded()).or_insert_with(fresh);
        let newer = std::mem::replace(&mut entry.notes, notes);
        entry.notes.append(newer);
        entry.written = None;
    }

    fn drop_unlisted(&self, device: &DeviceName) {
        let (mut waiting, name) = (self.waiting(), device.folded());
        if waiting.get(&name).is_some_and(|waiting| waiting.notes.is_empty()) {
            waiting.remove(&name);
        }
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
