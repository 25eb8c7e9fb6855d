//! `POST /certificates/reimport`: certificates that were issued after the backup which was restored.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Certificate, Reimport, shown};
use crate::admin::api::Shared;
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::roles::Permission;
use crate::ca::import::{Reimported, reimport};
use crate::error::{Error, Kind, Result};
use crate::id::ProfileId;
use crate::x509::csr::{Csr, Leniency};
use crate::x509::pem;

/// Takes a certificate of ours that is not known here, because it was issued after the backup that was restored, into the
/// records again. A PKCS#10 request signed by its key is the proof that its holder asks. If a CRL lists it, it comes in as
/// revoked. One that is here already is answered with 200.
#[utoipa::path(post, path = "/api/v1/certificates/reimport", operation_id = "reimport_certificate", tag = "certificates",
    request_body = Reimport,
    responses((status = 201, description = "It was taken in", body = Certificate),
        (status = 200, description = "It was here already", body = Certificate), Refusals))]
pub async fn create(State(state): Shared, caller: Caller, body: Body) -> Answer<Response> {
    caller.may(Permission::CasImport).await?;
    let asked: Reimport = body.json()?;
    let der = certificate(&asked.certificate)?;
    let csr =
        state.desk.authority.pool.run(move || Csr::read(asked.csr.as_bytes(), Leniency::Strict)).await??;
    let profile = asked.profile.map(|name| {
        name.parse::<ProfileId>().and_then(|id| state.desk.profiles.current().require(&id).cloned())
    });
    let profile =
        profile.transpose().map_err(|e| Error::invalid("unknown-profile", e.detail()).at("/profile"))?;
    let done = reimport(&state.desk.authority, &der, &csr, profile, caller.actor()).await.map_err(inner)?;
    let Reimported { record, known } = done;
    let status = if known { StatusCode::OK } else { StatusCode::CREATED };
    json::answer(status, &shown(&record, state.now())?)
}

impl json::Body for Reimport {
    const FIELDS: &'static [&'static str] = &["certificate", "csr", "profile"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let certificate = fields.required_pem("certificate")?;
        let csr = fields.required_pem("csr")?;
        let profile: Option<ProfileId> = fields.name("profile")?;
        Ok(Self { certificate, csr, profile: profile.map(Into::into) })
    }
}

fn certificate(text: &str) -> Result<Vec<u8>> {
    let bad = |detail: &str| Error::invalid("bad-pem", detail.to_owned()).at("/certificate");
    let blocks = pem::decode_all(text.as_bytes(), 1).map_err(|e| bad(e.detail()))?;
    match <[_; 1]>::try_from(blocks) {
        Ok([(label, der)]) if label == "CERTIFICATE" => Ok(der),
        _ => Err(bad("exactly one certificate is expected")),
    }
}

/// The body was read; what stands in it was not, or is not ours.
fn inner(e: Error) -> Error {
    let field = match e.code() {
        "bad-certificate" | "foreign-certificate" | "ca-certificate" => "/certificate",
        "key-mismatch" => "/csr",
        _ => return e,
    };
    match e.kind() {
        Kind::Malformed => Error::invalid(e.code(), e.detail()).at(field),
        _ => e.at(field),
    }
}
