//! One change of a device: what becomes of it, what its history says, and the audit events, for one unit of work.
//!
//! Everything that happens to a device goes through here: what an operator sets, what CAPF finds. A change is made of a
//! record as it was read, and is refused by the store if the record was changed meanwhile (`state-conflict`): then read
//! again and decide anew.

use std::net::IpAddr;
use std::time::Duration;

use crate::audit::{Actor, Event, Outcome};
use crate::clock::Timestamp;
use crate::device::campaign::NewsRecord;
use crate::device::records::{
    DeviceRecord, Guesses, Held, MOST_STEPS, Operation, Reason, Seen, State, Step, StepRecord,
};
use crate::error::Result;
use crate::id::Serial;
use crate::store::{Stored, Unit, When};

/// So many wrong strings are looked at; each one more locks the device, twice as long as the one before.
pub const MOST_WRONG: u32 = 5;
const FIRST_LOCK: Duration = Duration::from_mins(1);
const LONGEST_LOCK: Duration = Duration::from_hours(24);
/// A device that is seen again from the same address within this time is not written for that alone.
const SEEN_EVERY: Duration = Duration::from_mins(1);

/// A change of one device.
#[derive(Clone, Debug)]
pub struct Change {
    before: DeviceRecord,
    when: When,
    after: DeviceRecord,
    steps: Vec<Step>,
    actor: Actor,
    address: Option<IpAddr>,
    at: Timestamp,
}

impl Change {
    /// Of this device, by `actor`, at `at`; nothing is changed yet.
    pub fn of(device: Stored<DeviceRecord>, actor: Actor, at: Timestamp) -> Self {
        Self::begun(device.value, When::Revision(device.revision), actor, at)
    }

    /// That adds this device. The unit is refused if one of its name stands there.
    pub fn adding(device: DeviceRecord, actor: Actor, at: Timestamp) -> Self {
        Self::begun(device, When::Absent, actor, at)
    }

    fn begun(before: DeviceRecord, when: When, actor: Actor, at: Timestamp) -> Self {
        let after = before.clone();
        Self { before, when, after, steps: Vec::new(), actor, address: None, at }
    }

    /// The device as it becomes.
    pub fn device(&self) -> &DeviceRecord {
        &self.after
    }

    /// Whether there is anything to write: to be seen again within a minute from the same address is nothing.
    pub fn is_needed(&self) -> bool {
        let unseen = DeviceRecord { seen: self.before.seen.clone(), ..self.after.clone() };
        let again = match (&self.before.seen, &self.after.seen) {
            (Some(before), Some(now)) => {
                before.address != now.address || now.at.since(before.at) >= SEEN_EVERY
            }
            (None, Some(_)) => true,
            (_, None) => false,
        };
        again || self.when == When::Absent || !self.steps.is_empty() || unseen != self.before
    }

    /// It came from there.
    #[must_use]
    pub fn seen(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self.after.seen = Some(Seen { at: self.at, address });
        self
    }

