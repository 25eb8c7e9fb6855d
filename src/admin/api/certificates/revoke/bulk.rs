//! `POST /certificates/revoke`: many at once, each on its own.

use axum::extract::State;
use axum::http::StatusCode;

use super::selection::{Chosen, Selection};
use super::types::{BulkRevocation, RevocationOutcome, RevocationReport};
use super::{how, may_name_own};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::BatchBody;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::ca::records::CertificateRecord;
use crate::ca::revoke::Revocation;
use crate::ca::revoke::bulk::{Fate, rehearse_all, revoke_all};
use crate::error::{Error, Result};
use crate::store::Stored;

/// Revokes up to 1,000 certificates: those that are named, or those that a filter finds, page by page. Each is decided
/// on its own: one that is refused stops no other. It is safe to repeat: what was done is then `known`. A filter never
/// leads to certificates of Signet's own.
#[utoipa::path(post, path = "/api/v1/certificates/revoke", operation_id = "revoke_many", tag = "certificates",
    request_body = BulkRevocation,
    responses((status = 200, description = "What became of each", body = RevocationReport), Refusals))]
pub async fn revoke(State(state): Shared, caller: Caller, BatchBody(body): BatchBody) -> Answer {
    caller.may(Permission::CertificatesRevoke).await?;
    let Asked { how, dry_run, selection } = body.json()?;
    may_name_own(&caller, &how).await?;
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        let (chosen, next) = selection.resolve(authority, &caller).await?;
        let (mut report, certificates) = begun(chosen, dry_run);
        let fates = if dry_run {
            rehearse_all(authority, &certificates, &how, &caller.actor())
        } else {
            revoke_all(authority, certificates, how, &caller.actor()).await?
        };
        report.next = next;
        settle(&mut report, fates);
        json::answer(StatusCode::OK, &report)
    })
    .await
}

/// What is said of each, and the certificates of those that there are.
fn begun(chosen: Vec<Chosen>, dry_run: bool) -> (RevocationReport, Vec<Stored<CertificateRecord>>) {
    let (mut items, mut certificates) = (Vec::with_capacity(chosen.len()), Vec::with_capacity(chosen.len()));
    for Chosen { name, certificate } in chosen {
        match certificate {
            Ok(stored) => {
                items.push(of_certificate(name, &stored.value));
                certificates.push(stored);
            }
            Err(error) => {
                let mut item = RevocationOutcome { name, ..RevocationOutcome::default() };
                item.refuse(&error);
                items.push(item);
            }
        }
    }
    (RevocationReport { dry_run, revoked: 0, known: 0, refused: 0, items, next: None }, certificates)
}

/// Enters the fates, in order, where there is a certificate, and counts.
fn settle(report: &mut RevocationReport, fates: Vec<Fate>) {
    let revoked = if report.dry_run { "would-be-revoked" } else { "revoked" };
    let open = report.items.iter_mut().filter(|item| item.outcome.is_empty());
    for (item, fate) in open.zip(fates) {
        match fate {
            Fate::Revoked => revoked.clone_into(&mut item.outcome),
            Fate::Known => KNOWN.clone_into(&mut item.outcome),
            Fate::Refused(error) => item.refuse(&error),
        }
    }
    let count = |outcome: &str| report.items.iter().filter(|item| item.outcome == outcome).count();
    (report.revoked, report.known, report.refused) = (count(revoked), count(KNOWN), count(REFUSED));
}

const KNOWN: &str = "known";
const REFUSED: &str = "refused";

fn of_certificate(name: Option<String>, record: &CertificateRecord) -> RevocationOutcome {
    RevocationOutcome {
        name,
        serial: Some(record.serial.to_string()),
        ca: Some(record.ca.to_string()),
        subject: Some(record.subject.to_string()),
        device: record.device.clone(),
        profile: Some(record.profile.to_string()),
        not_after: Some(record.not_after.to_string()),
        ..RevocationOutcome::default()
    }
}

impl RevocationOutcome {
    fn refuse(&mut self, error: &Error) {
        REFUSED.clone_into(&mut self.outcome);
        self.code = Some(error.code().to_owned());
        self.detail = Some(error.detail().to_owned());
    }
}

/// A [`BulkRevocation`] as it was read.
struct Asked {
    how: Revocation,
    dry_run: bool,
    selection: Selection,
}

impl json::Body for Asked {
    const FIELDS: &'static [&'static str] =
        &["reason", "date", "invalidity_date", "dry_run", "certificates", "own", "filter", "limit", "cursor"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let selection = Selection::read(fields)?;
        let own = fields.flag("own")?;
        if own && matches!(selection, Selection::Found(_)) {
            let text = "certificates of Signet's own are named by their serial numbers, never by a filter";
            return Err(fields.at("own", Error::invalid("invalid-selection", text)));
        }
        Ok(Self { how: Revocation { own, ..how(fields)? }, dry_run: fields.flag("dry_run")?, selection })
    }
}

pub(super) fn reads(body: &[u8]) -> bool {
    json::read::<Asked>(body).is_ok()
}
