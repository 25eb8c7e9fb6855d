//! `/certificates`: issue, find, show; revoke in a file of its own.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Caller;
use super::json;
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::query::Query;
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::ca::records::serials::Reference;
use crate::ca::records::{CertificateRecord, Status};
use crate::ca::renewal::list::{Counts, Found, counts};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::x509::cert;

pub mod batch;
mod filter;
mod formats;
mod issue;
mod reimport;
mod renewals;
pub mod revoke;
mod search;
mod types;
mod words;

pub use filter::Filter;
pub use revoke::{BulkRevocation, RevocationOutcome, RevocationReport, Revoke, Selected, how};
pub use types::{
    BatchItem, BatchOutcome, BatchReport, Certificate, IssuedCertificate, NewBatch, NewCertificate, Reimport,
    Renew, RenewalSummary, Waiting,
};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(search::list, issue::create))
        .routes(routes!(batch::create))
        .routes(routes!(reimport::create))
        .routes(routes!(issue::renew))
        .routes(routes!(summary))
        .routes(routes!(renewals::create))
        .routes(routes!(show))
        .routes(routes!(download))
        .routes(routes!(revoke::withdraw))
        .routes(routes!(revoke::release))
        .routes(routes!(revoke::bulk::revoke))
}

/// How many certificates are due, late or vanished.
#[utoipa::path(get, path = "/api/v1/certificates/summary", tag = "certificates",
    responses((status = 200, description = "How many", body = RenewalSummary), Refusals))]
pub async fn summary(State(state): Shared, caller: Caller) -> Answer {
    caller.may(Permission::CertificatesRead).await?;
    let Counts { due, late, vanished } = counts(&state.desk.authority.db, state.now()).await?;
    json::answer(StatusCode::OK, &RenewalSummary { due, late, vanished })
}

/// One certificate.
#[utoipa::path(get, path = "/api/v1/certificates/{serial}", tag = "certificates", params(("serial" = String, Path)),
    responses((status = 200, description = "The certificate", body = Certificate), Refusals))]
pub async fn show(State(state): Shared, caller: Caller, Named(serial): Named) -> Answer {
    caller.may(Permission::CertificatesRead).await?;
    let record = find(&state, &serial).await?;
    json::answer(StatusCode::OK, &shown(&record, state.now())?)
}

/// One certificate as a file: `pem` and `der` hold it alone, `chain` (PEM) and `p7b` with the chain above it.
#[utoipa::path(get, path = "/api/v1/certificates/{serial}/download", tag = "certificates",
    params(("serial" = String, Path), ("format" = Option<String>, Query)),
    responses((status = 200, description = "The file", content_type = "application/x-pem-file"), Refusals))]
pub async fn download(State(state): Shared, caller: Caller, Named(serial): Named, query: Query) -> Answer {
    caller.may(Permission::CertificatesRead).await?;
    let format = query.only(&["format"])?.take("format");
    let record = find(&state, &serial).await?;
    Ok(file(&state, &record, format.as_deref().unwrap_or("pem"))?)
}

/// What the API says of a record, without what takes reading its DER.
pub fn listed(record: &CertificateRecord, now: Timestamp) -> Certificate {
    let (status, revoked_at, reason, invalidity) = match record.status {
        Status::Revoked { at, reason, invalidity } => {
            ("revoked", Some(at.to_string()), Some(reason.as_str().to_owned()), invalidity)
        }
        Status::Good if record.not_after < now => ("expired", None, None, None),
        Status::Good => ("good", None, None, None),
    };
    Certificate {
        serial: record.serial.to_string(),
        id: record.id.to_string(),
        profile: record.profile.to_string(),
        ca: record.ca.to_string(),
        subject: record.subject.to_string(),
        sans: record.sans.iter().map(ToString::to_string).collect(),
        device: record.device.clone(),
        status: status.to_owned(),
        revoked_at,
        reason,
        not_before: record.not_before.to_string(),
        not_after: record.not_after.to_string(),
        issued_at: record.id.made_at().to_string(),
        invalidity_date: invalidity.map(|at| at.to_string()),
        requester: record.requester.clone(),
        renews: record.renews.as_ref().map(ToString::to_string),
        renewal: None,
        due_at: None,
        late_at: None,
        fingerprint_sha256: json::hex(&record.fingerprint),
        key_algorithm: None,
        pem: None,
    }
}

/// What the API says of a certificate that is to be renewed.
pub fn to_be_renewed(found: &Found, now: Timestamp) -> Certificate {
    Certificate {
        renewal: Some(found.state.as_str().to_owned()),
        due_at: Some(found.renewal.due.to_string()),
        late_at: Some(found.renewal.late.to_string()),
        ..listed(&found.certificate, now)
    }
}

/// All that the API says of one certificate.
pub fn shown(record: &CertificateRecord, now: Timestamp) -> Result<Certificate> {
    let certificate = cert::Certificate::from_der(&record.der)?;
    certificate.allow_rsa_1024();
    // What moved in may have a key that we would not certify.
    let kind = certificate.public_key().ok().map(|key| key.kind());
    Ok(Certificate {
        key_algorithm: kind.map(|kind| kind.to_string()),
        pem: Some(certificate.pem()),
        ..listed(record, now)
    })
}

/// The record with that serial number. Errors: `not-found`, also for what is no serial number; `serial-ambiguous`.
pub(super) async fn find(state: &Service, serial: &str) -> Result<CertificateRecord> {
    Ok(known(serial)?.find(&state.desk.authority.db).await?.value)
}

fn known(serial: &str) -> Result<Reference> {
    serial.parse().map_err(|_| Error::not_found("certificate", "of that serial number"))
}

fn file(state: &Service, record: &CertificateRecord, format: &str) -> Result<Response> {
    let chain = || -> Result<Vec<Vec<u8>>> {
        let hierarchy = state.desk.authority.hierarchy();
        let ca = hierarchy.require(&record.ca)?;
        Ok(ca.chain.iter().map(|c| c.der().to_vec()).collect())
    };
    match format {
        "pem" => formats::pem(StatusCode::OK, &record.der, &[]),
        "der" => formats::der(StatusCode::OK, &record.der),
        "chain" => formats::pem(StatusCode::OK, &record.der, &chain()?),
        "p7b" => formats::pkcs7(StatusCode::OK, &record.der, &chain()?),
        _ => Err(Error::invalid("invalid-format", "format is one of pem, der, chain, p7b")),
    }
}
