//! `POST /certificates`: PKCS#10 in; JSON, PEM, DER or PKCS#7 out.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::{IssuedCertificate, NewCertificate, Renew, Waiting, find, formats};
use crate::admin::api::Shared;
use crate::admin::api::auth::Caller;
use crate::admin::api::body::{Body, Media};
use crate::admin::api::idempotency::{Claim, claim};
use crate::admin::api::json::{self, Fields, rules};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::query::Query;
use crate::admin::api::tokens::located;
use crate::admin::records::Kept;
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::ca::Issued;
use crate::ca::records::CertificateRecord;
use crate::clock::Timestamp;
use crate::enrol::refused::{self, Protocol, Received};
use crate::enrol::{self, Desk, Outcome, Proof, Request, Transaction};
use crate::error::{Error, Result};
use crate::id::ProfileId;
use crate::store::Unit;
use crate::x509::csr::{self, Csr, Leniency};

/// Issues a certificate for a PKCS#10 request, in JSON or bare (`application/pkcs10` with `?profile=`).
/// `Accept` chooses the answer's form: JSON, `application/x-pem-file`, `application/pkix-cert` or
/// `application/pkcs7-mime`. A repeated Idempotency-Key answers with the same certificate.
#[utoipa::path(post, path = "/api/v1/certificates", tag = "certificates", request_body = NewCertificate,
    params(("profile" = Option<String>, Query), ("not_after" = Option<String>, Query),
        ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The certificate", body = IssuedCertificate),
        (status = 202, description = "An operator must decide", body = Waiting), Refusals))]
pub async fn create(State(state): Shared, caller: Caller, query: Query, head: Head, body: Body) -> Answer {
    caller.may(Permission::CertificatesIssue).await?;
    let wanted = wanted(&body, query)?;
    issue(&state, &caller, &body, wanted, head).await
}

/// Renews a certificate: by its profile, for the same subject and names, with the key of this PKCS#10 request.
/// The old one stays valid.
#[utoipa::path(post, path = "/api/v1/certificates/{serial}/renew", tag = "certificates", request_body = Renew,
    params(("serial" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The certificate", body = IssuedCertificate),
        (status = 202, description = "An operator must decide", body = Waiting), Refusals))]
pub async fn renew(
    State(state): Shared,
    caller: Caller,
    Named(serial): Named,
    head: Head,
    body: Body,
) -> Answer {
    caller.may(Permission::CertificatesIssue).await?;
    let new: Renew = body.json()?;
    let old = find(&state, &serial).await?;
    let wanted = Wanted {
        profile: old.profile.clone(),
        csr: new.csr.into_bytes(),
        not_after: moment(new.not_after.as_deref())?,
        renews: Some(Box::new(old)),
    };
    issue(&state, &caller, &body, wanted, head).await
}

async fn issue(state: &Service, caller: &Caller, body: &Body, wanted: Wanted, head: Head) -> Answer {
    let _attended = state.desk.authority.pool.attend();
    let claim = claim(state.now(), caller, body, Kept::Enrolment);
    let alongside = Claim::alongside(claim.as_ref(), &state.desk.authority.db).await?;
    let transaction = transaction(caller, body, claim.as_ref());
    let asked = Asking { wanted, transaction, alongside, user_agent: head.user_agent };
    answer(&state.desk, enrolled(&state.desk, caller, asked).await?, head.form)
}

/// One request, and what comes with it.
pub(super) struct Asking {
    pub wanted: Wanted,
    pub transaction: Option<Transaction>,
    /// Written in the same commit as the certificate.
    pub alongside: Unit,
    pub user_agent: Option<String>,
}

/// Reads and decides a request; a refused one is kept.
pub(super) async fn enrolled(desk: &Desk, caller: &Caller, asking: Asking) -> Result<Outcome> {
    let Asking { wanted, transaction, alongside, user_agent } = asking;
    let received = Received::new(Protocol::Api, wanted.csr.clone()).by(user_agent, false);
    let request = request(desk, wanted, caller, transaction, &received).await?;
    enrol::enrol_received(desk, request, alongside, Some(&received)).await
}

/// What one request wants, still to be read.
pub(super) struct Wanted {
    pub profile: ProfileId,
    pub csr: Vec<u8>,
    pub not_after: Option<Timestamp>,
    pub renews: Option<Box<CertificateRecord>>,
}

impl json::Body for NewCertificate {
    const FIELDS: &'static [&'static str] = &["profile", "csr", "not_after"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let profile: ProfileId = fields.required_name("profile")?;
        let csr = fields.required_pem("csr")?;
        Ok(Self { profile: profile.into(), csr, not_after: fields.line("not_after")? })
    }
}

impl json::Body for Renew {
    const FIELDS: &'static [&'static str] = &["csr", "not_after"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { csr: fields.required_pem("csr")?, not_after: fields.line("not_after")? })
    }
}

fn wanted(body: &Body, query: Query) -> Answer<Wanted> {
    match body.media {
        Media::Pkcs10 => Ok(bare(body, query)?),
        Media::Json | Media::None => {
            query.only(&[])?;
            let new: NewCertificate = body.json()?;
            let profile = new.profile.parse().map_err(|e: Error| e.at("/profile"))?;
            let not_after = moment(new.not_after.as_deref())?;
            Ok(Wanted { profile, csr: new.csr.into_bytes(), not_after, renews: None })
        }
    }
}

