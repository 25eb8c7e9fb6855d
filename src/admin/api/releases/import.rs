//! A list of a running cluster, brought in.

use axum::extract::State;
use axum::http::StatusCode;

use super::{ImportedList, NewImport, described, place};
use crate::admin::api::anchors;
use crate::admin::api::auth::Caller;
use crate::admin::api::body::BatchBody;
use crate::admin::api::clusters::{cautions, known};
use crate::admin::api::json::{self, Fields};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::tokens::located;
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::error::Result;
use crate::trust::{cluster, release};
use crate::x509::pem;

/// Takes a CTL or ITL of a running cluster over: its certificates become anchors, and the file itself a release, for it
/// is what phones hold.
#[utoipa::path(post, path = "/api/v1/clusters/{id}/import", tag = "trust", request_body = NewImport,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "What was taken over", body = ImportedList), Refusals))]
pub async fn import(
    State(state): Shared,
    caller: Caller,
    Named(id): Named,
    BatchBody(body): BatchBody,
) -> Answer {
    // It brings anchors, and phones are served it from now on.
    caller.may(Permission::TrustWrite).await?;
    caller.may(Permission::TrustPublish).await?;
    let (id, Draft(file)) = (known(&id)?, body.json()?);
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            let done = release::import(authority, &id, &file, caller.actor()).await?;
            let signer = cluster::require(&authority.db, &id).await?.value.signer;
            let anchors = done.anchors.iter().map(|anchor| anchors::described(anchor, &signer, state.now()));
            let answer = ImportedList {
                release: described(&done.release),
                anchors: anchors.collect::<Result<_>>()?,
                warnings: cautions(done.warnings),
            };
            located(json::answer(StatusCode::CREATED, &answer)?, &place(&id, &done.release))
        })
        .await
    })
    .await
}

pub(super) fn reads(body: &[u8]) -> bool {
    json::read::<Draft>(body).is_ok()
}

/// A [`NewImport`] as it was read.
struct Draft(Vec<u8>);

impl json::Body for Draft {
    const FIELDS: &'static [&'static str] = &["file"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let text = fields.required_pem("file")?;
        pem::decode_base64(text.as_bytes()).map(Self).map_err(|e| fields.at("file", e))
    }
}
