//! What of a cluster changes.

use axum::extract::State;
use axum::http::StatusCode;

use super::create::title;
use super::{Cluster, ClusterSettings, known, once, shown};
use crate::admin::api::Shared;
use crate::admin::api::anchors::fingerprint;
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::roles::Permission;
use crate::error::{Error, Result};
use crate::trust::cluster::{self, Settings, Signer};

const MAX_ADDRESSES: usize = 16;

/// Changes a cluster: what phones hold changes with the next release.
#[utoipa::path(post, path = "/api/v1/clusters/{id}/settings", tag = "trust", request_body = ClusterSettings,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The cluster", body = Cluster), Refusals))]
pub async fn set(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::TrustWrite).await?;
    let (id, Draft(settings)) = (known(&id)?, body.json()?);
    let (service, actor) = (state.clone(), caller.actor());
    once(state, caller, body, async move {
        let (_, warnings) = cluster::set(&service.desk.authority, &id, settings, actor).await?;
        shown(&service, StatusCode::OK, &id, warnings).await
    })
    .await
}

pub(super) fn reads(body: &[u8]) -> bool {
    json::read::<Draft>(body).is_ok()
}

/// A [`ClusterSettings`] as it was read.
struct Draft(Settings);

impl json::Body for Draft {
    const FIELDS: &'static [&'static str] =
        &["title", "mode", "digest", "signer", "signer_version", "tvs", "tftp"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self(Settings {
            title: title(fields)?,
            mode: fields.name("mode")?,
            digest: fields.name("digest")?,
            signer: fields.parsed("signer", signer)?,
            signer_version: fields.parsed("signer_version", version)?,
            tvs: addresses(fields, "tvs")?,
            tftp: addresses(fields, "tftp")?,
        }))
    }
}

fn signer(word: &str) -> Result<Signer> {
    match word {
        "recovery" => Ok(Signer::Recovery),
        other => fingerprint(other).map(Signer::Anchor),
    }
}

fn version(word: &str) -> Result<Option<(u8, u8)>> {
    match word {
        "1.0" => Ok(Some((1, 0))),
        "1.1" => Ok(Some((1, 1))),
        "none" => Ok(None),
        _ => Err(Error::invalid("invalid-signer-version", "a signer version is 1.0, 1.1 or none")),
    }
}

/// The addresses that are to stand; none if nothing is said of them.
fn addresses(fields: &mut Fields<'_>, name: &str) -> Result<Option<Vec<String>>> {
    let given = fields.lines(name, MAX_ADDRESSES)?;
    match given.as_slice() {
        [] => Ok(None),
        [only] if only.is_empty() => Ok(Some(Vec::new())),
        _ => Ok(Some(given)),
    }
}
