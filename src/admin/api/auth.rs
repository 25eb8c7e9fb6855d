//! Who asks, and whether they may.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use zeroize::Zeroizing;

use super::problem::{Answer, Problem, Refusal};
use crate::admin::records::TokenRecord;
use crate::admin::roles::{Permission, Role};
use crate::admin::state::State;
use crate::admin::tokens;
use crate::audit::{Actor, Event, Outcome};
use crate::error::{Error, Kind};
use crate::store::Unit;

/// The bearer of a valid token.
pub struct Caller {
    /// The token.
    pub token: Arc<TokenRecord>,
    /// The peer's address.
    pub address: Option<IpAddr>,
    pub(super) bearer: Zeroizing<String>,
    role: Option<Arc<Role>>,
    state: Arc<State>,
}

impl Caller {
    /// Holds that the token's role has this permission; a refusal is recorded (ten a minute for each
    /// token, the rest as a number). Errors: 403 `forbidden`.
    pub async fn may(&self, permission: Permission) -> Answer<()> {
        if self.role.as_ref().is_some_and(|role| role.allows(permission)) {
            return Ok(());
        }
        self.record_refusal(permission).await;
        let detail = format!("the token's role lacks the permission {}", permission.as_str());
        Err(Error::new(Kind::Forbidden, "forbidden", detail).into())
    }

    /// The caller as the audit log names it.
    pub fn actor(&self) -> Actor {
        Actor::Operator(self.token.name.clone())
    }

    async fn record_refusal(&self, permission: Permission) {
        let now = self.state.now();
        let Some(unwritten) = self.state.refusals.admit(now, &self.token.id) else { return };
        let subject = format!("token:{}", self.token.id);
        let mut event = Event::new(now, self.actor(), "api.refuse", subject)
            .outcome(Outcome::Refused)
            .with("permission", permission.as_str());
        if unwritten > 0 {
            event = event.with("refusals-not-recorded", unwritten);
        }
        let mut unit = Unit::new();
        unit.event(event);
        if let Err(e) = self.state.desk.authority.db.commit(unit).await {
            tracing::error!(error = %Error::from(e), "a refusal could not be recorded");
        }
    }
}

impl FromRequestParts<Arc<State>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Answer<Self> {
        let bearer = bearer(&parts.headers).ok_or_else(unauthenticated)?;
        let hash = tokens::hash_of(&bearer).ok_or_else(unauthenticated)?;
        let db = &state.desk.authority.db;
        let token = state.tokens.find(db, &hash, state.now()).await?.ok_or_else(unauthenticated)?;
        let role = state.roles().find(&token.role).cloned();
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        Ok(Self { token, address, bearer, role, state: state.clone() })
    }
}

fn unauthenticated() -> Refusal {
    Problem::unauthenticated().into()
}

/// The bearer token, if exactly one credential was sent (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Zeroizing::new(token.trim().to_owned()))
}
