//! The inventory: devices found, added and changed, one or many in one durable write.

use std::collections::HashSet;

use zeroize::Zeroizing;

use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::ca::profile::ProfileSet;
use crate::device::DeviceName;
use crate::device::records::{DeviceRecord, MOST_STEPS, StepRecord};
use crate::device::row::Row;
use crate::device::string::Strings;
use crate::error::{Error, Kind, Result};
use crate::id::RecordId;
use crate::store::{CommitError, Db, PRIMARY, Scan, Stored, Unit};

mod plan;

pub use plan::Planned;

/// How often what another request changed meanwhile is read again.
const ATTEMPTS: usize = 8;

/// So many rows are looked at before others get their turn.
const OF_ONE_TURN: usize = 64;

/// Which devices may be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// New ones alone.
    Add,
    /// Those that exist.
    Change,
    /// Both: an import.
    Either,
}

/// What became of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is new.
    Created,
    /// It was changed.
    Updated,
    /// It was so already.
    Unchanged,
}

/// A device as it was written.
#[derive(Debug)]
pub struct Saved {
    /// The device.
    pub device: DeviceRecord,
    /// What became of it.
    pub fate: Fate,
    /// Its authentication string, if we made it.
    pub string: Option<Zeroizing<String>>,
}

/// The device of that name, whatever its case. Errors: `storage`.
pub async fn find(db: &Db, name: &DeviceName) -> Result<Option<Stored<DeviceRecord>>> {
    db.find::<DeviceRecord>(DeviceRecord::BY_NAME, &DeviceRecord::name_key(name)).await
}

/// The device of that name. Errors: `not-found`, `storage`.
pub async fn require(db: &Db, name: &DeviceName) -> Result<Stored<DeviceRecord>> {
    find(db, name).await?.ok_or_else(|| Error::not_found("device", name))
}

/// What was done with a device, newest first, as far as it is kept. Errors: `storage`.
pub async fn history(db: &Db, device: RecordId) -> Result<Vec<StepRecord>> {
    let scan = Scan::all::<StepRecord>(PRIMARY).prefix(device.as_bytes().to_vec()).backward();
    let page = db.scan::<StepRecord>(scan.limit(MOST_STEPS as usize)).await?;
    Ok(page.items.into_iter().map(|stored| stored.value).collect())
}

/// Adds and changes devices.
pub struct Inventory<'a> {
    authority: &'a Authority,
    profiles: &'a ProfileSet,
    strings: Strings,
    actor: Actor,
}

impl<'a> Inventory<'a> {
    /// By these profiles, for `actor`. Errors: `internal`.
    pub fn new(authority: &'a Authority, profiles: &'a ProfileSet, actor: Actor) -> Result<Self> {
        Ok(Self { authority, profiles, strings: Strings::of(&*authority.keys)?, actor })
    }

    /// Adds and changes devices, in one durable write with `alongside`; a row that is refused stops no other. With
    /// `dry_run` nothing is written. Returns what became of each, in order. Errors: `state-conflict` if they are being
    /// changed by others all the time (or a condition of `alongside` does not hold), `storage`.
    ///
    /// Of a row: `device-exists`, `not-found`, `duplicate-name`, `too-long`, `control-character`, `invalid-profile`,
    /// `invalid-key-order`, `missing-field`, `invalid-authentication-string`, `null-string-not-allowed`,
    /// `out-of-range`.
    pub async fn save(
        &self,
        rows: &[Row],
        mode: Mode,
        dry_run: bool,
        alongside: Unit,
    ) -> Result<Vec<Result<Saved>>> {
        for _ in 0..ATTEMPTS {
            let mut planned = Vec::with_capacity(rows.len());
            let mut named = HashSet::with_capacity(rows.len());
            for (place, row) in rows.iter().enumerate() {
                if place % OF_ONE_TURN == OF_ONE_TURN - 1 {
                    tokio::task::yield_now().await;
                }
                let first = named.insert(row.name.folded());
                planned.push(if first { self.planned(row, mode).await } else { Err(twice()) });
            }
            let mut unit = alongside.clone();
            let saved = self.write(planned, mode, &mut unit)?;
            if dry_run || (unit.items.is_empty() && unit.events.is_empty()) {
                return Ok(saved);
            }
            match self.authority.db.commit(unit).await {
                Ok(_) => return Ok(saved),
                Err(CommitError::Refused { .. }) => {}
                Err(CommitError::Failed(error)) => return Err(error),
            }
        }
        Err(Error::conflict("state-conflict", "the devices are being changed by other requests; try again"))
    }

