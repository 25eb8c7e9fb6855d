//! New CAs, under our own roots and under external ones.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use zeroize::Zeroizing;

use super::{Ca, ExternalChain, NewCa, known, shown};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::tokens::located;
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::audit::Actor;
use crate::ca::Authority;
use crate::ca::create::{self, Parent};
use crate::ca::records::Role;
use crate::error::{Error, Kind, Result};
use crate::id::CaId;
use crate::keys::Place;
use crate::keys::token::parse_object;
use crate::x509::key::KeyAlgorithm;
use crate::x509::name::Name;

const DAY: Duration = Duration::from_hours(24);
const ROOT_DAYS: u64 = 20 * 365;
const ISSUING_DAYS: u64 = 10 * 365;
pub(super) const MAX_DAYS: u64 = 30 * 366;

/// Makes a CA: a root, an issuing CA under one of ours, or one that an external root is to sign.
#[utoipa::path(post, path = "/api/v1/cas", tag = "cas", request_body = NewCa,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The CA", body = Ca), Refusals))]
pub async fn create(State(state): Shared, caller: Caller, body: Body) -> Answer {
    caller.may(Permission::CasManage).await?;
    let draft: Draft = body.json()?;
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            let id = draft.make(authority, caller.actor()).await?;
            located(shown(&state, StatusCode::CREATED, &id).await?, &format!("/api/v1/cas/{id}"))
        })
        .await
    })
    .await
}

/// Puts in the chain that an external root's owner sent back.
#[utoipa::path(post, path = "/api/v1/cas/{id}/certificate", tag = "cas", request_body = ExternalChain,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, description = "The CA", body = Ca), Refusals))]
pub async fn install(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::CasManage).await?;
    let (id, ExternalChain { chain_pem }) = (known(&id)?, body.json()?);
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            let installed = create::install_chain(authority, &id, chain_pem.as_bytes(), caller.actor()).await;
            installed.map_err(unreadable_chain)?;
            shown(&state, StatusCode::OK, &id).await
        })
        .await
    })
    .await
}

/// The body was read; what stands in its field was not.
fn unreadable_chain(e: Error) -> Error {
    match e.kind() {
        Kind::Malformed => Error::invalid(e.code(), e.detail()).at("/chain_pem"),
        Kind::Invalid => e.at("/chain_pem"),
        _ => e,
    }
}

impl json::Body for ExternalChain {
    const FIELDS: &'static [&'static str] = &["chain_pem"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { chain_pem: fields.required_pem("chain_pem")? })
    }
}

/// A [`NewCa`] as it was read; the parent's key is wiped after use.
struct Draft {
    id: CaId,
    role: Role,
    parent: Option<CaId>,
    subject: Name,
    algorithm: KeyAlgorithm,
    lifetime: Duration,
    key: Option<(Zeroizing<String>, Zeroizing<String>)>,
    external: bool,
    serves_tls: bool,
    place: Place,
    /// CKA_ID of a key pair that stands in the token already.
    object: Option<Vec<u8>>,
}

impl json::Body for Draft {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "role",
        "parent",
        "subject",
        "algorithm",
        "validity_days",
        "parent_key_pem",
        "parent_key_passphrase",
        "external",
        "serves_tls",
        "key_store",
        "pkcs11_id",
    ];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        let id: CaId = fields.required_name("id")?;
        let role = match fields.required_line("role")?.as_str() {
            "root" => Role::Root,
            "issuing" => Role::Issuing,
            _ => return Err(fields.at("role", Error::invalid("invalid-role", "role is root or issuing"))),
        };
        let days = fields.integer("validity_days", 1..=MAX_DAYS)?;
        let subject =
            fields.parsed("subject", Name::parse)?.map_or_else(|| create::default_subject(&id, None), Ok);
        let draft = Self {
            subject: subject.map_err(|e| fields.at("subject", e))?,
            id,
            parent: fields.name("parent")?,
            algorithm: fields.required_name("algorithm")?,
            lifetime: DAY * u32::try_from(days.unwrap_or(default_days(role))).unwrap_or(u32::MAX),
            key: offline_key(fields)?,
            external: fields.flag("external")?,
            serves_tls: fields.flag("serves_tls")?,
            place: fields.parsed("key_store", str::parse)?.unwrap_or_default(),
            object: fields.parsed("pkcs11_id", parse_object)?,
            role,
        };
        draft.check(fields)?;
        Ok(draft)
    }
}

