//! `/devices/operations`: one operation for many devices.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::read::Asked;
use super::types::{BulkOperation, BulkReport, DeviceOutcome};
use super::{filter, opened, sealed};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::BatchBody;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::page::Cursors;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::clock::Timestamp;
use crate::device::filter::{Place, page};
use crate::device::inventory::{Fate, Mode, Saved};
use crate::device::records::DeviceRecord;
use crate::device::row::{Row, Wanted};
use crate::device::{DeviceName, Filter, Inventory};
use crate::error::{Error, Result};
use crate::store::{Db, Unit};

/// The most devices of one request.
const MOST: usize = 1000;

/// Sets one operation for up to 1,000 devices: those that are named, or those that a filter finds, page by page, in
/// one durable write each. One that is refused stops no other. Each device's string is its own: `generate`, shown this
/// once. What a walk along a filter has set is not met again by it.
#[utoipa::path(post, path = "/api/v1/devices/operations", operation_id = "set_operations", tag = "devices",
    request_body = BulkOperation,
    responses((status = 200, description = "What became of each", body = BulkReport), Refusals))]
pub async fn schedule(State(state): Shared, caller: Caller, BatchBody(body): BatchBody) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    let Bulk { asked, dry_run, selection } = body.json()?;
    idempotency::detached(async move {
        let (found, begun, next) = selection.resolve(&state.desk.authority.db, &caller, state.now()).await?;
        let Some(wanted) = asked.wanted(begun)? else {
            return Err(Error::invalid("missing-field", "operation is needed").at("/operation").into());
        };
        let profiles = state.desk.profiles.current();
        let inventory = Inventory::new(&state.desk.authority, &profiles, caller.actor())?;
        let row = |name: &DeviceName| Row { wanted: Some(wanted.clone()), ..Row::of(name.clone()) };
        let rows: Vec<Row> = found.iter().map(row).collect();
        let saved = inventory.save(&rows, Mode::Change, dry_run, Unit::new()).await?;
        json::answer(StatusCode::OK, &report(&found, saved, dry_run, &wanted, next))
    })
    .await
}

/// A [`BulkOperation`] as it was read.
struct Bulk {
    asked: Asked,
    dry_run: bool,
    selection: Selection,
}

impl json::Body for Bulk {
    const FIELDS: &'static [&'static str] = &[
        "operation",
        "authentication",
        "string",
        "key",
        "deadline",
        "dry_run",
        "names",
        "filter",
        "limit",
        "cursor",
    ];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let asked = Asked::operation(fields)?;
        if asked.has_digits() {
            let rule = "a string is one device's: for many, string is generate, and each gets its own";
            return Err(fields.at("string", Error::invalid("invalid-authentication-string", rule)));
        }
        Ok(Self { asked, dry_run: fields.flag("dry_run")?, selection: Selection::read(fields)? })
    }
}

/// Which devices.
enum Selection {
    Named(Vec<DeviceName>),
    Found { filter: Box<Filter>, limit: usize, cursor: Option<String> },
}

/// Where a walk stands, and since when it goes on: what was set since then is its own doing.
#[derive(Serialize, Deserialize)]
struct Progress {
    place: Place,
    begun: Timestamp,
}

impl Selection {
    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        let names = fields.lines("names", MOST)?;
        let limit = fields.integer("limit", 1..=MOST as u64)?;
        let cursor = fields.line("cursor")?;
        match (names.is_empty(), fields.object("filter", &filter::FIELDS)?) {
            (true, Some(mut within)) => {
                let filter = Box::new(filter::of_fields(&mut within)?);
                let limit = limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(MOST);
                Ok(Self::Found { filter, limit, cursor })
            }
            (false, None) if limit.is_none() && cursor.is_none() => {
                let name = |(i, name): (usize, &String)| {
                    name.parse().map_err(|e: Error| e.at(format!("/names/{i}")))
                };
                names.iter().enumerate().map(name).collect::<Result<_>>().map(Self::Named)
            }
            (true, None) | (false, Some(_) | None) => {
                let rule = "which devices: either names, or filter with limit and cursor";
                Err(Error::invalid("invalid-selection", rule))
            }
        }
    }

    /// The names, since when the walk goes on, and where it goes on.
    async fn resolve(
        self,
        db: &Db,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(Vec<DeviceName>, Timestamp, Option<String>)> {
        let (filter, limit, cursor) = match self {
            Self::Named(names) => return Ok((names, now, None)),
            Self::Found { filter, limit, cursor } => (filter, limit, cursor),
        };
        let cursors = Cursors::new(&caller.token.token_hash, &format!("device operations {filter:?}"));
        let progress = cursor.map(|cursor| opened::<Progress>(&cursors, &cursor)).transpose();
        let (place, begun) = match progress.map_err(|e| e.at("/cursor"))? {
            Some(Progress { place, begun }) => (Some(place), begun),
            None => (None, now),
        };
        let (found, next) = page(db, &filter, (limit, MOST), place, begun).await?;
        let met = |device: &DeviceRecord| device.operation.as_ref().is_some_and(|o| o.id.made_at() >= begun);
        let names = found.iter().filter(|stored| !met(&stored.value));
        let names = names.map(|stored| stored.value.name.clone()).collect();
        let next = next.map(|place| sealed(&cursors, &Progress { place, begun })).transpose()?;
        Ok((names, begun, next))
    }
}

fn report(
    names: &[DeviceName],
    saved: Vec<Result<Saved>>,
    dry_run: bool,
    wanted: &Wanted,
    next: Option<String>,
) -> BulkReport {
    let done = match (wanted, dry_run) {
        (Wanted::Nothing, false) => "cleared",
        (Wanted::Nothing, true) => "would-be-cleared",
        (Wanted::Operation(_), false) => "set",
        (Wanted::Operation(_), true) => "would-be-set",
    };
    let outcome = |(name, saved): (&DeviceName, Result<Saved>)| {
        let (word, error, string) = match saved {
            Ok(Saved { fate: Fate::Unchanged, .. }) => ("unchanged", None, None),
            Ok(Saved { string, .. }) => (done, None, string.filter(|_| !dry_run)),
            Err(error) => ("refused", Some(error), None),
        };
        DeviceOutcome {
            name: name.to_string(),
            outcome: word.to_owned(),
            code: error.as_ref().map(|error| error.code().to_owned()),
            detail: error.as_ref().map(|error| error.detail().to_owned()),
            string: string.map(|string| string.to_string()),
        }
    };
    let items: Vec<DeviceOutcome> = names.iter().zip(saved).map(outcome).collect();
    let count = |word: &str| items.iter().filter(|item| item.outcome == word).count();
    let (changed, unchanged, refused) = (count(done), count("unchanged"), count("refused"));
    BulkReport { dry_run, changed, unchanged, refused, items, next }
}