    /// As [`Self::save`] of one row. Errors: also those of the row.
    pub async fn save_one(&self, row: Row, mode: Mode, alongside: Unit) -> Result<Saved> {
        let saved = self.save(std::slice::from_ref(&row), mode, false, alongside).await?;
        saved.into_iter().next().ok_or_else(|| Error::internal("a device was saved without an answer"))?
    }

    async fn planned(&self, row: &Row, mode: Mode) -> Result<Planned> {
        let standing = find(&self.authority.db, &row.name).await?;
        match (&standing, mode) {
            (Some(_), Mode::Add) => {
                let text = format!("there is a device {} already", row.name);
                Err(Error::conflict("device-exists", text).at("/name"))
            }
            (None, Mode::Change) => Err(Error::not_found("device", &row.name).at("/name")),
            (_, Mode::Add | Mode::Change | Mode::Either) => self.plan(row, standing),
        }
    }

    /// Puts everything that is to change into the unit. A fault of the store is everybody's.
    fn write(
        &self,
        planned: Vec<Result<Planned>>,
        mode: Mode,
        unit: &mut Unit,
    ) -> Result<Vec<Result<Saved>>> {
        let (mut saved, alone) = (Vec::with_capacity(planned.len()), planned.len() == 1);
        for one in planned {
            saved.push(match one {
                Ok(Planned { change, fate: Fate::Unchanged, string }) => {
                    Ok(Saved { device: change.device().clone(), fate: Fate::Unchanged, string })
                }
                Ok(Planned { change, fate, string }) => {
                    if alone {
                        unit.event(self.told(change.device(), fate));
                    }
                    Ok(Saved { device: change.write(unit)?, fate, string })
                }
                Err(error) if matches!(error.kind(), Kind::Storage | Kind::Internal | Kind::Busy) => {
                    return Err(error);
                }
                Err(error) => Err(error),
            });
        }
        if !alone && mode != Mode::Change {
            unit.events.extend(self.imported(&saved));
        }
        Ok(saved)
    }

    fn told(&self, device: &DeviceRecord, fate: Fate) -> Event {
        let action = if fate == Fate::Created { "device.add" } else { "device.change" };
        let subject = format!("device:{}", device.name);
        let event = Event::new(self.authority.clock.now(), self.actor.clone(), action, subject);
        let event = event.with("profile", &device.profile);
        let event = device.model.iter().fold(event, |event, model| event.with("model", model));
        device.region.iter().fold(event, |event, region| event.with("region", region))
    }

    /// One event for a batch; what is to be done with a device has its own.
    fn imported(&self, saved: &[Result<Saved>]) -> Option<Event> {
        let count = |fate| saved.iter().flatten().filter(|saved| saved.fate == fate).count();
        let (created, updated) = (count(Fate::Created), count(Fate::Updated));
        let first = saved.iter().flatten().find(|saved| saved.fate != Fate::Unchanged)?;
        let now = self.authority.clock.now();
        Some(
            Event::new(now, self.actor.clone(), "device.import", "devices:batch")
                .with("created", created)
                .with("updated", updated)
                .with("first", &first.device.name),
        )
    }
}

fn twice() -> Error {
    Error::invalid("duplicate-name", "the name stands twice in the batch").at("/name")
}
