//! `/devices`: the inventory of phones and gateways, and what is to be done with each.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Caller;
use super::body::Body;
use super::idempotency::{self, Claim, claim};
use super::json;
use super::page::{self, Cursors, MOST_LOOKED_AT, Page};
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use super::tokens::located;
use crate::admin::records::Kept;
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::device::inventory::{Mode, Saved, require};
use crate::device::{DeviceName, Inventory, filter as search, remove};
use crate::error::{Error, Result};
use crate::store::Unit;

mod batch;
mod bulk;
mod filter;
mod operation;
mod read;
mod shown;
mod types;

pub use filter::{FIELDS as FILTERS, read as read_filter};
pub use read::{Asked, wanted};
pub use shown::{shown, step};
pub use types::{
    BulkOperation, BulkReport, ChangedDevice, Device, DeviceBatch, DeviceBatchReport, DeviceFault,
    DeviceFilter, DeviceOperation, DeviceOutcome, DeviceRow, DeviceStep, DeviceString, HeldCertificate,
};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(batch::save))
        .routes(routes!(bulk::schedule))
        .routes(routes!(show, change, delete))
        .routes(routes!(operation::set, operation::clear))
        .routes(routes!(operation::unlock))
        .routes(routes!(operation::history))
}

/// Devices, by name unless another order finds them faster. A page may be short, or empty, and yet have a `next`.
#[utoipa::path(get, path = "/api/v1/devices", operation_id = "list_devices", tag = "devices",
    params(DeviceFilter, ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Devices", body = Page<Device>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    let (filter, mut query) = filter::of_query(query)?;
    let cursors = Cursors::new(&caller.token.token_hash, &format!("devices {filter:?}"));
    let limit = page::limit(query.take("limit").as_deref())?;
    let place = query.parsed("cursor", |cursor| opened(&cursors, cursor))?;
    let (db, now) = (&state.desk.authority.db, state.now());
    let (found, next) = search::page(db, &filter, (limit, MOST_LOOKED_AT), place, now).await?;
    let items = found.iter().map(|stored| shown(&stored.value, now)).collect();
    let next = next.map(|place| sealed(&cursors, &place)).transpose()?;
    json::answer(StatusCode::OK, &Page { items, next })
}

/// Adds a device. An authentication string that is generated is shown this once; a replay under the same
/// Idempotency-Key is refused.
#[utoipa::path(post, path = "/api/v1/devices", operation_id = "add_device", tag = "devices",
    request_body = DeviceRow, params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The device", body = ChangedDevice), Refusals))]
pub async fn create(State(state): Shared, caller: Caller, body: Body) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    let row = body.json::<Asked>()?.row(state.now())?;
    let claim = claim(state.now(), &caller, &body, Kept::Secret);
    let alongside = Claim::alongside(claim.as_ref(), &state.desk.authority.db).await?;
    let profiles = state.desk.profiles.current();
    let inventory = Inventory::new(&state.desk.authority, &profiles, caller.actor())?;
    let saved = inventory.save_one(row, Mode::Add, alongside).await?;
    let place = format!("/api/v1/devices/{}", saved.device.name);
    located(json::answer(StatusCode::CREATED, &changed(&state, saved))?, &place)
}

/// One device.
#[utoipa::path(get, path = "/api/v1/devices/{name}", operation_id = "show_device", tag = "devices",
    params(("name" = String, Path)),
    responses((status = 200, description = "The device", body = Device), Refusals))]
pub async fn show(State(state): Shared, caller: Caller, Named(name): Named) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    let stored = require(&state.desk.authority.db, &known(&name)?).await?;
    json::answer(StatusCode::OK, &shown(&stored.value, state.now()))
}

/// Changes a device: what is not given stays, and an empty text takes model or region away.
#[utoipa::path(patch, path = "/api/v1/devices/{name}", operation_id = "change_device", tag = "devices",
    request_body = DeviceRow, params(("name" = String, Path)),
    responses((status = 200, description = "The device", body = ChangedDevice), Refusals))]
pub async fn change(State(state): Shared, caller: Caller, Named(name): Named, body: Body) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    let row = body.json::<Asked>()?.row_of(known(&name)?, state.now())?;
    let profiles = state.desk.profiles.current();
    let inventory = Inventory::new(&state.desk.authority, &profiles, caller.actor())?;
    let saved = inventory.save_one(row, Mode::Change, Unit::new()).await?;
    json::answer(StatusCode::OK, &changed(&state, saved))
}

/// Deletes a device with its history. Its certificates stay good, unless `revoke=true`: then they are revoked
/// (cessationOfOperation) first, for which `certificates:revoke` is needed too.
#[utoipa::path(delete, path = "/api/v1/devices/{name}", operation_id = "delete_device", tag = "devices",
    params(("name" = String, Path), ("revoke" = Option<bool>, Query)),
    responses((status = 204, description = "It is deleted"), Refusals))]
pub async fn delete(State(state): Shared, caller: Caller, Named(name): Named, query: Query) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    let revoke = query.only(&["revoke"])?.parsed("revoke", filter::flag)?.unwrap_or(false);
    if revoke {
        caller.may(Permission::CertificatesRevoke).await?;
    }
    let name = known(&name)?;
    idempotency::detached(async move {
        remove::delete(&state.desk.authority, &name, revoke, caller.actor()).await?;
        if let Ok(depot) = state.depot() {
            depot.ledger.forget(&name);
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// A name in a path. Errors: `not-found` for what can be none.
fn known(name: &str) -> Result<DeviceName> {
    name.parse().map_err(|_| Error::not_found("device", "of that name"))
}

fn changed(state: &Service, saved: Saved) -> ChangedDevice {
    let device = shown(&saved.device, state.now());
    ChangedDevice { device, string: saved.string.map(|string| string.to_string()) }
}

fn opened<T: serde::de::DeserializeOwned>(cursors: &Cursors, cursor: &str) -> Result<T> {
    let damaged = |_| Error::invalid("invalid-cursor", "not a cursor of this list");
    postcard::from_bytes(&cursors.open(cursor)?).map_err(damaged)
}

fn sealed<T: serde::Serialize>(cursors: &Cursors, place: &T) -> Result<String> {
    let place = postcard::to_stdvec(place).map_err(|e| Error::internal("a cursor").because(e))?;
    Ok(cursors.seal(&place))
}
