//! Scheduled work: what must be done later, as kind and bytes, in the same durable write as its cause. It survives a
//! restart, is taken by one runner at a time, and is tried again until it is done or given up.
//!
//! **At least once.** A crash between the doing and its recording runs a task again: what a kind does must be
//! idempotent. Work on the store alone becomes exactly once by [`Leased::hold`].

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::RecordId;
use crate::random::Random;
use crate::store::{Db, KeyBuilder, Stored, Unit};

mod handlers;
mod operate;
mod periodic;
mod records;
mod runner;
mod sweep;

pub use handlers::{Handlers, Leased, Outcome, Retry};
pub use operate::{cancel, run_now};
pub use periodic::{Periodic, Ran, Upkeep};
pub use records::{State, TaskRecord};
pub use runner::Runner;
pub use sweep::sweep;

/// Work to be scheduled.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// What sort of work, as `certificate.supersede`: a name of [`Handlers`].
    pub kind: &'static str,
    /// What makes it one and the same work within its kind, as a serial number; of a kind and key at most one task
    /// waits or runs.
    pub key: String,
    /// What it is about, for people: `certificate:0A1B…`.
    pub subject: String,
    /// What the kind needs to know, in its own encoding.
    pub body: Vec<u8>,
    /// When it is to be done, at the earliest.
    pub due: Timestamp,
}

impl NewTask {
    fn record(self, now: Timestamp, random: &Random) -> Result<TaskRecord> {
        Ok(TaskRecord {
            id: RecordId::new(now, random)?,
            kind: self.kind.to_owned(),
            key: self.key,
            subject: self.subject,
            body: self.body,
            due: self.due,
            attempts: 0,
            epoch: 0,
            state: State::Waiting,
            said: None,
            changed: now,
        })
    }
}

/// Puts a task into the unit of what causes it. The unit is refused as a whole while a task of this kind and key
/// waits or runs ([`TaskRecord::BY_KEY`]). Returns the task and its item's place in the unit.
pub fn schedule(unit: &mut Unit, new: NewTask, now: Timestamp, random: &Random) -> Result<(RecordId, usize)> {
    let record = new.record(now, random)?;
    let place = unit.insert(&record)?;
    Ok((record.id, place))
}

/// As [`schedule`], but replaces the task of this kind and key that waits or runs, if there is one: it keeps its
/// identifier. A run under way is no longer recorded, nor what it [holds](Leased::hold). The unit is refused if that
/// task changed meanwhile.
pub async fn reschedule(
    unit: &mut Unit,
    db: &Db,
    new: NewTask,
    now: Timestamp,
    random: &Random,
) -> Result<RecordId> {
    let standing = find(db, new.kind, &new.key).await?;
    let record = new.record(now, random)?;
    match standing {
        None => unit.insert(&record).map(|_| record.id),
        Some(Stored { value, revision }) => {
            let record = TaskRecord { id: value.id, epoch: value.epoch, ..record };
            unit.replace(&record, revision).map(|_| record.id)
        }
    }
}

/// Cancels the task of this kind and key in the unit of what makes it needless; `why` is for people. Returns whether
/// there was one that waits or runs.
pub async fn withdraw(
    unit: &mut Unit,
    db: &Db,
    (kind, key): (&'static str, &str),
    why: &str,
    now: Timestamp,
) -> Result<bool> {
    let Some(Stored { value, revision }) = find(db, kind, key).await? else { return Ok(false) };
    let record = TaskRecord { state: State::Cancelled, said: Some(why.to_owned()), changed: now, ..value };
    unit.replace(&record, revision)?;
    Ok(true)
}

/// The task of this kind and key that waits or runs.
pub async fn find(db: &Db, kind: &str, key: &str) -> Result<Option<Stored<TaskRecord>>> {
    db.find::<TaskRecord>(TaskRecord::BY_KEY, &unique_key(kind, key)).await
}

fn unique_key(kind: &str, key: &str) -> Vec<u8> {
    KeyBuilder::new().text(kind).text(key).build()
}