    /// It is said from there: whoever it was did not prove to be the device, so the device was not seen.
    #[must_use]
    pub fn heard_from(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// It showed its manufacturing certificate.
    #[must_use]
    pub fn showed_mic(mut self, mic: Held) -> Self {
        self.after.mic = Some(mic);
        self
    }

    /// It showed a locally significant certificate of ours that it holds.
    #[must_use]
    pub fn showed_lsc(mut self, lsc: Held) -> Self {
        self.after.holds(lsc);
        self
    }

    /// What an operator says of it.
    #[must_use]
    pub fn facts(mut self, edit: impl FnOnce(&mut DeviceRecord)) -> Self {
        edit(&mut self.after);
        self
    }

    /// A new operation takes the place of the one before; wrong strings are forgotten.
    #[must_use]
    pub fn set(mut self, operation: Operation) -> Self {
        let Operation { action, authentication, deadline, .. } = operation;
        self.after.operation = Some(operation);
        self.after.guesses = Guesses::default();
        self.step(Step::Set { action, authentication, deadline })
    }

    /// The operation is taken back, if there is one.
    #[must_use]
    pub fn cleared(self) -> Self {
        if self.after.operation.is_none() {
            return self;
        }
        let mut change = self.step(Step::Cleared);
        change.after.operation = None;
        change.after.guesses = Guesses::default();
        change
    }

    /// A certificate was issued for its operation; the device has not confirmed it. The authentication string is spent
    /// but for going on with this very operation.
    #[must_use]
    pub fn issued(mut self, serial: Serial) -> Self {
        self.after.unconfirmed = Some(serial.clone());
        self.come_to(State::Issued(serial.clone())).step(Step::Issued(serial))
    }

    /// The device confirmed that it holds the certificate: the operation is done.
    #[must_use]
    pub fn installed(mut self, lsc: Held) -> Self {
        let serial = lsc.serial.clone();
        self.after.holds(lsc);
        self.come_to(State::Done).step(Step::Installed(serial))
    }

    /// The device showed the certificate that it holds (already entered by [`Self::showed_lsc`] or
    /// [`Self::showed_mic`]): the operation is done.
    #[must_use]
    pub fn fetched(self, serial: Serial) -> Self {
        self.come_to(State::Done).step(Step::Fetched(serial))
    }

    /// The device deleted its certificate: the operation is done.
    #[must_use]
    pub fn deleted(mut self) -> Self {
        self.after.lsc = None;
        self.come_to(State::Done).step(Step::Deleted)
    }

    /// The device deleted its certificate for an operation that was replaced meanwhile: the present one stays.
    #[must_use]
    pub fn deleted_before(mut self) -> Self {
        self.after.lsc = None;
        self.step(Step::Deleted)
    }

    /// The operation failed for good.
    #[must_use]
    pub fn failed(self, reason: Reason) -> Self {
        self.come_to(State::Failed(reason)).step(Step::Failed(reason))
    }

    /// Something went wrong and the operation stays open: the device may come again. The same trouble again is counted,
    /// and no step of its own.
    #[must_use]
    pub fn troubled(mut self, reason: Reason) -> Self {
        let Some(operation) = &mut self.after.operation else { return self };
        let new = operation.trouble != Some(reason);
        operation.trouble = Some(reason);
        operation.failures = operation.failures.saturating_add(1);
        if new { self.step(Step::Trouble(reason)) } else { self }
    }

    /// The authentication string was wrong: counted, and after [`MOST_WRONG`] of them the device is locked, each time
    /// twice as long (from a minute up to a day).
    #[must_use]
    pub fn wrong_string(mut self) -> Self {
        let wrong = self.after.guesses.wrong.saturating_add(1);
        self.after.guesses.wrong = wrong;
        let change = self.troubled(Reason::InvalidAuthenticationString);
        let Some(beyond) = wrong.checked_sub(MOST_WRONG) else { return change };
        let lock = FIRST_LOCK.saturating_mul(1 << beyond.min(11)).min(LONGEST_LOCK);
        let until = change.at.plus(lock);
        let mut change = change.step(Step::Locked(until));
        change.after.guesses.locked_until = Some(until);
        change
    }

    /// The device proved itself: wrong strings before count no more.
    #[must_use]
    pub fn proven(mut self) -> Self {
        self.after.guesses = Guesses::default();
        self
    }

    /// An operator lets strings be looked at again.
    #[must_use]
    pub fn unlocked(self) -> Self {
        self.proven().step(Step::Unlocked)
    }

    /// Puts the device, its history, the audit events and the news for a campaign that waits for it into a unit. Returns the device as it becomes.
    /// Errors: `internal`.
    pub fn write(self, unit: &mut Unit) -> Result<DeviceRecord> {
        for step in &self.steps {
            unit.events.extend(self.event(step));
        }
        let mut device = self.after;
        for step in self.steps {
            let record = StepRecord {
                device: device.id,
                number: device.steps,
                at: self.at,
                by: self.actor.to_string(),
                address: self.address,
                operation: operation_of(&device, &self.before),
                step,
            };
            unit.put(&record, When::Always)?;
            if let Some(oldest) = device.steps.checked_sub(MOST_STEPS) {
                unit.delete::<StepRecord>(&StepRecord::key_of(device.id, oldest), When::Always);
            }
            device.steps = device.steps.saturating_add(1);
        }
        unit.put(&device, self.when)?;
        if let Some(news) = NewsRecord::of(&self.before, Some(&device)) {
            unit.put(&news, When::Always)?;
        }
        Ok(device)
    }

    fn come_to(mut self, state: State) -> Self {
        if let Some(operation) = &mut self.after.operation {
            let open = matches!(state, State::Pending | State::Issued(_));
            operation.string = operation.string.take().filter(|_| open);
            operation.trouble = None;
            operation.state = state;
            operation.changed = self.at;
        }
        self.after.guesses = Guesses::default();
        self
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// What the audit log says of a step; that a certificate was issued it says by itself.
    fn event(&self, step: &Step) -> Option<Event> {
        let new =
            |action| Event::new(self.at, self.actor.clone(), action, format!("device:{}", self.after.name));
        let operation = self.after.operation.as_ref();
        Some(match step {
            Step::Issued(_) => return None,
            Step::Set { action, authentication, deadline } => {
                let event = new("device.schedule").with("operation", action.as_str());
                let event = event.with("authentication", authentication.as_str());
                let event = operation.into_iter().fold(event, |event, o| event.with("key", o.key));
                deadline.iter().fold(event, |event, at| event.with("deadline", at))
            }
            Step::Cleared => new("device.clear"),
            Step::Installed(serial) => new("device.install").with("serial", serial),
            Step::Fetched(serial) => new("device.fetch").with("serial", serial),
            Step::Deleted => new("device.delete-certificate"),
            Step::Failed(reason) => {
                new("device.fail").with("reason", reason.as_str()).outcome(Outcome::Warning)
            }
            Step::Trouble(reason) => {
                new("device.trouble").with("reason", reason.as_str()).outcome(Outcome::Warning)
            }
            Step::Locked(until) => new("device.lock").with("until", until).outcome(Outcome::Warning),
            Step::Unlocked => new("device.unlock"),
        })
    }
}

/// The operation that a step belongs to: what was taken back is the one before.
fn operation_of(device: &DeviceRecord, before: &DeviceRecord) -> Option<crate::id::RecordId> {
    device.operation.as_ref().or(before.operation.as_ref()).map(|operation| operation.id)
}
