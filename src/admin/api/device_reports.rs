//! `/device-report` and `/device-findings`: all devices together, and those that something is to be said of.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Caller;
use super::json;
use super::page::{self, Cursors, Page};
use super::problem::{Answer, Refusals};
use super::query::Query;
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::clock::Timestamp;
use crate::device::report::{self, Finding, Findings, Holdings, Report, Sort};
use crate::error::{Error, Result};

mod types;

pub use types::{DeviceFinding, DeviceReport, FindingReport, HeldCount, HeldReport};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(findings))
}

/// What there is of devices: by state, certificates by issuer, key and expiry, keys that are too weak, LSCs that are to be
/// renewed, operations that failed. Counted at most once a minute.
#[utoipa::path(get, path = "/api/v1/device-report", operation_id = "report_devices", tag = "devices",
    responses((status = 200, description = "The report", body = DeviceReport), Refusals))]
pub async fn show(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    query.only(&[])?;
    let authority = &state.desk.authority;
    let report = state.device_reports.latest(&authority.db, &authority.clock).await?;
    json::answer(StatusCode::OK, &shown(&report))
}

/// Every device that something is to be said of: `weak` (a key under 2048 bits), `stale` (an LSC past its renewal point),
/// `failed` (or late). A page looks at `limit` devices, and may be empty and yet not be the last.
#[utoipa::path(get, path = "/api/v1/device-findings", operation_id = "list_device_findings", tag = "devices",
    params(("sort" = String, Query, description = "weak, stale or failed"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "What was found", body = Page<DeviceFinding>), Refusals))]
pub async fn findings(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    let mut query = query.only(&["sort", "limit", "cursor"])?;
    let Some(sort) = query.parsed("sort", sort)? else { return Err(unknown().into()) };
    let cursors = Cursors::new(&caller.token.token_hash, &format!("device findings {sort:?}"));
    let limit = page::limit(query.take("limit").as_deref())?;
    let after = query.parsed("cursor", |c| cursors.open(c))?;
    let (found, next) = report::findings(&state.desk.authority.db, (sort, limit), after, state.now()).await?;
    let items = found.iter().map(finding).collect();
    json::answer(StatusCode::OK, &Page { items, next: next.map(|place| cursors.seal(&place)) })
}

fn sort(word: &str) -> Result<Sort> {
    match word {
        "weak" => Ok(Sort::Weak),
        "stale" => Ok(Sort::Stale),
        "failed" => Ok(Sort::Failed),
        _ => Err(unknown()),
    }
}

fn unknown() -> Error {
    Error::invalid("invalid-value", "sort is one of weak, stale, failed")
}

fn shown(report: &Report) -> DeviceReport {
    let tally = &report.tally;
    DeviceReport {
        made_at: report.made.to_string(),
        devices: tally.devices,
        states: tally.states.iter().map(|(state, n)| (state.as_str().to_owned(), *n)).collect(),
        reasons: tally.reasons.iter().map(|(reason, n)| (reason.as_str().to_owned(), *n)).collect(),
        models: tally.models.clone(),
        lsc: held(&tally.lsc),
        mic: held(&tally.mic),
        weak: found(&tally.weak),
        stale: found(&tally.stale),
        failed: found(&tally.failed),
    }
}

fn held(holdings: &Holdings) -> HeldReport {
    let spans = Holdings::SPANS.iter().zip(holdings.expiry);
    let mut map: Vec<HeldCount> = holdings
        .map
        .iter()
        .map(|((issuer, key), cell)| HeldCount {
            issuer: issuer.clone(),
            key: key.clone(),
            count: cell.count,
            first_expires: cell.first.to_string(),
        })
        .collect();
    map.sort_by_key(|cell| std::cmp::Reverse(cell.count));
    HeldReport {
        held: holdings.held,
        expiry: spans.map(|(name, count)| ((*name).to_owned(), count)).collect(),
        map,
    }
}

fn found(findings: &Findings) -> FindingReport {
    FindingReport { count: findings.count, items: findings.named.iter().map(finding).collect() }
}

fn finding(finding: &Finding) -> DeviceFinding {
    DeviceFinding {
        name: finding.name.clone(),
        model: finding.model.clone(),
        region: finding.region.clone(),
        what: finding.what.to_owned(),
        detail: finding.detail.clone(),
        issuer: finding.issuer.clone(),
        at: finding.at.map(|at: Timestamp| at.to_string()),
    }
}