fn bare(body: &Body, query: Query) -> Result<Wanted> {
    let mut query = query.only(&["profile", "not_after"])?;
    let missing = || Error::invalid("missing-field", "?profile= is needed").at("/profile");
    let profile = rules::name(&query.take("profile").ok_or_else(missing)?).and_then(|name| name.parse());
    let csr = csr_of(body)?;
    Ok(Wanted {
        profile: profile.map_err(|e| e.at("/profile"))?,
        csr,
        not_after: moment(query.take("not_after").as_deref())?,
        renews: None,
    })
}

/// A bare request, PEM or DER. Errors: `private-key-not-accepted`, naming `/csr`.
pub(super) fn csr_of(body: &Body) -> Result<Vec<u8>> {
    if let Ok(text) = std::str::from_utf8(&body.bytes)
        && text.contains("-----BEGIN")
    {
        rules::public_pem(text).map_err(|e| e.at("/csr"))?;
    }
    Ok(body.bytes.to_vec())
}

/// A time in a body. Errors: naming `/not_after`.
pub(super) fn moment(text: Option<&str>) -> Result<Option<Timestamp>> {
    text.map(Timestamp::parse).transpose().map_err(|e| e.at("/not_after"))
}

/// The key as enrolment's transaction: the same key and request return the same certificate, also after a restart.
fn transaction(caller: &Caller, body: &Body, claim: Option<&Claim>) -> Option<Transaction> {
    let (key, claim) = (body.key.as_deref()?, claim?);
    Some(Transaction { id: format!("api:{}:{key}", caller.token.id), signer_key: claim.request() })
}

/// The one internal request.
async fn request(
    desk: &Desk,
    wanted: Wanted,
    caller: &Caller,
    transaction: Option<Transaction>,
    received: &Received,
) -> Result<Request> {
    let Wanted { profile, csr, not_after, renews } = wanted;
    let csr = match read(desk, &csr).await {
        Ok(csr) => csr,
        Err(error) => {
            let who = (caller.actor(), caller.address);
            refused::refuse_unread(desk, who, &profile, received, &error).await;
            return Err(error.at("/csr"));
        }
    };
    Ok(Request {
        profile,
        application: csr.into(),
        proof: Proof::Operator { name: caller.token.name.clone(), renews },
        transaction,
        actor: caller.actor(),
        address: caller.address,
        not_after,
        issuer: None,
    })
}

/// Reads the PKCS#10 and holds its signature: on a thread for that, unless its key makes that short work.
pub(super) async fn read(desk: &Desk, csr: &[u8]) -> Result<Csr> {
    let received = csr::Received::read(csr)?;
    let (pool, quick) = (&desk.authority.pool, received.is_quick());
    let check = move || Csr::from_der(received.der(), Leniency::Strict);
    if quick { pool.run_short(check).await? } else { pool.run(check).await? }
}

/// What a request's head says of the answer and of who reads it.
#[derive(Debug)]
pub struct Head {
    pub(super) form: Form,
    pub(super) user_agent: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Head {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> std::result::Result<Self, Infallible> {
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok());
        Ok(Self { form: Form::of(&parts.headers), user_agent: user_agent.map(str::to_owned) })
    }
}

/// The form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON.
    Json,
    /// Leaf and chain.
    Pem,
    /// The leaf.
    Der,
    /// Leaf and chain.
    Pkcs7,
}

impl Form {
    /// The first form in `Accept` that we have; JSON if there is none.
    fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok());
        let mut forms = accepted.flat_map(|v| v.split(',')).filter_map(|part| {
            match part.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
                "application/json" | "application/*" | "*/*" => Some(Self::Json),
                "application/x-pem-file" | "application/pem-certificate-chain" => Some(Self::Pem),
                "application/pkix-cert" => Some(Self::Der),
                "application/pkcs7-mime" | "application/x-pkcs7-certificates" => Some(Self::Pkcs7),
                _ => None,
            }
        });
        forms.next().unwrap_or(Self::Json)
    }
}

pub(super) fn answer(desk: &Desk, outcome: Outcome, form: Form) -> Answer {
    match outcome {
        Outcome::Issued(issued) => {
            let location = format!("/api/v1/certificates/{}", issued.record.serial);
            located(issued_as(desk, &issued, form)?, &location)
        }
        Outcome::Pending(id) => {
            let waiting = Waiting { request: id.to_string() };
            located(json::answer(StatusCode::ACCEPTED, &waiting)?, &format!("/api/v1/requests/{id}"))
        }
    }
}

fn issued_as(desk: &Desk, issued: &Issued, form: Form) -> Answer<Response> {
    let der = &issued.record.der;
    match form {
        Form::Json => json::answer(StatusCode::CREATED, &described(desk, issued)),
        Form::Pem => Ok(formats::pem(StatusCode::CREATED, der, &issued.chain)?),
        Form::Der => Ok(formats::der(StatusCode::CREATED, der)?),
        Form::Pkcs7 => Ok(formats::pkcs7(StatusCode::CREATED, der, &issued.chain)?),
    }
}

/// What the API says of a certificate that was just issued.
pub(super) fn described(desk: &Desk, issued: &Issued) -> IssuedCertificate {
    let record = &issued.record;
    let hierarchy = desk.authority.hierarchy();
    let pem = match hierarchy.require(&record.ca) {
        Ok(ca) => formats::above(&record.der, &ca.chain_pem),
        Err(_) => formats::bundle(&record.der, &issued.chain),
    };
    IssuedCertificate {
        serial: record.serial.to_string(),
        id: record.id.to_string(),
        profile: record.profile.to_string(),
        ca: record.ca.to_string(),
        subject: record.subject.to_string(),
        sans: record.sans.iter().map(ToString::to_string).collect(),
        not_before: record.not_before.to_string(),
        not_after: record.not_after.to_string(),
        fingerprint_sha256: json::hex(&record.fingerprint),
        pem,
    }
}
