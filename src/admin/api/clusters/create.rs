//! A new cluster.

use axum::extract::State;
use axum::http::StatusCode;

use super::{Cluster, NewCluster, once, shown};
use crate::admin::api::Shared;
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::roles::Permission;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::trust::cluster;
use crate::trust::identity::Purpose;
use crate::trust::records::{ListDigest, Mode};

/// The longest title, in characters.
const MAX_TITLE: usize = 100;
const MAX_ADDRESSES: usize = 16;

/// Makes a cluster with the anchors that make sense by themselves; nothing is published yet.
#[utoipa::path(post, path = "/api/v1/clusters", tag = "trust", request_body = NewCluster,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The cluster", body = Cluster), Refusals))]
pub async fn create(State(state): Shared, caller: Caller, body: Body) -> Answer {
    caller.may(Permission::TrustWrite).await?;
    let draft: Draft = body.json()?;
    let (service, actor) = (state.clone(), caller.actor());
    once(state, caller, body, async move {
        let authority = &service.desk.authority;
        let mut identities = Vec::new();
        for purpose in &draft.identities {
            let own = service.identities()?;
            own.hold(*purpose).await?;
            // The phones of other clusters may know but one of them yet, and that is the one that is shown.
            identities.extend(own.held(*purpose).await?);
        }
        let Draft { id, title, mode, digest, tvs, tftp, identities: _ } = draft;
        let new = cluster::NewCluster { id: id.clone(), title, mode, digest, tvs, tftp, identities };
        cluster::create(authority, new, actor).await?;
        shown(&service, StatusCode::CREATED, &id, Vec::new()).await
    })
    .await
}

pub(super) fn reads(body: &[u8]) -> bool {
    json::read::<Draft>(body).is_ok()
}

/// A title. Errors: `too-long`.
pub(super) fn title(fields: &mut Fields<'_>) -> Result<Option<String>> {
    let title = fields.line("title")?.filter(|title| !title.trim().is_empty());
    match title {
        Some(title) if title.chars().count() > MAX_TITLE => {
            let error = Error::invalid("too-long", format!("a title has at most {MAX_TITLE} characters"));
            Err(fields.at("title", error))
        }
        title => Ok(title),
    }
}

/// A [`NewCluster`] as it was read.
struct Draft {
    id: ClusterId,
    title: Option<String>,
    mode: Mode,
    digest: ListDigest,
    tvs: Vec<String>,
    tftp: Vec<String>,
    identities: Vec<Purpose>,
}

impl json::Body for Draft {
    const FIELDS: &'static [&'static str] = &["id", "title", "mode", "digest", "tvs", "tftp", "identities"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let identities = fields.lines("identities", Purpose::ALL.len())?;
        let purposes = identities
            .iter()
            .enumerate()
            .map(|(place, word)| word.parse().map_err(|e: Error| e.at(format!("/identities/{place}"))));
        let mut purposes = purposes.collect::<Result<Vec<Purpose>>>()?;
        purposes.sort();
        purposes.dedup();
        Ok(Self {
            id: fields.required_name("id")?,
            title: title(fields)?,
            mode: fields.name("mode")?.unwrap_or_default(),
            digest: fields.name("digest")?.unwrap_or_default(),
            tvs: fields.lines("tvs", MAX_ADDRESSES)?,
            tftp: fields.lines("tftp", MAX_ADDRESSES)?,
            identities: purposes,
        })
    }
}
