//! A certificate becomes an anchor: a CA of ours, an identity of our own, or anyone's.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::{ChangedAnchors, NewAnchor, answered, roles};
use crate::admin::api::auth::Caller;
use crate::admin::api::body::Body;
use crate::admin::api::clusters::known;
use crate::admin::api::json::{self, Fields};
use crate::admin::api::path::Named;
use crate::admin::api::problem::{Answer, Refusals};
use crate::admin::api::{Shared, idempotency};
use crate::admin::roles::Permission;
use crate::admin::state::State as Service;
use crate::error::{Error, Result};
use crate::id::{CaId, ClusterId};
use crate::trust::identity::{OwnIdentity, Purpose};
use crate::trust::records::Source;
use crate::trust::role::Role;
use crate::trust::{anchor, cluster};
use crate::x509::cert::Certificate;

/// Adds an anchor to a cluster; one that is there gets the roles that it lacks.
#[utoipa::path(post, path = "/api/v1/clusters/{id}/anchors", tag = "trust", request_body = NewAnchor,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, description = "The anchor", body = ChangedAnchors), Refusals))]
pub async fn add(State(state): Shared, caller: Caller, Named(id): Named, body: Body) -> Answer {
    caller.may(Permission::TrustWrite).await?;
    let (id, draft): (_, Draft) = (known(&id)?, body.json()?);
    idempotency::detached(async move {
        let authority = &state.desk.authority;
        idempotency::once(&authority.db, state.now(), &caller, &body, async {
            // Before an identity is made for a cluster that there is not.
            cluster::require(&authority.db, &id).await?;
            let new = draft.resolve(&state, &id).await?;
            let changed = anchor::add(authority, &id, new, caller.actor()).await?;
            answered(&state, changed, StatusCode::CREATED).await
        })
        .await
    })
    .await
}

pub(super) fn reads(body: &[u8]) -> bool {
    json::read::<Draft>(body).is_ok()
}

/// Whose certificate it is.
enum Whose {
    Authority(CaId),
    Identity { purpose: Purpose, renew: bool },
    Anyone(Arc<Certificate>),
}

/// A [`NewAnchor`] as it was read.
struct Draft {
    whose: Whose,
    roles: BTreeSet<Role>,
    dns_name: Option<String>,
    address: Option<Ipv4Addr>,
}

impl json::Body for Draft {
    const FIELDS: &'static [&'static str] =
        &["ca", "identity", "renew", "certificate", "roles", "dns_name", "address"];

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            whose: whose(fields)?,
            roles: roles(fields)?,
            dns_name: fields.line("dns_name")?.filter(|name| !name.is_empty()),
            address: fields.parsed("address", address)?,
        })
    }
}

fn whose(fields: &mut Fields<'_>) -> Result<Whose> {
    let renew = fields.flag("renew")?;
    match (fields.name("ca")?, fields.name("identity")?, fields.pem("certificate")?) {
        (_, None, _) if renew => Err(fields.missing("identity")),
        (Some(ca), None, None) => Ok(Whose::Authority(ca)),
        (None, Some(purpose), None) => Ok(Whose::Identity { purpose, renew }),
        (None, None, Some(pem)) => {
            let certificate = Certificate::read(pem.as_bytes());
            certificate.map(|c| Whose::Anyone(Arc::new(c))).map_err(|e| fields.at("certificate", e))
        }
        (None, None, None) => Err(fields.missing("certificate")),
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            Err(Error::invalid("one-source", "give one of ca, identity and certificate").at("/certificate"))
        }
    }
}

fn address(text: &str) -> Result<Ipv4Addr> {
    text.parse().map_err(|_| {
        Error::invalid("invalid-address", "the address of an anchor is IPv4: a list has no room for others")
    })
}

impl Draft {
    async fn resolve(self, state: &Service, id: &ClusterId) -> Result<Vec<anchor::NewAnchor>> {
        let Self { whose, roles, dns_name, address } = self;
        let (certificate, source, roles) = match whose {
            Whose::Authority(ca) => {
                let hierarchy = state.desk.authority.hierarchy();
                let missing = || Error::not_found("certificate of the CA", &ca).at("/ca");
                let found = hierarchy.require(&ca).map_err(|e| e.at("/ca"))?;
                (found.certificate.clone().ok_or_else(missing)?, Source::Authority { ca }, roles)
            }
            Whose::Identity { purpose, renew } => {
                let identities = state.identities()?;
                let newest =
                    if renew { identities.renew(purpose).await? } else { identities.hold(purpose).await? };
                let wanted = with_those_before(state, id, newest).await?;
                let wanted = wanted.iter().map(cluster::of_identity);
                return Ok(wanted
                    .map(|usual| anchor::NewAnchor {
                        roles: if roles.is_empty() { usual.roles } else { roles.clone() },
                        dns_name: dns_name.clone(),
                        address,
                        ..usual
                    })
                    .collect());
            }
            Whose::Anyone(certificate) => {
                let from = "a certificate that was given".to_owned();
                (certificate, Source::Imported { from }, roles)
            }
        };
        Ok(vec![anchor::NewAnchor { certificate, roles, source, dns_name, address }])
    }
}

/// The newest identity of its purpose, and those before it that are still valid, that the cluster lacks and that another
/// cluster trusts: phones there may know but one of them yet, and that is the one that is shown. What was taken out of
/// all clusters stays out.
async fn with_those_before(state: &Service, id: &ClusterId, newest: OwnIdentity) -> Result<Vec<OwnIdentity>> {
    let (purpose, latest) = (newest.purpose, newest.certificate.fingerprint());
    let mut all = vec![newest];
    for identity in state.identities()?.held(purpose).await? {
        let fingerprint = identity.certificate.fingerprint();
        let standing = anchor::by_fingerprint(&state.desk.authority.db, &fingerprint).await?;
        let is_here = standing.iter().any(|anchor| anchor.cluster == *id);
        if fingerprint != latest && !is_here && !standing.is_empty() {
            all.push(identity);
        }
    }
    Ok(all)
}
