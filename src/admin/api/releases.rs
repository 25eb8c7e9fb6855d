//! `/clusters/{id}/releases`: lists that are published, or were.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Caller;
use super::clusters::known;
use super::json;
use super::page::{self, Cursors, Page};
use super::path::{Named, Names};
use super::problem::{Answer, Refusals};
use super::query::Query;
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::trust::list::List;
use crate::trust::records::{ListKind, ReleaseRecord};
use crate::trust::release;

mod import;
mod publish;
mod types;

pub use types::{
    Difference, ImportedList, NewImport, Publication, PublishedList, Publishing, Release, ReleaseMember,
};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list, publish::publish))
        .routes(routes!(import::import))
        .routes(routes!(show))
        .routes(routes!(download))
        .routes(routes!(compare))
}

/// The releases of a cluster, newest first, of one list or of both.
#[utoipa::path(get, path = "/api/v1/clusters/{id}/releases", tag = "trust",
    params(("id" = String, Path), ("list" = Option<String>, Query, description = "ctl or itl"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Releases", body = Page<Release>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, Named(id): Named, query: Query) -> Answer {
    caller.may(Permission::TrustRead).await?;
    let id = known(&id)?;
    let mut query = query.only(&["list", "limit", "cursor"])?;
    let kind = query.parsed("list", str::parse::<ListKind>)?;
    let cursors = Cursors::new(&caller.token.token_hash, &format!("releases {id} {kind:?}"));
    let limit = page::limit(query.take("limit").as_deref())?;
    let after = query.parsed("cursor", |c| cursors.open(c))?;
    let scan = ReleaseRecord::scan(&id, kind).backward().limit(limit).after(after);
    let found = state.desk.authority.db.scan::<ReleaseRecord>(scan).await?;
    let items = found.items.iter().map(|stored| described(&stored.value)).collect();
    json::answer(StatusCode::OK, &Page { items, next: found.next.map(|place| cursors.seal(&place)) })
}

/// One release, with what stands in it.
#[utoipa::path(get, path = "/api/v1/clusters/{id}/releases/{list}/{number}", tag = "trust",
    params(("id" = String, Path), ("list" = String, Path), ("number" = String, Path, description = "or `current`")),
    responses((status = 200, description = "The release", body = Release), Refusals))]
pub async fn show(
    State(state): Shared,
    caller: Caller,
    Names(names): Names<(String, String, String)>,
) -> Answer {
    caller.may(Permission::TrustRead).await?;
    let release = named(&state, names).await?;
    let members = Some(members(&release)?);
    json::answer(StatusCode::OK, &Release { members, ..described(&release) })
}

/// A release's file, as phones fetch it.
#[utoipa::path(get, path = "/api/v1/clusters/{id}/releases/{list}/{number}/file", tag = "trust",
    params(("id" = String, Path), ("list" = String, Path), ("number" = String, Path, description = "or `current`")),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        Refusals))]
pub async fn download(
    State(state): Shared,
    caller: Caller,
    Names(names): Names<(String, String, String)>,
) -> Answer {
    caller.may(Permission::TrustRead).await?;
    let release = named(&state, names).await?;
    Ok(json::of_bytes(StatusCode::OK, "application/octet-stream", release.file))
}

/// What changed since an earlier release, in words.
#[utoipa::path(get, path = "/api/v1/clusters/{id}/releases/{list}/{number}/changes", tag = "trust",
    params(("id" = String, Path), ("list" = String, Path), ("number" = String, Path, description = "or `current`"),
        ("since" = Option<u32>, Query, description = "the release before without it")),
    responses((status = 200, description = "The changes", body = Difference), Refusals))]
pub async fn compare(
    State(state): Shared,
    caller: Caller,
    Names(names): Names<(String, String, String)>,
    query: Query,
) -> Answer {
    caller.may(Permission::TrustRead).await?;
    let since = query.only(&["since"])?.parsed("since", number)?;
    let new = named(&state, names).await?;
    let since = since.unwrap_or(new.number.saturating_sub(1));
    let old = release::require(&state.desk.authority.db, &new.cluster, new.kind, since).await?;
    let answer = Difference {
        list: new.kind.to_string(),
        since: old.number,
        number: new.number,
        changes: release::difference(&old, &new)?,
    };
    json::answer(StatusCode::OK, &answer)
}

/// Reads the bodies of this resource, and forgets them: for the fuzzer.
pub fn read_any(body: &[u8]) {
    let _outcomes = (publish::reads(body), import::reads(body));
}

async fn named(state: &Service, (id, list, which): (String, String, String)) -> Result<ReleaseRecord> {
    let db = &state.desk.authority.db;
    let (id, kind) = (known(&id)?, list.parse().map_err(|_| nothing(&id, &list))?);
    if which == "current" {
        return release::current(db, &id, kind).await?.ok_or_else(|| nothing(id.as_str(), kind.as_str()));
    }
    let number = number(&which).map_err(|_| nothing(id.as_str(), kind.as_str()))?;
    release::require(db, &id, kind, number).await
}

fn number(text: &str) -> Result<u32> {
    let bad = || Error::invalid("invalid-release", "a release is a number from 1, as the list shows it");
    text.parse().ok().filter(|number| *number > 0).ok_or_else(bad)
}

fn nothing(id: &str, list: &str) -> Error {
    Error::not_found("release", format!("of the {list:.16} of {id:.64}, or not of that number"))
}

pub(super) fn described(release: &ReleaseRecord) -> Release {
    Release {
        cluster: release.cluster.to_string(),
        list: release.kind.to_string(),
        number: release.number,
        certificates: release.members.len() as u64,
        bytes: release.file.len() as u64,
        file_sha256: json::lower_hex(&release.file_hash),
        file_sha512: json::lower_hex(
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, &release.file).as_ref(),
        ),
        signer_sha256: json::hex(&release.signer),
        published: release.at.to_string(),
        published_by: release.by.clone(),
        members: None,
    }
}

/// What stands in a release, certificate by certificate, as the list itself says it.
fn members(release: &ReleaseRecord) -> Result<Vec<ReleaseMember>> {
    let list = List::parse(&release.file)?;
    let certificates: Vec<_> = list.entries().iter().filter_map(|entry| entry.certificate()).collect();
    let told = release.members.iter().map(|member| {
        let certificate =
            certificates.iter().find(|certificate| certificate.fingerprint() == member.fingerprint);
        ReleaseMember {
            sha256: json::hex(&member.fingerprint),
            roles: member.roles.iter().map(ToString::to_string).collect(),
            subject: certificate.map(|certificate| certificate.subject().to_string()),
            serial: certificate.map(|certificate| certificate.serial().to_string()),
            not_after: certificate.map(|certificate| certificate.not_after().to_string()),
        }
    });
    Ok(told.collect())
}

/// The location of a release.
fn place(id: &ClusterId, release: &ReleaseRecord) -> String {
    format!("/api/v1/clusters/{id}/releases/{}/{}", release.kind, release.number)
}
