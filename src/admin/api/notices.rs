//! `/notices`: what expires and was told, and whom.

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
use crate::error::Result;
use crate::id::Serial;
use crate::notice;
use crate::notice::InForce;
use crate::notice::policy::ChannelPolicy;
use crate::notice::records::{About, NoticeRecord};
use crate::store::{KeyBuilder, PRIMARY, Scan};

mod types;

pub use types::{Channel, ChannelTest, Notice};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(channels)).routes(routes!(try_out))
}

/// Notices, newest first: all, or those of a certificate.
#[utoipa::path(get, path = "/api/v1/notices", tag = "notices",
    params(("serial" = Option<String>, Query, description = "of this certificate"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Notices", body = Page<Notice>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::NoticesRead).await?;
    let mut query = query.only(&["serial", "limit", "cursor"])?;
    let serial = query.parsed("serial", str::parse::<Serial>)?.map(|serial| serial.to_string());
    let cursors = Cursors::new(&caller.token.token_hash, &format!("notices {serial:?}"));
    let scan = match &serial {
        None => Scan::all::<NoticeRecord>(PRIMARY),
        Some(serial) => {
            let prefix = KeyBuilder::new().text(serial).build();
            Scan::all::<NoticeRecord>(NoticeRecord::BY_SERIAL).prefix(prefix)
        }
    };
    let scan = scan
        .backward()
        .limit(page::limit(query.take("limit").as_deref())?)
        .after(query.parsed("cursor", |c| cursors.open(c))?);
    let found = state.desk.authority.db.scan::<NoticeRecord>(scan).await?;
    let items = found.items.iter().map(|stored| listed(&stored.value)).collect();
    json::answer(StatusCode::OK, &Page { items, next: found.next.map(|place| cursors.seal(&place)) })
}

/// Whom notices are sent to, as `policies/notices.toml` names them.
#[utoipa::path(get, path = "/api/v1/notices/channels", tag = "notices",
    responses((status = 200, description = "Channels, by name", body = Page<Channel>), Refusals))]
pub async fn channels(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::NoticesRead).await?;
    query.only(&[])?;
    let in_force = state.notices.current();
    let items = in_force.policy.channels.iter().map(|policy| channel(policy, &in_force)).collect();
    json::answer(StatusCode::OK, &Page::whole(items))
}

/// Sends a message that says it is a test, now and once; 502 with the reason if it does not arrive.
#[utoipa::path(post, path = "/api/v1/notices/channels/{name}/test", tag = "notices", request_body = ChannelTest,
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "It was sent", body = Channel),
        (status = 502, description = "It was not taken", body = super::Problem,
            content_type = "application/problem+json"), Refusals))]
pub async fn try_out(State(state): Shared, caller: Caller, Named(name): Named, body: Body) -> Answer {
    caller.may(Permission::NoticesTest).await?;
    body.json_or_empty::<ChannelTest>()?;
    idempotency::once(&state.desk.authority.db, state.now(), &caller, &body, async {
        let policy = notice::try_out(&state.notices, &name, caller.actor()).await?;
        json::answer(StatusCode::OK, &channel(&policy, &state.notices.current()))
    })
    .await
}

impl json::Body for ChannelTest {
    const FIELDS: &'static [&'static str] = &[];

    fn from_fields(_fields: &mut json::Fields<'_>) -> Result<Self> {
        Ok(Self {})
    }
}

fn channel(policy: &ChannelPolicy, in_force: &InForce) -> Channel {
    Channel {
        name: policy.name.clone(),
        kind: policy.target.as_str().to_owned(),
        to: policy.target.to_string(),
        enabled: policy.enabled,
        fault: in_force.channels.fault(&policy.name).map(str::to_owned),
    }
}

fn listed(record: &NoticeRecord) -> Notice {
    let (about, ca, profile, device) = match &record.about {
        About::Certificate { ca, profile, device } => {
            ("certificate", ca, Some(profile.to_string()), device.clone())
        }
        About::Ca(ca) => ("ca", ca, None, None),
    };
    Notice {
        id: record.id.to_string(),
        at: record.at.to_string(),
        run: record.run.to_string(),
        about: about.to_owned(),
        subject: record.subject.clone(),
        serial: record.serial.to_string(),
        ca: ca.to_string(),
        profile,
        device,
        not_after: record.not_after.to_string(),
        step: record.step,
        days_left: record.days_left(),
    }
}
