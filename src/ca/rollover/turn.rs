//! The turn itself: by hand or on a date, or called off before it. Each is one write.

use std::sync::Arc;

use super::records::{RolloverRecord, Stage};
use crate::audit::{Actor, Event};
use crate::ca::{Authority, to_the_end};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::CaId;
use crate::store::Unit;
use crate::task::{self, Handlers, Leased, NewTask, Outcome, Retry};

/// The task that lets a next CA take over on its date; its key is the next CA's name.
pub const ACTIVATE: &str = "ca.rollover-activate";

/// Lets the next CA take over now: from here on it issues under the name of the one before. `ca` names either of them.
/// Returns who took over. A caller that leaves does not cut it off.
/// Errors: `not-found`, `no-rollover`, `ca-not-ready`, `ca-revoked`, `state-conflict`, `storage`.
pub async fn activate(authority: &Authority, ca: &CaId, actor: Actor) -> Result<CaId> {
    turn(authority, ca, Turn::Activate, actor).await
}

/// Lets the next CA take over at `at`, by itself; another date replaces it. Returns who will take over.
/// Errors: as [`activate`], and `activation-date` if that moment is past, or after the end of the CA before.
pub async fn schedule(authority: &Authority, ca: &CaId, at: Timestamp, actor: Actor) -> Result<CaId> {
    turn(authority, ca, Turn::Schedule(at.whole_secs()), actor).await
}

/// Takes the date off a rollover: the next CA takes over by hand, or on another date. Returns its name.
/// Errors: as [`activate`].
pub async fn unschedule(authority: &Authority, ca: &CaId, actor: Actor) -> Result<CaId> {
    turn(authority, ca, Turn::Unschedule, actor).await
}

/// Calls a rollover off before the turn: the next CA is announced no longer, never takes over, and retires when what it
/// issued meanwhile expired. Returns its name. Errors: as [`activate`].
pub async fn cancel(authority: &Authority, ca: &CaId, actor: Actor) -> Result<CaId> {
    turn(authority, ca, Turn::Cancel, actor).await
}

/// With the turns that were put on a date.
pub fn tasks(handlers: Handlers, authority: &Arc<Authority>) -> Handlers {
    let authority = Arc::clone(authority);
    handlers.on(ACTIVATE, Retry::default(), move |leased| {
        let authority = Arc::clone(&authority);
        async move {
            let next: CaId = leased.task.key.parse()?;
            on_its_date(&authority, &next, leased).await
        }
    })
}

async fn on_its_date(authority: &Authority, next: &CaId, leased: Leased) -> Result<Outcome> {
    if let Some(outcome) = no_turn(authority, next).await? {
        return Ok(outcome);
    }
    match turn(authority, next, Turn::Date(Box::new(leased)), Actor::System).await {
        Ok(_) => tracing::info!(ca = %next, "took over on its date"),
        Err(error) if error.code() == "ca-revoked" => return Ok(Outcome::GiveUp(error.detail().to_owned())),
        Err(error) => return Err(error),
    }
    Ok(Outcome::Done(format!("{next} took over")))
}

/// What becomes of the task where this is not the moment of its turn: it came before its date (somebody ran it by
/// hand), after a turn whose end was not recorded, or for a rollover that has no date any more.
async fn no_turn(authority: &Authority, next: &CaId) -> Result<Option<Outcome>> {
    let Some(stored) = authority.db.get::<RolloverRecord>(&RolloverRecord::key_of(next)).await? else {
        return Ok(Some(Outcome::GiveUp(format!("{next} is to follow no CA"))));
    };
    let give_up = |why: &str| Outcome::GiveUp(format!("{next} does not take over on a date: {why}"));
    Ok(match stored.value.stage {
        Stage::Prepared { activate_at: Some(at) } if at <= authority.clock.now() => None,
        Stage::Prepared { activate_at: Some(at) } => {
            Some(Outcome::Later(at, format!("{next} takes over at {at} and not before")))
        }
        Stage::Prepared { activate_at: None } => {
            Some(give_up("its rollover has none (signet ca rollover activate)"))
        }
        Stage::Cancelled { .. } => Some(give_up("its rollover was called off")),
        Stage::Active { .. } => {
            authority.reload().await?;
            Some(Outcome::Done(format!("{next} took over before")))
        }
    })
}

enum Turn {
    /// By hand.
    Activate,
    /// By the task of its date.
    Date(Box<Leased>),
    Schedule(Timestamp),
    Unschedule,
    Cancel,
}

async fn turn(authority: &Authority, ca: &CaId, turn: Turn, actor: Actor) -> Result<CaId> {
    let (authority, ca) = (authority.clone(), ca.clone());
    to_the_end(async move { turned(&authority, &ca, turn, actor).await }).await
}

