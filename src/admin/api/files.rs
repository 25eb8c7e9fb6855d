//! `/clusters/{id}/files`: configuration files of phones, signed and encrypted.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Caller;
use super::body::BatchBody;
use super::clusters::known;
use super::json::{self, Fields};
use super::path::Named;
use super::problem::{Answer, Refusals};
use super::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::audit::{Actor, Event};
use crate::clock::Timestamp;
use crate::device::configuration;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::store::Unit;
use crate::trust::file::{self, FileSigner, Made, Plain};
use crate::trust::signed::SRST_CERTIFICATE;
use crate::trust::tlv::FileName;
use crate::x509::cert::Certificate;
use crate::x509::pem;

mod types;

pub use types::{FileContent, FileOutcome, NewFile, NewFiles, SignedFiles};

/// Files in one request; the body's 256 KiB are reached before with usual configurations.
const MOST: usize = 100;
/// So many names of signed files stand in the audit log.
const TOLD: usize = 10;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(sign))
}

/// Signs files by the cluster's key for that, each on its own: one that is refused does not keep the others.
#[utoipa::path(post, path = "/api/v1/clusters/{id}/files", tag = "trust", request_body = NewFiles,
    params(("id" = String, Path)),
    responses((status = 200, description = "What became of each", body = SignedFiles), Refusals))]
pub async fn sign(
    State(state): Shared,
    caller: Caller,
    Named(id): Named,
    BatchBody(body): BatchBody,
) -> Answer {
    caller.may(Permission::TrustPublish).await?;
    let (id, draft): (_, Draft) = (known(&id)?, body.json()?);
    idempotency::detached(async move {
        let signer = file::signer(&state.desk.authority, &id).await?;
        let mut items = Vec::with_capacity(draft.items.len());
        for item in draft.items {
            let name = item.name.clone();
            items.push(outcome(name, item.make(&state, &signer, &draft.srst).await));
        }
        let signer = json::hex(&signer.certificate.fingerprint());
        let mut unit = Unit::new();
        unit.event(told((&id, &signer), &items, state.now(), caller.actor()));
        state.desk.authority.db.commit(unit).await.map_err(Error::from)?;
        json::answer(StatusCode::OK, &SignedFiles { signer_sha256: signer, items })
    })
    .await
}

/// Reads the bodies of this resource, and forgets them: for the fuzzer.
pub fn read_any(body: &[u8]) {
    let _outcome = json::read::<Draft>(body).is_ok();
}

/// One event for a request, before anything leaves: how many were signed, and the first of them.
fn told((id, signer): (&ClusterId, &str), items: &[FileOutcome], now: Timestamp, actor: Actor) -> Event {
    let files = items.iter().flat_map(|item| &item.files);
    let names: Vec<&str> = files.clone().take(TOLD).map(|file| file.name.as_str()).collect();
    Event::new(now, actor, "file.sign", format!("cluster:{id}"))
        .with("signer", signer)
        .with("count", files.count())
        .with("names", names.join(" "))
}

fn outcome(name: String, made: Result<Vec<Made>>) -> FileOutcome {
    match made {
        Ok(files) => {
            let content = |file: &Made| STANDARD.encode(&file.content);
            let files = files.iter().map(|f| FileContent { name: f.name.to_string(), content: content(f) });
            FileOutcome {
                name,
                outcome: "signed".to_owned(),
                files: files.collect(),
                code: None,
                detail: None,
            }
        }
        Err(error) => {
            let problem = super::Problem::from(error);
            FileOutcome {
                name,
                outcome: "refused".to_owned(),
                files: Vec::new(),
                code: Some(problem.code),
                detail: Some(problem.detail),
            }
        }
    }
}

/// A [`NewFiles`] as it was read.
struct Draft {
    items: Vec<Item>,
    srst: Option<(Arc<Certificate>, String)>,
}

/// A [`NewFile`] as it was read.
struct Item {
    name: String,
    content: Vec<u8>,
    encrypt: bool,
    certificate: Option<Certificate>,
}

impl json::Body for Draft {
    const FIELDS: &'static [&'static str] = &["items", "srst_certificate", "srst_element"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let items = fields.objects("items", MOST, &["name", "content", "encrypt", "certificate"])?;
        if items.is_empty() {
            return Err(fields.missing("items"));
        }
        let gateway = certificate(fields, "srst_certificate")?;
        let element = fields.line("srst_element")?.unwrap_or_else(|| SRST_CERTIFICATE.to_owned());
        Ok(Self {
            items: items.into_iter().map(|mut item| Item::of(&mut item)).collect::<Result<_>>()?,
            srst: gateway.map(|gateway| (Arc::new(gateway), element)),
        })
    }
}

impl Item {
    fn of(fields: &mut Fields<'_>) -> Result<Self> {
        let name = fields.required_line("name")?;
        let text = fields.required_pem("content")?;
        let content = if text.is_empty() { Ok(Vec::new()) } else { pem::decode_base64(text.as_bytes()) };
        Ok(Self {
            name,
            content: content.map_err(|e| fields.at("content", e))?,
            encrypt: fields.flag("encrypt")?,
            certificate: certificate(fields, "certificate")?,
        })
    }

    async fn make(
        self,
        state: &Service,
        by: &FileSigner,
        srst: &Option<(Arc<Certificate>, String)>,
    ) -> Result<Vec<Made>> {
        let name = FileName::parse(&self.name)?;
        let device = match (self.certificate, self.encrypt) {
            (Some(certificate), _) => Some(certificate),
            (None, true) => {
                let db = &state.desk.authority.db;
                Some(configuration::certificate(db, state.now(), &name).await?)
            }
            (None, false) => None,
        };
        let plain = Plain { name, content: self.content, device, srst: srst.clone() };
        file::make(&state.desk.authority, by, plain).await
    }
}

fn certificate(fields: &mut Fields<'_>, name: &str) -> Result<Option<Certificate>> {
    let Some(pem) = fields.pem(name)? else { return Ok(None) };
    Certificate::read(pem.as_bytes()).map(Some).map_err(|e: Error| fields.at(name, e))
}
