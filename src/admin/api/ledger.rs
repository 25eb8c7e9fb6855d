//! `/devices/{name}/trust` and `/device-trust`: which lists devices hold, what they fetched, and what they told.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Caller;
use super::json;
use super::page::{self, Cursors, Page};
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use super::{Shared, device_of};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::device::fetch::Depot;
use crate::device::ledger::{self, Held, LedgerRecord, Wanted};
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::trust::records::ListKind;

mod types;

pub use types::{DeviceAlarm, DeviceFetch, DeviceTrust, HeldList, TvsQuestion};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(list))
}

/// What is known of a device's lists; of a device that never came there is nothing but its name.
#[utoipa::path(get, path = "/api/v1/devices/{name}/trust", tag = "devices", params(("name" = String, Path)),
    responses((status = 200, description = "Its lists", body = DeviceTrust), Refusals))]
pub async fn show(State(state): Shared, caller: Caller, Named(name): Named, query: Query) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    query.only(&[])?;
    let device = device_of(&state, &name).await?;
    let depot = state.depot()?;
    let entry = depot.ledger.of(&device).await?.unwrap_or_else(|| LedgerRecord::new(device));
    json::answer(StatusCode::OK, &shown(depot, &entry).await?)
}

/// Devices by what is known of their lists: all that ever came, by name; with `stuck=true` those that refuse lists, the
/// longest first; with `cluster`, `list` and `release` those that hold that release.
#[utoipa::path(get, path = "/api/v1/device-trust", tag = "devices",
    params(("stuck" = Option<bool>, Query, description = "true: those that refuse lists"),
        ("cluster" = Option<String>, Query), ("list" = Option<String>, Query, description = "ctl or itl"),
        ("release" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Devices", body = Page<DeviceTrust>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    let mut query = query.only(&["stuck", "cluster", "list", "release", "limit", "cursor"])?;
    let wanted = wanted(&mut query)?;
    let cursors = Cursors::new(&caller.token.token_hash, &format!("device-trust {wanted:?}"));
    let limit = page::limit(query.take("limit").as_deref())?;
    let after = query.parsed("cursor", |c| cursors.open(c))?;
    let found = ledger::list(&state.desk.authority.db, &wanted, limit, after).await?;
    let mut items = Vec::with_capacity(found.entries.len());
    for entry in &found.entries {
        items.push(shown(state.depot()?, entry).await?);
    }
    json::answer(StatusCode::OK, &Page { items, next: found.next.map(|place| cursors.seal(&place)) })
}

fn wanted(query: &mut Query) -> Result<Wanted> {
    let stuck = query.parsed("stuck", |text| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Error::invalid("invalid-flag", "stuck is true or false")),
    })?;
    let cluster = query.parsed("cluster", str::parse::<ClusterId>)?;
    let kind = query.parsed("list", str::parse::<ListKind>)?;
    let number = query.parsed("release", |text| {
        text.parse::<u32>().map_err(|_| Error::invalid("invalid-release", "a release is a number"))
    })?;
    match (stuck, cluster, kind, number) {
        (None | Some(false), None, None, None) => Ok(Wanted::All),
        (Some(true), None, None, None) => Ok(Wanted::Stuck),
        (None, Some(cluster), Some(kind), Some(number)) => {
            Ok(Wanted::Holding(Held { cluster, kind, number }))
        }
        _ => Err(Error::invalid(
            "unindexed-filter",
            "devices are found by stuck=true, or by cluster, list and release together",
        )),
    }
}

/// An entry beside the newest releases of the device's cluster.
pub(super) async fn shown(depot: &Depot, entry: &LedgerRecord) -> Result<DeviceTrust> {
    let cluster = depot.shelf.cluster_of(Some(&entry.device)).await?;
    let mut newest = Vec::new();
    if let Some(cluster) = &cluster {
        for kind in ListKind::ALL {
            newest.extend(depot.shelf.newest(cluster, kind).await?.map(|list| list.release.clone()));
        }
    }
    Ok(types::device_trust(entry, cluster, &newest))
}
