//! `/devices/batch`: many devices in one durable write.

use axum::extract::State;
use axum::http::StatusCode;

use super::read::Asked;
use super::types::{DeviceBatch, DeviceBatchReport, DeviceFault, DeviceString};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::BatchBody;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::clock::Timestamp;
use crate::device::Inventory;
use crate::device::inventory::{Fate, Mode, Saved};
use crate::device::row::Row;
use crate::error::{Error, Kind, Result};
use crate::store::Unit;

/// The most devices of one batch.
const MOST: usize = 1000;

/// Adds and changes up to 1,000 devices in one durable write; a row that is refused stops no other. It is safe to
/// repeat: what is so already is `unchanged`. Authentication strings that are generated are shown this once; a
/// repetition makes new ones.
#[utoipa::path(post, path = "/api/v1/devices/batch", operation_id = "save_devices", tag = "devices",
    request_body = DeviceBatch,
    responses((status = 200, description = "What became of them", body = DeviceBatchReport), Refusals))]
pub async fn save(State(state): Shared, caller: Caller, BatchBody(body): BatchBody) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    let Batch { items, dry_run } = body.json()?;
    idempotency::detached(async move {
        let mut report = Report::new(dry_run);
        let rows = report.rows(items, state.now());
        let profiles = state.desk.profiles.current();
        let inventory = Inventory::new(&state.desk.authority, &profiles, caller.actor())?;
        let saved = inventory.save(&rows, Mode::Either, dry_run, Unit::new()).await?;
        json::answer(StatusCode::OK, &report.finished(saved))
    })
    .await
}

/// A [`DeviceBatch`] as it was read.
struct Batch {
    items: Vec<Result<Asked>>,
    dry_run: bool,
}

impl json::Body for Batch {
    const FIELDS: &'static [&'static str] = &["items", "dry_run"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let items = fields.objects("items", MOST, Asked::FIELDS)?;
        if items.is_empty() {
            return Err(fields.missing("items"));
        }
        let items = items.into_iter().map(item).collect::<Result<_>>()?;
        Ok(Self { items, dry_run: fields.flag("dry_run")? })
    }
}

/// A row that breaks a rule is told of with the others; one that is of another shape refuses the batch.
fn item(mut fields: Fields<'_>) -> Result<Result<Asked>> {
    match <Asked as json::Body>::from_fields(&mut fields) {
        Err(error) if error.kind() != Kind::Invalid => Err(error),
        read => Ok(read),
    }
}

/// The report, and which items its rows are.
struct Report {
    report: DeviceBatchReport,
    places: Vec<usize>,
}

impl Report {
    fn new(dry_run: bool) -> Self {
        let report = DeviceBatchReport {
            dry_run,
            created: 0,
            updated: 0,
            unchanged: 0,
            refused: 0,
            faults: Vec::new(),
            strings: Vec::new(),
        };
        Self { report, places: Vec::new() }
    }

    fn rows(&mut self, items: Vec<Result<Asked>>, now: Timestamp) -> Vec<Row> {
        let mut rows = Vec::with_capacity(items.len());
        for (place, item) in items.into_iter().enumerate() {
            match item.and_then(|asked| asked.row(now)) {
                Ok(row) => {
                    self.places.push(place);
                    rows.push(row);
                }
                Err(error) => self.refuse(place, &error),
            }
        }
        rows
    }

    fn finished(mut self, saved: Vec<Result<Saved>>) -> DeviceBatchReport {
        for (place, one) in self.places.clone().into_iter().zip(saved) {
            match one {
                Ok(saved) => self.count(saved),
                Err(error) => self.refuse(place, &error),
            }
        }
        self.report.faults.sort_by_key(|fault| fault.item);
        self.report
    }

    fn count(&mut self, saved: Saved) {
        match saved.fate {
            Fate::Created => self.report.created += 1,
            Fate::Updated => self.report.updated += 1,
            Fate::Unchanged => self.report.unchanged += 1,
        }
        if let (Some(string), false) = (saved.string, self.report.dry_run) {
            let name = saved.device.name.to_string();
            self.report.strings.push(DeviceString { name, string: string.to_string() });
        }
    }

    fn refuse(&mut self, place: usize, error: &Error) {
        let field = error.field().and_then(|field| field.rsplit('/').next());
        self.report.refused += 1;
        self.report.faults.push(DeviceFault {
            item: place as u64,
            field: field.map(str::to_owned),
            code: error.code().to_owned(),
            detail: error.detail().to_owned(),
        });
    }
}
