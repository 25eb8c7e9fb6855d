//! The anchors of a cluster become lists.

use axum::extract::State;
use axum::http::StatusCode;

use super::{Publication, PublishedList, Publishing, described};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::clusters::{cautions, known};
use crate::admin::api::json::{self, Fields};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::error::Result;
use crate::trust::release::{self, Proposal};

/// Publishes the lists of a cluster, or shows what that would change. The same content is the same release: then
/// nothing new is written.
#[utoipa::path(post, path = "/api/v1/clusters/{id}/releases", tag = "trust", request_body = Publishing,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "Its lists", body = Publication), Refusals))]
pub async fn publish(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    let (id, Draft { dry_run }) = (known(&id)?, body.json_or_empty()?);
    caller.may(if dry_run { Permission::TrustRead } else { Permission::TrustPublish }).await?;
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            let lists = if dry_run {
                release::propose(authority, &id).await?
            } else {
                release::publish(authority, &id, caller.actor()).await?
            };
            let items = lists.into_iter().map(listed).collect();
            json::answer(StatusCode::OK, &Publication { dry_run, items })
        })
        .await
    })
    .await
}

pub(super) fn reads(body: &[u8]) -> bool {
    json::read::<Draft>(body).is_ok()
}

fn listed(list: Proposal) -> PublishedList {
    PublishedList {
        list: list.kind.to_string(),
        number: list.number,
        is_new: list.is_new,
        changes: list.changes,
        entries: list.entries as u64,
        release: list.release.as_ref().map(described),
        warnings: cautions(list.warnings),
    }
}

/// A [`Publishing`] as it was read.
struct Draft {
    dry_run: bool,
}

impl json::Body for Draft {
    const FIELDS: &'static [&'static str] = &["dry_run"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { dry_run: fields.flag("dry_run")? })
    }
}
