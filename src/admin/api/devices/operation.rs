//! `/devices/{name}/operation`, its lock and its history.

use axum::extract::State;
use axum::http::StatusCode;

use super::read::Asked;
use super::{changed, known, shown, step};
use super::{types::ChangedDevice, types::Device, types::DeviceRow, types::DeviceStep};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::page::Page;
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::device::inventory::{self, Mode};
use crate::device::row::Row;
use crate::device::{Inventory, remove};
use crate::error::Result;
use crate::store::Unit;

/// Says what is to be done with a device when it comes to CAPF, instead of what was pending. An authentication string
/// that is generated is shown this once.
#[utoipa::path(post, path = "/api/v1/devices/{name}/operation", operation_id = "set_operation", tag = "devices",
    request_body = DeviceRow, params(("name" = String, Path)),
    responses((status = 200, description = "The device", body = ChangedDevice), Refusals))]
pub async fn set(State(state): Shared, caller: Caller, Named(name): Named, body: Body) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    let Operation(asked) = body.json()?;
    let row = Row { wanted: asked.wanted(state.now())?, ..Row::of(known(&name)?) };
    let profiles = state.desk.profiles.current();
    let inventory = Inventory::new(&state.desk.authority, &profiles, caller.actor())?;
    let saved = inventory.save_one(row, Mode::Change, Unit::new()).await?;
    json::answer(StatusCode::OK, &changed(&state, saved))
}

/// Takes back what is pending.
#[utoipa::path(delete, path = "/api/v1/devices/{name}/operation", operation_id = "clear_operation", tag = "devices",
    params(("name" = String, Path)),
    responses((status = 200, description = "The device", body = Device), Refusals))]
pub async fn clear(State(state): Shared, caller: Caller, Named(name): Named) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    let device = remove::clear(&state.desk.authority, &known(&name)?, &caller.actor()).await?;
    json::answer(StatusCode::OK, &shown(&device, state.now()))
}

/// Has the authentication strings of a device looked at again that sent too many wrong ones.
#[utoipa::path(post, path = "/api/v1/devices/{name}/unlock", operation_id = "unlock_device", tag = "devices",
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The device", body = Device), Refusals))]
pub async fn unlock(State(state): Shared, caller: Caller, Named(name): Named, body: Body) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    let Nothing = body.json_or_empty()?;
    let authority = &state.desk.authority;
    idempotency::once(&authority.db, state.now(), &caller, &body, async {
        let device = remove::unlock(authority, &known(&name)?, &caller.actor()).await?;
        json::answer(StatusCode::OK, &shown(&device, state.now()))
    })
    .await
}

/// What was done with a device, newest first: the last 50 steps.
#[utoipa::path(get, path = "/api/v1/devices/{name}/history", operation_id = "device_history", tag = "devices",
    params(("name" = String, Path)),
    responses((status = 200, description = "Its history", body = Page<DeviceStep>), Refusals))]
pub async fn history(State(state): Shared, caller: Caller, Named(name): Named) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    let db = &state.desk.authority.db;
    let device = inventory::require(db, &known(&name)?).await?.value;
    let steps = inventory::history(db, device.id).await?;
    json::answer(StatusCode::OK, &Page::whole(steps.iter().map(step).collect()))
}

/// What is to be done, and how.
struct Operation(Asked);

impl json::Body for Operation {
    const FIELDS: &'static [&'static str] = Asked::OPERATION;

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let asked = Asked::operation(fields)?;
        if asked.is_silent() { Err(fields.missing("operation")) } else { Ok(Self(asked)) }
    }
}

/// A body that says nothing.
struct Nothing;

impl json::Body for Nothing {
    const FIELDS: &'static [&'static str] = &[];

    fn from_fields(_: &mut Fields<'_>) -> Result<Self> {
        Ok(Self)
    }
}
