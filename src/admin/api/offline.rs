//! `/offline-requests`: what a CA elsewhere, which is offline, is to sign for devices, and what it signed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Caller;
use super::body::Body;
use super::json::{self, Fields};
use super::page::{self, Cursors, Page};
use super::problem::{Answer, Refusals};
use super::query::Query;
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::ca::profile::ProfileSet;
use crate::enrol::offline::records::OfflineRequestRecord;
use crate::enrol::offline::{self, Brought};
use crate::error::{Error, Kind, Result};
use crate::store::Stored;
use crate::x509::cert::Certificate;
use crate::x509::key::PublicKey;
use crate::x509::pem;

mod types;

pub use types::{OfflineCertificate, OfflineCertificates, OfflineOutcome, OfflineReport, OfflineRequest};

/// The bits of a leaf's key usage, the first the lowest.
const KEY_USAGES: [&str; 5] =
    ["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement"];
/// The most certificates of one request.
const MOST: usize = 100;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(bring))
}

/// Requests that wait for the CA elsewhere, oldest first.
#[utoipa::path(get, path = "/api/v1/offline-requests", tag = "devices",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Requests", body = Page<OfflineRequest>), Refusals))]
pub async fn list(State(state): Shared, caller: Caller, query: Query) -> Answer {
    caller.may(Permission::DevicesRead).await?;
    let mut query = query.only(&["limit", "cursor"])?;
    let cursors = Cursors::new(&caller.token.token_hash, "offline-requests");
    let limit = page::limit(query.take("limit").as_deref())?;
    let after = query.parsed("cursor", |c| cursors.open(c))?;
    let found = offline::waiting(&state.desk, limit, after).await?;
    let set = state.desk.profiles.current();
    let mut items = Vec::with_capacity(found.items.len());
    for Stored { value, .. } in &found.items {
        if offline::is_waiting(&state.desk, value).await? {
            items.extend(shown(&set, value)?);
        }
    }
    json::answer(StatusCode::OK, &Page { items, next: found.next.map(|place| cursors.seal(&place)) })
}

/// Takes in certificates of the CA elsewhere. Each is found by its key and held against its request; those that are
/// refused stop no others.
#[utoipa::path(post, path = "/api/v1/offline-requests/certificates", tag = "devices",
    request_body = OfflineCertificates,
    responses((status = 200, description = "What became of each", body = OfflineReport), Refusals))]
pub async fn bring(State(state): Shared, caller: Caller, body: Body) -> Answer {
    caller.may(Permission::DevicesWrite).await?;
    let OfflineCertificates { certificates } = body.json()?;
    let mut report = OfflineReport { taken: 0, unchanged: 0, refused: 0, items: Vec::new() };
    for OfflineCertificate { pem } in &certificates {
        let outcome = match read(pem) {
            Ok(certificate) => offline::bring(&state.desk, &certificate, caller.actor()).await,
            Err(fault) => Err(fault),
        };
        match outcome {
            Ok(brought) => report.note(&brought),
            Err(fault) if is_ours(&fault) => return Err(fault.into()),
            Err(fault) => report.note_refused(&fault),
        }
    }
    json::answer(StatusCode::OK, &report)
}

/// Whether a fault is not the certificate's.
fn is_ours(fault: &Error) -> bool {
    matches!(fault.kind(), Kind::Storage | Kind::Internal | Kind::Busy)
}

fn read(text: &str) -> Result<Certificate> {
    let one = || Error::invalid("offline-misfit", "each item is one certificate in PEM");
    let blocks = pem::decode_all(text.as_bytes(), 2).map_err(|e| one().because(e))?;
    match blocks.as_slice() {
        [(label, der)] if label == "CERTIFICATE" => Certificate::from_der(der),
        _ => Err(one()),
    }
}

/// None where the profile is gone: nothing can be signed by it, and the others are not to wait for that.
fn shown(set: &ProfileSet, record: &OfflineRequestRecord) -> Result<Option<OfflineRequest>> {
    let Ok(profile) = set.require(&record.profile) else {
        tracing::warn!(device = %record.device, profile = %record.profile, "waits, and its profile is gone");
        return Ok(None);
    };
    let key = PublicKey::from_spki(&record.spki)?;
    let usage = profile.key_usage(&key);
    let names = KEY_USAGES.iter().enumerate().filter(|(bit, _)| usage >> bit & 1 == 1);
    Ok(Some(OfflineRequest {
        operation: record.operation.to_string(),
        device: record.device.to_string(),
        profile: record.profile.to_string(),
        subject: record.subject.to_string(),
        sans: record.sans.iter().map(ToString::to_string).collect(),
        asked_at: record.asked.to_string(),
        key: key.kind().to_string(),
        key_usage: names.map(|(_, name)| (*name).to_owned()).collect(),
        extended_key_usage: profile.extended_key_usage().iter().map(ToString::to_string).collect(),
        public_key: pem::encode("PUBLIC KEY", &record.spki),
        request: STANDARD.encode(offline::request_message(profile, record)?),
    }))
}

impl OfflineReport {
    fn note(&mut self, brought: &Brought) {
        let (outcome, record) = match brought {
            Brought::Taken(record) => ("taken", record),
            Brought::Known(record) => ("unchanged", record),
        };
        self.taken += usize::from(outcome == "taken");
        self.unchanged += usize::from(outcome == "unchanged");
        let device = Some(record.device.to_string());
        self.items.push(OfflineOutcome { outcome: outcome.to_owned(), device, code: None, detail: None });
    }

    fn note_refused(&mut self, fault: &Error) {
        self.refused += 1;
        let (code, detail) = (Some(fault.code().to_owned()), Some(fault.detail().to_owned()));
        self.items.push(OfflineOutcome { outcome: "refused".to_owned(), device: None, code, detail });
    }
}

impl json::Body for OfflineCertificates {
    const FIELDS: &'static [&'static str] = &["certificates"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let items = fields.objects("certificates", MOST, &["pem"])?;
        if items.is_empty() {
            return Err(fields.missing("certificates"));
        }
        let read = |mut item: Fields<'_>| Ok(OfflineCertificate { pem: item.required_pem("pem")? });
        Ok(Self { certificates: items.into_iter().map(read).collect::<Result<_>>()? })
    }
}
