//! `POST /devices/{name}/alarms`: what a phone told of its lists, handed on by whoever heard it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Caller;
use super::body::Body;
use super::idempotency;
use super::json::{self, Fields};
use super::ledger::{DeviceTrust, shown};
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::{Shared, device_of};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::device::alarm::intake;
use crate::device::alarm::syslog::Report;
use crate::error::{Error, Result};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(report))
}

/// An alarm of a phone about its trust lists.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewAlarm {
    /// Its name, as `TL_FAILED_OLD_ITL`, or its code 1 to 9.
    pub alarm: String,
    /// The digest of the CTL that the phone holds now, as it shows it: SHA-1, SHA-256 or SHA-512, hexadecimal.
    pub ctl: Option<String>,
    /// The digest of the ITL that it holds now.
    pub itl: Option<String>,
    /// The phone's address.
    pub address: Option<String>,
}

/// Takes in an alarm; the answer is what is known of the device's lists now.
#[utoipa::path(post, path = "/api/v1/devices/{name}/alarms", tag = "devices", request_body = NewAlarm,
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "It is recorded", body = DeviceTrust), Refusals))]
pub async fn report(State(state): Shared, caller: Caller, Named(name): Named, body: Body) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    let new: NewAlarm = body.json()?;
    let device = device_of(&state, &name).await?;
    let from = from(&new, &caller)?;
    let read = |name: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|e: Error| e.at(format!("/{name}"))),
    };
    let report = Report {
        device,
        alarm: new.alarm.parse().map_err(|e: Error| e.at("/alarm"))?,
        ctl: read("ctl", &new.ctl)?.into(),
        itl: read("itl", &new.itl)?.into(),
    };
    idempotency::detached(async move {
        let depot = state.depot()?;
        idempotency::once(&state.desk.authority.db, state.now(), &caller, &body, async {
            let entry = intake::record(depot, report, from, caller.actor()).await?;
            json::answer(StatusCode::CREATED, &shown(depot, &entry).await?)
        })
        .await
    })
    .await
}

fn from(new: &NewAlarm, caller: &Caller) -> Result<IpAddr> {
    let Some(text) = &new.address else {
        return Ok(caller.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    };
    text.parse().map_err(|_| {
        Error::invalid("invalid-address", "an address is one of IPv4 or IPv6, as 10.0.0.9").at("/address")
    })
}

impl json::Body for NewAlarm {
    const FIELDS: &'static [&'static str] = &["alarm", "ctl", "itl", "address"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            alarm: fields.required_line("alarm")?,
            ctl: fields.line("ctl")?,
            itl: fields.line("itl")?,
            address: fields.line("address")?,
        })
    }
}
