//! What an operator does to a task.

use super::{State, TaskRecord};
use crate::audit::{Actor, Event};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::store::{CommitError, Db, Stored, Unit};

/// Makes a task due now, also one that was given up or cancelled; its attempts are counted anew.
/// Errors: `not-found`; `state-conflict` if it runs, is done, or another task does the same work.
pub async fn run_now(db: &Db, now: Timestamp, id: RecordId, actor: Actor) -> Result<TaskRecord> {
    let Stored { value, revision } = db.require::<TaskRecord>(id.as_bytes(), id).await?;
    match value.state {
        State::Waiting | State::Failed | State::Cancelled => {}
        State::Running { .. } => return Err(conflict("the task runs already")),
        State::Done => return Err(conflict("the task is done")),
    }
    let task = TaskRecord { state: State::Waiting, due: now, attempts: 0, changed: now, ..value };
    store(db, task, revision, ("task.run", actor)).await
}

/// Cancels a task that waits or was given up. Errors: `not-found`; `state-conflict` if it runs or ended otherwise.
pub async fn cancel(db: &Db, now: Timestamp, id: RecordId, actor: Actor) -> Result<TaskRecord> {
    let Stored { value, revision } = db.require::<TaskRecord>(id.as_bytes(), id).await?;
    match value.state {
        State::Waiting | State::Failed => {}
        State::Running { .. } => return Err(conflict("the task runs; let it end")),
        State::Done | State::Cancelled => {
            return Err(conflict("the task does not wait any more"));
        }
    }
    let said = Some(format!("cancelled by {actor}"));
    let task = TaskRecord { state: State::Cancelled, said, changed: now, ..value };
    store(db, task, revision, ("task.cancel", actor)).await
}

async fn store(
    db: &Db,
    task: TaskRecord,
    revision: u64,
    (action, actor): (&str, Actor),
) -> Result<TaskRecord> {
    let mut unit = Unit::new();
    unit.replace(&task, revision)?;
    let event = Event::new(task.changed, actor, action, format!("task:{}", task.id));
    unit.event(event.with("kind", &task.kind).with("about", &task.subject));
    match db.commit(unit).await {
        Ok(_) => Ok(task),
        Err(CommitError::Refused { standing: Some(_), .. }) => {
            Err(conflict("the task changed meanwhile, or another task does the same work"))
        }
        Err(e) => Err(e.into()),
    }
}

fn conflict(detail: &str) -> Error {
    Error::conflict("state-conflict", detail)
}
