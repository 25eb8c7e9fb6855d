//! API tokens: 256 random bits behind `signet_`, kept only as a hash.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::admin::records::TokenRecord;
use crate::audit::{Actor, Event};
use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::random::Random;
use crate::store::{CommitError, Db, Unit};

mod cache;

pub use cache::Cache;

/// What every token begins with, so that scanners find a leaked one.
pub const PREFIX: &str = "signet_";
const LENGTH: usize = PREFIX.len() + 43;
/// How long the first administrator's token works.
pub const ADMIN_TTL: Duration = Duration::from_hours(24 * 365);
/// The first administrator's name.
pub const ADMIN: &str = "admin";

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its name, in normal form C.
    pub name: String,
    /// Its role, which exists.
    pub role: String,
    /// How long it works.
    pub ttl: Duration,
}

/// What making a token needs.
#[derive(Clone, Copy)]
pub struct Mint<'a> {
    /// Where it is kept.
    pub db: &'a Db,
    /// Now.
    pub clock: &'a Clock,
    /// Its randomness.
    pub random: &'a Random,
}

/// Makes the first administrator's token. Errors: `already-exists`.
pub async fn create_admin(mint: Mint<'_>) -> Result<Zeroizing<String>> {
    let new = NewToken { name: ADMIN.to_owned(), role: "administrator".to_owned(), ttl: ADMIN_TTL };
    Ok(create(mint, new, Actor::System, Unit::new()).await?.1)
}

/// Makes a token and writes `alongside` in the same unit. The token is returned this once.
/// Errors: `already-exists`, `state-conflict` if `alongside` is refused.
pub async fn create(
    mint: Mint<'_>,
    new: NewToken,
    actor: Actor,
    alongside: Unit,
) -> Result<(TokenRecord, Zeroizing<String>)> {
    let now = mint.clock.now();
    let secret = Zeroizing::new(mint.random.bytes::<32>()?);
    let token = Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*secret)));
    let record = TokenRecord {
        id: RecordId::new(now, mint.random)?,
        name: new.name,
        role: new.role,
        token_hash: hash(&token),
        expires: now.plus(new.ttl),
        revoked: None,
    };
    let mut unit = Unit::new();
    unit.insert(&record)?;
    unit.event(event(now, actor, "token.create", &record));
    unit.append(alongside);
    match mint.db.commit(unit).await {
        Ok(_) => Ok((record, token)),
        Err(CommitError::Refused { item: 0, .. }) => Err(super::already_exists("token", &record.name)),
        Err(e) => Err(e.into()),
    }
}

/// Revokes a token: it stops working at once. Errors: `not-found`, `state-conflict` if it is revoked already.
pub async fn revoke(db: &Db, now: Timestamp, id: RecordId, actor: Actor) -> Result<TokenRecord> {
    let stored = db.require::<TokenRecord>(id.as_bytes(), id).await?;
    let mut record = stored.value;
    if record.revoked.is_some() {
        return Err(Error::conflict("state-conflict", "the token is revoked already"));
    }
    record.revoked = Some(now);
    let mut unit = Unit::new();
    unit.replace(&record, stored.revision)?;
    unit.event(event(now, actor, "token.revoke", &record));
    db.commit(unit).await?;
    Ok(record)
}

/// The hash that a token is found by; none for what cannot be one.
pub fn hash_of(bearer: &str) -> Option<[u8; 32]> {
    (bearer.len() == LENGTH && bearer.starts_with(PREFIX)).then(|| hash(bearer))
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn event(now: Timestamp, actor: Actor, action: &str, record: &TokenRecord) -> Event {
    Event::new(now, actor, action, format!("token:{}", record.id))
        .with("name", &record.name)
        .with("role", &record.role)
        .with("expires", record.expires)
}