impl Draft {
    /// Holds that role, parent and external go together.
    fn check(&self, fields: &Fields<'_>) -> Result<()> {
        if self.object.is_some() && self.place != Place::Token {
            let error =
                Error::invalid("invalid-key-store", "pkcs11_id names a key in a token: key_store is pkcs11");
            return Err(fields.at("key_store", error));
        }
        let refuse = |field, detail| Err(fields.at(field, Error::invalid("invalid-parent", detail)));
        if self.serves_tls && (self.role == Role::Root || self.external) {
            let detail = "an issuing CA under one of ours serves TLS; an external root's owner adds digitalSignature himself";
            return Err(fields.at("serves_tls", Error::invalid("invalid-key-usage", detail)));
        }
        match (self.role, &self.parent, self.external) {
            (Role::Root, None, false) | (Role::Issuing, Some(_), false) | (Role::Issuing, None, true) => {
                Ok(())
            }
            (Role::Root, Some(_), _) => refuse("parent", "a root has no parent"),
            (Role::Root, None, true) => refuse("external", "a root signs itself"),
            (Role::Issuing, None, false) => {
                refuse("parent", "an issuing CA needs a parent, or external: true")
            }
            (Role::Issuing, Some(_), true) => refuse("parent", "an external CA has no parent of ours"),
        }
    }

    async fn make(self, authority: &Authority, actor: Actor) -> Result<CaId> {
        let id = self.id.clone();
        if let Some(object) = self.object {
            let adopted = create::adopt_key(authority, &id, object, self.algorithm).await;
            adopted.map_err(|e| if e.field().is_none() { e.at("/pkcs11_id") } else { e })?;
        }
        if self.external {
            create::request(authority, self.id, self.subject, (self.place, self.algorithm), actor).await?;
            return Ok(id);
        }
        // A name stands for the CA that is in force under it.
        let parent = self.parent.map(|named| in_force(authority, named));
        let parent = match (parent, self.key) {
            (None, _) => Parent::Itself,
            (Some(parent), None) => Parent::Ours(parent),
            (Some(parent), Some((pem, passphrase))) => {
                let signer = super::custody::offline(authority, pem, passphrase).await;
                Parent::Offline(parent, signer.map_err(|e| e.at("/parent_key_pem"))?)
            }
        };
        let new = create::NewCa {
            id: self.id,
            subject: self.subject,
            algorithm: self.algorithm,
            lifetime: self.lifetime,
            parent,
            place: self.place,
            serves_tls: self.serves_tls,
        };
        create::create(authority, vec![new], actor).await?;
        Ok(id)
    }
}

pub(super) fn reads(body: &[u8]) -> bool {
    json::read::<Draft>(body).is_ok()
}

pub(super) fn offline_key(fields: &mut Fields<'_>) -> Result<Option<(Zeroizing<String>, Zeroizing<String>)>> {
    match (fields.secret("parent_key_pem")?, fields.secret("parent_key_passphrase")?) {
        (None, None) => Ok(None),
        (Some(pem), Some(passphrase)) => Ok(Some((pem, passphrase))),
        (Some(_), None) => Err(fields.missing("parent_key_passphrase")),
        (None, Some(_)) => Err(fields.missing("parent_key_pem")),
    }
}

/// One that there is not is refused with the rest.
fn in_force(authority: &Authority, named: CaId) -> CaId {
    let hierarchy = authority.hierarchy();
    hierarchy.in_force(&named).map(|ca| ca.record.id.clone()).unwrap_or(named)
}

fn default_days(role: Role) -> u64 {
    match role {
        Role::Root => ROOT_DAYS,
        Role::Issuing => ISSUING_DAYS,
    }
}
