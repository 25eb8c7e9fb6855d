//! What is written of a conversation: into the device's record, its history, and the audit log.

use crate::audit::{Event, Outcome};
use crate::device::Change;
use crate::device::records::{DeviceRecord, State};
use crate::enrol::capf::conversation::Caller;
use crate::enrol::capf::message::EndReason;
use crate::enrol::capf::refusal::{Answer, Effect, Refusal};
use crate::enrol::capf::service::Service;
use crate::enrol::throttle::Who;
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::store::{CommitError, Item, Record, Unit};

/// How often a record that was changed meanwhile is read again.
const ATTEMPTS: usize = 8;
/// The counter of names that no device has.
const UNKNOWN: &[u8] = b"unknown";

/// Changes a device as it stands now: `decide` says how, and is asked again if somebody was faster; none leaves it as
/// it is. Writes `alongside` with it. Errors: those of `decide`; `state-conflict`, `storage`, `not-found`.
pub(super) async fn change(
    service: &Service,
    caller: &Caller,
    device: RecordId,
    alongside: &Unit,
    decide: impl Fn(&DeviceRecord, Change) -> Result<Option<Change>>,
) -> Result<Option<DeviceRecord>> {
    let authority = &service.desk.authority;
    for _ in 0..ATTEMPTS {
        let stored = authority.db.require::<DeviceRecord>(device.as_bytes(), device).await?;
        let now = authority.clock.now();
        let begun = Change::of(stored.clone(), caller.actor(), now);
        // Whoever only names a device is not that device.
        let begun = if caller.proven { begun.seen(caller.address) } else { begun.heard_from(caller.address) };
        let Some(decided) = decide(&stored.value, begun)? else { return Ok(None) };
        let mut unit = alongside.clone();
        let changed = decided.write(&mut unit)?;
        match authority.db.commit(unit).await {
            Ok(_) => return Ok(Some(changed)),
            Err(CommitError::Refused { .. }) => {}
            Err(CommitError::Failed(error)) => return Err(error),
        }
    }
    Err(Error::conflict("state-conflict", "the device is being changed by other requests; try again"))
}

/// Notes why a conversation ended without what it was for. Best effort: the answer does not depend on it.
pub(super) async fn refused(service: &Service, caller: &Caller, refusal: &Refusal) {
    log(caller, refusal);
    let unit = Unit {
        items: unknown_device(refusal),
        events: event(service, caller, refusal).into_iter().collect(),
    };
    let written = match (caller.device, refusal.effect) {
        // Anybody can name a device: what was not proven is entered as far as there is room in the audit log.
        (Some(device), Effect::Trouble(_) | Effect::Failed(_))
            if caller.proven || !unit.events.is_empty() =>
        {
            affect(service, caller, device, refusal.effect, &unit).await
        }
        (None, _) | (Some(_), Effect::None | Effect::Trouble(_) | Effect::Failed(_)) => {
            write(service, unit).await
        }
    };
    if let Err(error) = written {
        tracing::warn!(%error, "a refused CAPF session could not be noted");
    }
}

/// Counts an attempt to pass for a device against its address; whoever is locked out by it stands in the audit log.
pub(super) async fn count_wrong(service: &Service, caller: &Caller, whos: &[Who]) {
    let now = service.desk.authority.clock.now();
    let mut unit = Unit::new();
    for who in service.desk.throttle.count_wrong(now, whos) {
        tracing::warn!(target: "security", %who, "CAPF: locked out for a while");
        let event =
            Event::new(now, caller.actor(), "capf.lockout", who.to_string()).outcome(Outcome::Warning);
        unit.event(event);
    }
    if let Err(error) = write(service, unit).await {
        tracing::warn!(%error, "a lockout could not be noted");
    }
}

/// Only the operation that the device came for: another may be set meanwhile.
async fn affect(
    service: &Service,
    caller: &Caller,
    device: RecordId,
    effect: Effect,
    unit: &Unit,
) -> Result<()> {
    let decide = |device: &DeviceRecord, change: Change| {
        let open = device.operation.as_ref().is_some_and(|operation| {
            Some(operation.id) == caller.operation
                && matches!(operation.state, State::Pending | State::Issued(_))
        });
        Ok(open.then(|| match effect {
            Effect::None => change,
            Effect::Trouble(reason) => change.troubled(reason),
            Effect::Failed(reason) if caller.proven => change.failed(reason),
            Effect::Failed(reason) => change.troubled(reason),
        }))
    };
    match change(service, caller, device, unit, decide).await? {
        Some(_) => Ok(()),
        None => write(service, unit.clone()).await,
    }
}

async fn write(service: &Service, unit: Unit) -> Result<()> {
    if unit.items.is_empty() && unit.events.is_empty() {
        return Ok(());
    }
    Ok(service.desk.authority.db.commit(unit).await.map(drop)?)
}

/// CAPF-26: a name that nobody has costs a durable write, as a wrong string does.
fn unknown_device(refusal: &Refusal) -> Vec<Item> {
    match refusal.answer {
        Answer::End(EndReason::UnknownDevice) => {
            vec![Item::Add { kind: DeviceRecord::KIND, key: UNKNOWN.to_vec(), delta: 1, max: i64::MAX }]
        }
        Answer::End(EndReason::NoAction | EndReason::Updated | EndReason::Declined)
        | Answer::Later
        | Answer::Close => Vec::new(),
    }
}

/// The audit entry, as far as there is room for it: whoever connects and leaves without a word takes none.
fn event(service: &Service, caller: &Caller, refusal: &Refusal) -> Option<Event> {
    let (now, code) = (service.desk.authority.clock.now(), refusal.error.code());
    let (throttle, address) = (&service.desk.throttle, Some(caller.address));
    let unwritten = match (caller.device, refusal.answer) {
        (None, Answer::Close) => None,
        (None, Answer::End(_) | Answer::Later) => throttle.admit_unopened(now, address, code),
        (Some(_), _) => throttle.admit_refusal(now, address, code),
    }?;
    let subject = match &caller.name {
        Some(name) => format!("device:{name}"),
        None => format!("address:{}", caller.address),
    };
    let event = Event::new(now, caller.actor(), "capf.refuse", subject).outcome(Outcome::Refused);
    let event = event.with("code", code).with("rule", refusal.error.detail());
    Some(if unwritten > 0 { event.with("unwritten", unwritten) } else { event })
}

/// One line for each; nothing in it is as the device wrote it, but for a name of letters and digits.
fn log(caller: &Caller, refusal: &Refusal) {
    let device = caller.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let (code, rule, address) = (refusal.error.code(), refusal.error.detail(), caller.address);
    if refusal.security {
        tracing::warn!(target: "security", %device, %address, code, rule, "CAPF: a device did not prove itself");
    } else if caller.name.is_none() {
        tracing::debug!(%address, code, rule, "CAPF session ended");
    } else {
        tracing::info!(%device, %address, code, rule, "CAPF session refused");
    }
}