async fn turned(authority: &Authority, ca: &CaId, turn: Turn, actor: Actor) -> Result<CaId> {
    let _alone = authority.rolling.lock().await;
    let next = match &turn {
        // The task names the CA that takes over, and never one that is to be followed.
        Turn::Date(_) => ca.clone(),
        Turn::Activate | Turn::Schedule(_) | Turn::Unschedule | Turn::Cancel => {
            authority.hierarchy().prepared(ca)?.next.clone()
        }
    };
    let stored = authority.db.require::<RolloverRecord>(&RolloverRecord::key_of(&next), &next).await?;
    if !stored.value.is_prepared() {
        return Err(Error::conflict("state-conflict", "the rollover was changed by another request"));
    }
    let now = authority.clock.now();
    let changed = RolloverRecord { stage: stage(authority, &stored.value, &turn, now)?, ..stored.value };
    let mut unit = Unit::new();
    unit.replace(&changed, stored.revision)?;
    unit.event(event(&changed, &turn, actor, now));
    put_task(authority, &mut unit, &next, &turn, now).await?;
    authority.db.commit(unit).await?;
    authority.reload().await?;
    Ok(next)
}

/// The task of the date comes and goes with what the rollover's record says of it.
async fn put_task(
    authority: &Authority,
    unit: &mut Unit,
    next: &CaId,
    turn: &Turn,
    now: Timestamp,
) -> Result<()> {
    let db = &authority.db;
    match turn {
        Turn::Schedule(due) => {
            let subject = format!("ca:{next}");
            let new = NewTask { kind: ACTIVATE, key: next.to_string(), subject, body: Vec::new(), due: *due };
            task::reschedule(unit, db, new, now, &authority.random).await.map(drop)
        }
        Turn::Activate => {
            task::withdraw(unit, db, (ACTIVATE, next.as_str()), "took over by hand", now).await.map(drop)
        }
        Turn::Cancel => {
            task::withdraw(unit, db, (ACTIVATE, next.as_str()), "called off", now).await.map(drop)
        }
        Turn::Unschedule => {
            task::withdraw(unit, db, (ACTIVATE, next.as_str()), "the date was taken off", now).await.map(drop)
        }
        Turn::Date(leased) => {
            leased.hold(unit);
            Ok(())
        }
    }
}

fn stage(authority: &Authority, rollover: &RolloverRecord, turn: &Turn, now: Timestamp) -> Result<Stage> {
    let hierarchy = authority.hierarchy();
    match turn {
        Turn::Cancel => Ok(Stage::Cancelled { since: now }),
        Turn::Unschedule => Ok(Stage::Prepared { activate_at: None }),
        Turn::Activate | Turn::Date(_) => {
            require_date(rollover, turn, now)?;
            let next = hierarchy.require(&rollover.next)?;
            let (certificate, _) = next.may_issue()?;
            if !certificate.is_valid_at(now) {
                let text = format!("the certificate of {} is not in date", rollover.next);
                return Err(Error::new(Kind::Conflict, "ca-not-ready", text));
            }
            Ok(Stage::Active { since: now })
        }
        Turn::Schedule(at) => {
            let at = *at;
            hierarchy.require(&rollover.next)?.refuse_revoked()?;
            let current = hierarchy.require(&rollover.current)?;
            let end = current.certificate.as_ref().map_or(at, |c| c.not_after());
            if at <= now || at > end {
                let text = format!("the date lies between now and the end of {} ({end})", rollover.current);
                return Err(Error::invalid("activation-date", text).at("/at"));
            }
            Ok(Stage::Prepared { activate_at: Some(at) })
        }
    }
}

/// The date may have been changed since the task began.
fn require_date(rollover: &RolloverRecord, turn: &Turn, now: Timestamp) -> Result<()> {
    match (turn, rollover.stage) {
        (Turn::Activate | Turn::Schedule(_) | Turn::Unschedule | Turn::Cancel, _) => Ok(()),
        (Turn::Date(_), Stage::Prepared { activate_at: Some(at) }) if at <= now => Ok(()),
        (Turn::Date(_), Stage::Prepared { .. } | Stage::Active { .. } | Stage::Cancelled { .. }) => {
            let text = format!("{} does not take over at this moment", rollover.next);
            Err(Error::conflict("state-conflict", text))
        }
    }
}

fn event(rollover: &RolloverRecord, turn: &Turn, actor: Actor, now: Timestamp) -> Event {
    let action = match turn {
        Turn::Activate | Turn::Date(_) => "ca.rollover-activate",
        Turn::Schedule(_) => "ca.rollover-schedule",
        Turn::Unschedule => "ca.rollover-unschedule",
        Turn::Cancel => "ca.rollover-cancel",
    };
    let event =
        Event::new(now, actor, action, format!("ca:{}", rollover.next)).with("follows", &rollover.current);
    match turn {
        Turn::Schedule(at) => event.with("at", at),
        Turn::Activate | Turn::Date(_) | Turn::Unschedule | Turn::Cancel => event,
    }
}
