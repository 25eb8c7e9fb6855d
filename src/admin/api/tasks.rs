//! `/tasks`: scheduled and periodic work.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Caller;
use super::body::Body;
use super::idempotency;
use super::json;
use super::page::{self, Cursors, Page};
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::audit::Actor;
use crate::ca::rollover;
use crate::device::campaign::{self, CampaignRecord};
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::store::{KeyBuilder, PRIMARY, Scan};
use crate::task::{self, State as Progress, TaskRecord, Upkeep};

mod types;

pub use types::{Periodic, Task, TaskOrder};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(periodic))
        .routes(routes!(show))
        .routes(routes!(run))
        .routes(routes!(cancel))
}

/// Scheduled work: all of it, newest first, or that in a state (waiting: what is due first comes first), of a kind.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "tasks",
    params(("state" = Option<String>, Query, description = "waiting, running, done, failed or cancelled"),
        ("kind" = Option<String>, Query, description = "as certificate.supersede"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Tasks", body = Page<Task>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::TasksRead).await?;
    let mut query = query.only(&["state", "kind", "limit", "cursor"])?;
    let wanted = query.parsed("state", state_byte)?;
    let kind = query.take("kind");
    let cursors = Cursors::new(&caller.token.token_hash, &format!("tasks {wanted:?} {kind:?}"));
    let limit = page::limit(query.take("limit").as_deref())?;
    let after = query.parsed("cursor", |c| cursors.open(c))?;
    let of_kind = |task: &TaskRecord| kind.as_ref().is_none_or(|kind| task.kind == *kind);
    let scan = scan(wanted, kind.as_deref());
    let (found, next) = page::sift(&state.desk.authority.db, scan, (limit, after), of_kind).await?;
    let items = found.iter().map(listed).collect();
    json::answer(StatusCode::OK, &Page { items, next: next.map(|place| cursors.seal(&place)) })
}

/// Work that comes again and again of itself: when it last ran, how it went, when it runs next.
#[utoipa::path(get, path = "/api/v1/tasks/periodic", tag = "tasks",
    responses((status = 200, description = "Periodic work, by name", body = Page<Periodic>), Refusals))]
pub async fn periodic(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::TasksRead).await?;
    query.only(&[])?;
    let all = state.desk.authority.upkeep.list();
    json::answer(StatusCode::OK, &Page::whole(all.iter().map(upkeep).collect()))
}

/// One task.
#[utoipa::path(get, path = "/api/v1/tasks/{id}", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, description = "The task", body = Task), Refusals))]
pub async fn show(State(state): Shared, caller: Caller, Named(id): Named) -> Answer {
    caller.may(Permission::TasksRead).await?;
    let id = known(&id)?;
    let stored = state.desk.authority.db.require::<TaskRecord>(id.as_bytes(), id).await?;
    json::answer(StatusCode::OK, &listed(&stored.value))
}

/// Makes a task due now, also one that was given up or cancelled.
#[utoipa::path(post, path = "/api/v1/tasks/{id}/run", tag = "tasks", request_body = TaskOrder,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The task, due now", body = Task), Refusals))]
pub async fn run(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::TasksManage).await?;
    let id = known(&id)?;
    body.json_or_empty::<TaskOrder>()?;
    let db = &state.desk.authority.db;
    idempotency::once(db, state.now(), &caller, &body, async {
        json::answer(StatusCode::OK, &listed(&task::run_now(db, state.now(), id, caller.actor()).await?))
    })
    .await
}

/// Cancels a task that waits, or notes of one that was given up that somebody has seen to it.
#[utoipa::path(post, path = "/api/v1/tasks/{id}/cancel", tag = "tasks", request_body = TaskOrder,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The task, cancelled", body = Task), Refusals))]
pub async fn cancel(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::TasksManage).await?;
    let id = known(&id)?;
    body.json_or_empty::<TaskOrder>()?;
    let db = &state.desk.authority.db;
    idempotency::once(db, state.now(), &caller, &body, async {
        json::answer(StatusCode::OK, &listed(&cancelled(&state, id, caller.actor()).await?))
    })
    .await
}

/// What says elsewhere that the task waits changes with it.
async fn cancelled(state: &Service, id: RecordId, actor: Actor) -> Result<TaskRecord> {
    let authority = &state.desk.authority;
    let task = authority.db.require::<TaskRecord>(id.as_bytes(), id).await?.value;
    if task.kind == rollover::ACTIVATE && task.state == Progress::Waiting {
        rollover::unschedule(authority, &task.key.parse()?, actor).await?;
        return Ok(authority.db.require::<TaskRecord>(id.as_bytes(), id).await?.value);
    }
    if task.kind == campaign::KIND && matches!(task.state, Progress::Waiting | Progress::Running { .. }) {
        let found = authority.db.get::<CampaignRecord>(&task.body).await?;
        if let Some(name) = found.map(|stored| stored.value.name) {
            // Its operations that are open are watched on: the task stays for that.
            let word = (&name, campaign::Word::Pause);
            campaign::say(&authority.db, state.now(), &authority.random, word, actor).await?;
            return Ok(authority.db.require::<TaskRecord>(id.as_bytes(), id).await?.value);
        }
    }
    task::cancel(&authority.db, state.now(), id, actor).await
}

impl json::Body for TaskOrder {
    const FIELDS: &'static [&'static str] = &[];

    fn from_fields(_fields: &mut json::Fields<'_>) -> Result<Self> {
        Ok(Self {})
    }
}

/// What waits or runs: the next first; else the newest first.
fn scan(state: Option<u8>, kind: Option<&str>) -> Scan {
    match (state, kind) {
        (Some(byte), _) => {
            let scan = Scan::all::<TaskRecord>(TaskRecord::BY_STATE).prefix(vec![byte]);
            if byte <= RUNNING { scan } else { scan.backward() }
        }
        (None, Some(kind)) => {
            let prefix = KeyBuilder::new().text(kind).build();
            Scan::all::<TaskRecord>(TaskRecord::BY_KIND).prefix(prefix).backward()
        }
        (None, None) => Scan::all::<TaskRecord>(PRIMARY).backward(),
    }
}

/// The byte of the last state that has not ended.
const RUNNING: u8 = 1;

fn state_byte(word: &str) -> Result<u8> {
    let place = Progress::NAMES.iter().position(|name| *name == word).and_then(|at| u8::try_from(at).ok());
    place.ok_or_else(|| {
        Error::invalid("invalid-state", format!("state is one of {}", Progress::NAMES.join(", ")))
    })
}

fn known(id: &str) -> Result<RecordId> {
    id.parse().map_err(|_| Error::not_found("task", "of that id"))
}

fn listed(task: &TaskRecord) -> Task {
    Task {
        id: task.id.to_string(),
        kind: task.kind.clone(),
        key: task.key.clone(),
        subject: task.subject.clone(),
        state: task.state.name().to_owned(),
        created: task.id.made_at().to_string(),
        due: task.due.to_string(),
        changed: task.changed.to_string(),
        attempts: task.attempts,
        said: task.said.clone(),
    }
}

fn upkeep(upkeep: &Upkeep) -> Periodic {
    let last = upkeep.last.as_ref();
    Periodic {
        name: upkeep.name.to_owned(),
        every_seconds: upkeep.every.as_secs(),
        next: upkeep.next().to_string(),
        last: last.map(|ran| ran.at.to_string()),
        took_ms: last.map(|ran| u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX)),
        ok: last.map(|ran| ran.result.is_ok()),
        said: last.map(|ran| match &ran.result {
            Ok(said) | Err(said) => said.clone(),
        }),
    }
}
