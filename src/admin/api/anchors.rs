//! `/clusters/{id}/anchors`: the certificates that a cluster trusts, and for what.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Caller;
use super::body::Body;
use super::clusters::{cautions, known};
use super::json::{self, Fields};
use super::page::Page;
use super::path::{Named, Names};
use super::problem::{Answer, Refusals};
use super::query::Query;
use super::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::trust::anchor::{self, Changed};
use crate::trust::cluster;
use crate::trust::records::{AnchorRecord, Source};
use crate::trust::role::Role;

mod add;
mod types;

pub use types::{Anchor, AnchorRoles, ChangedAnchors, NewAnchor};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list, add::add))
        .routes(routes!(show, remove))
        .routes(routes!(set_roles))
}

/// The anchors of a cluster.
#[utoipa::path(get, path = "/api/v1/clusters/{id}/anchors", tag = "trust", params(("id" = String, Path)),
    responses((status = 200, description = "Anchors", body = Page<Anchor>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, Named(id): Named, query: Query) -> Answer {
    caller.may(Permission::TrustRead).await?;
    query.only(&["limit", "cursor"])?;
    let (db, id) = (&state.desk.authority.db, known(&id)?);
    let signer = cluster::require(db, &id).await?.value.signer;
    let anchors = anchor::of(db, &id).await?;
    let items =
        anchors.iter().map(|anchor| described(anchor, &signer, state.now())).collect::<Result<_>>()?;
    json::answer(StatusCode::OK, &Page::<Anchor>::whole(items))
}

/// One anchor, with its certificate.
#[utoipa::path(get, path = "/api/v1/clusters/{id}/anchors/{sha256}", tag = "trust",
    params(("id" = String, Path), ("sha256" = String, Path)),
    responses((status = 200, description = "The anchor", body = Anchor), Refusals))]
pub async fn show(
    State(state): Shared,
    caller: Caller,
    Names((id, sha256)): Names<(String, String)>,
) -> Answer {
    caller.may(Permission::TrustRead).await?;
    let (db, id) = (&state.desk.authority.db, known(&id)?);
    let signer = cluster::require(db, &id).await?.value.signer;
    let record = anchor::require(db, &id, &named(&sha256)?).await?.value;
    let told = described(&record, &signer, state.now())?;
    json::answer(StatusCode::OK, &Anchor { pem: Some(record.read()?.pem()), ..told })
}

/// Gives an anchor other roles.
#[utoipa::path(post, path = "/api/v1/clusters/{id}/anchors/{sha256}/roles", tag = "trust",
    request_body = AnchorRoles,
    params(("id" = String, Path), ("sha256" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The anchor", body = ChangedAnchors), Refusals))]
pub async fn set_roles(
    State(state): Shared,
    caller: Caller,
    Names((id, sha256)): Names<(String, String)>,
    body: Body,
) -> Answer {
    caller.may(Permission::TrustWrite).await?;
    let (id, sha256, Roles(roles)) = (known(&id)?, named(&sha256)?, body.json()?);
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            let changed = anchor::set_roles(authority, &id, &sha256, roles, caller.actor()).await?;
            answered(&state, changed, StatusCode::OK).await
        })
        .await
    })
    .await
}

/// Takes an anchor out of a cluster: the next lists lack it.
#[utoipa::path(delete, path = "/api/v1/clusters/{id}/anchors/{sha256}", tag = "trust",
    params(("id" = String, Path), ("sha256" = String, Path)),
    responses((status = 200, description = "The anchor that went", body = ChangedAnchors), Refusals))]
pub async fn remove(
    State(state): Shared,
    caller: Caller,
    Names((id, sha256)): Names<(String, String)>,
) -> Answer {
    caller.may(Permission::TrustWrite).await?;
    let (id, sha256) = (known(&id)?, named(&sha256)?);
    idempotency::detached(async move {
        let changed = anchor::remove(&state.desk.authority, &id, &sha256, caller.actor()).await?;
        answered(&state, changed, StatusCode::OK).await
    })
    .await
}

/// Reads the bodies of this resource, and forgets them: for the fuzzer.
pub fn read_any(body: &[u8]) {
    let _outcomes = (add::reads(body), json::read::<Roles>(body).is_ok());
}

/// A SHA-256 in hexadecimal, with or without colons. Errors: `invalid-fingerprint`.
pub(super) fn fingerprint(text: &str) -> Result<[u8; 32]> {
    let bad =
        || Error::invalid("invalid-fingerprint", "a SHA-256 is 64 hexadecimal digits, as the list shows it");
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b':').collect();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(bad());
    }
    let mut found = [0; 32];
    for (byte, pair) in found.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
    }
    Ok(found)
}

/// In a path, what is no fingerprint names nothing.
fn named(sha256: &str) -> Result<[u8; 32]> {
    fingerprint(sha256).map_err(|_| Error::not_found("anchor", "of that SHA-256"))
}

/// What changed, and what it would bring about.
async fn answered(state: &Service, changed: Changed, status: StatusCode) -> Answer {
    let (db, now) = (&state.desk.authority.db, state.now());
    let mut items = Vec::new();
    for record in &changed.anchors {
        let signer = cluster::require(db, &record.cluster).await?.value.signer;
        items.push(described(record, &signer, now)?);
    }
    json::answer(status, &ChangedAnchors { items, warnings: cautions(changed.warnings) })
}

pub(super) fn described(record: &AnchorRecord, signer: &[u8; 32], now: Timestamp) -> Result<Anchor> {
    let certificate = record.read()?;
    let (source, name) = match &record.source {
        Source::Recovery { .. } => ("recovery", None),
        Source::Authority { ca } => ("ca", Some(ca.to_string())),
        Source::Identity { name, .. } => ("identity", Some(name.clone())),
        Source::Imported { from } => ("imported", Some(from.clone())),
    };
    Ok(Anchor {
        sha256: json::hex(&record.fingerprint),
        cluster: record.cluster.to_string(),
        roles: record.roles.iter().map(Role::to_string).collect(),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: certificate.serial().to_string(),
        not_before: certificate.not_before().to_string(),
        not_after: certificate.not_after().to_string(),
        key: certificate.public_key().map_or_else(|_| "other".to_owned(), |key| key.kind().to_string()),
        state: if certificate.is_valid_at(now) { "valid" } else { "expired" }.to_owned(),
        source: source.to_owned(),
        source_name: name,
        has_key: record.source.key().is_some(),
        signs: record.fingerprint == *signer,
        dns_name: record.dns_name.clone(),
        address: record.address.map(|address| address.to_string()),
        added: record.added.to_string(),
        added_by: record.added_by.clone(),
        pem: None,
    })
}

/// Roles as they were read: none twice.
fn roles(fields: &mut Fields<'_>) -> Result<BTreeSet<Role>> {
    let words = fields.lines("roles", Role::ALL.len())?;
    let each = words.iter().enumerate();
    each.map(|(place, word)| word.parse().map_err(|e: Error| e.at(format!("/roles/{place}")))).collect()
}

/// An [`AnchorRoles`] as it was read.
struct Roles(BTreeSet<Role>);

impl json::Body for Roles {
    const FIELDS: &'static [&'static str] = &["roles"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        roles(fields).map(Self)
    }
}
