//! How a CA makes its CRLs, changed by an operator.

use std::sync::Arc;

use crate::audit::{Actor, Event};
use crate::ca::crl::draft::Terms;
use crate::ca::crl::entries::Entries;
use crate::ca::crl::{ATTEMPTS, Renewal};
use crate::ca::records::{CrlRecord, CrlSettingsRecord, MOST_SHARDS, Role, Scope};
use crate::ca::{Authority, LoadedCa, on_thread, to_the_end};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::store::{CommitError, Db, Stored, Unit, When};

/// The longest window of a CRL, in hours.
const LONGEST: u64 = 400 * 24;
/// The most addresses under which shards were published.
const MOST_PLACES: usize = 16;
const HOUR: u64 = 3600;

/// What is to be changed; none: it stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrlChange {
    /// Over how many CRLs the certificates issued from now on are spread; 1 to 4096.
    pub shards: Option<u32>,
    /// How many hours a complete CRL is good for.
    pub window_hours: Option<u64>,
    /// How many hours a delta CRL is good for; 0: there are none.
    pub delta_hours: Option<u64>,
}

/// Changes how a CA makes its CRLs, and makes them so. What certificates point to already stays: more shards concern
/// those issued from now on, and a shard is published until the last certificate that points to it has expired.
/// A caller that leaves does not cut it off.
/// Errors: `crl-settings` naming the field, `not-found`, `ca-not-ready`, `state-conflict`, `storage`.
pub async fn configure(authority: &Authority, ca: &CaId, change: CrlChange, actor: Actor) -> Result<()> {
    let (authority, ca) = (authority.clone(), ca.clone());
    to_the_end(async move { configured(&authority, &ca, change, actor).await }).await
}

async fn configured(authority: &Authority, id: &CaId, change: CrlChange, actor: Actor) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let ca = Arc::clone(authority.hierarchy().require(id)?);
        ca.ready()?;
        let (stored, when) = standing(&authority.db, id).await?;
        let mut wanted = applied(stored.value.clone(), change, ca.record.role)?;
        if wanted.used > 0 {
            add_place(&mut wanted, &authority.public_url);
        }
        if wanted == stored.value {
            return Ok(());
        }
        let now = authority.clock.now();
        let fresh = Stored { value: wanted, revision: stored.revision + 1 };
        let crls = first_crls(authority, &ca, &fresh, stored.value.used, now).await?;
        let mut unit = Unit::new();
        unit.put(&fresh.value, when)?;
        for crl in &crls {
            unit.insert(crl)?;
        }
        unit.event(event(&fresh.value, &actor, now));
        match authority.db.commit(unit).await {
            Ok(_) => {
                crls.iter().for_each(|crl| drop(authority.published.show(crl)));
                authority.reload().await?;
                return renew_all(authority, id).await;
            }
            Err(CommitError::Refused { .. }) => {}
            Err(CommitError::Failed(error)) => return Err(error),
        }
    }
    Err(Error::conflict("state-conflict", "the CA's settings are being changed by other requests; try again"))
}

/// The settings as they stand, and the precondition of replacing them.
pub(super) async fn standing(db: &Db, ca: &CaId) -> Result<(Stored<CrlSettingsRecord>, When)> {
    Ok(match db.get::<CrlSettingsRecord>(&CrlSettingsRecord::key_of(ca)).await? {
        Some(stored) => {
            let when = When::Revision(stored.revision);
            (stored, when)
        }
        None => (Stored { value: CrlSettingsRecord::default_of(ca), revision: 0 }, When::Absent),
    })
}

/// The public address may change: what was issued before points to the one that it had then.
pub(super) async fn keep_place(authority: &Authority, ca: &LoadedCa) -> Result<()> {
    let known = &ca.crl.value;
    if known.used == 0 || known.places.contains(&authority.public_url) {
        return Ok(());
    }
    let (stored, when) = standing(&authority.db, &ca.record.id).await?;
    let mut settings = stored.value;
    add_place(&mut settings, &authority.public_url);
    let mut unit = Unit::new();
    unit.put(&settings, when)?;
    unit.event(event(&settings, &Actor::System, authority.clock.now()));
    authority.db.commit(unit).await?;
    authority.reload().await
}

fn add_place(settings: &mut CrlSettingsRecord, public_url: &str) {
    if settings.places.iter().any(|place| place == public_url) {
        return;
    }
    if settings.places.len() == MOST_PLACES {
        settings.places.remove(0);
    }
    settings.places.push(public_url.to_owned());
}

fn applied(mut settings: CrlSettingsRecord, change: CrlChange, role: Role) -> Result<CrlSettingsRecord> {
    if let Some(shards) = change.shards {
        if !(1..=MOST_SHARDS).contains(&shards) {
            return Err(bad("crl_shards", format!("a CA has 1 to {MOST_SHARDS} shards")));
        }
        settings.shards = shards;
        settings.used = settings.used.max(if shards == 1 { 0 } else { shards });
        settings.retire_after = None;
    }
    if let Some(hours) = change.window_hours {
        if !(1..=LONGEST).contains(&hours) {
            return Err(bad("crl_window_hours", format!("a CRL is good for 1 to {LONGEST} hours")));
        }
        settings.window = Some(hours * HOUR);
    }
    if let Some(hours) = change.delta_hours {
        settings.delta = (hours > 0).then(|| hours.saturating_mul(HOUR));
    }
    let window = settings.window(role).as_secs();
    if settings.delta.is_some_and(|delta| delta >= window) {
        let rule =
            format!("a delta CRL is good for a shorter time than a complete one ({} hours)", window / HOUR);
        return Err(bad("crl_delta_hours", rule));
    }
    if role == Role::Root && (settings.shards > 1 || settings.delta.is_some()) {
        let field = if settings.shards > 1 { "crl_shards" } else { "crl_delta_hours" };
        return Err(bad(field, "a root has one complete CRL: its key may be far away".to_owned()));
    }
    Ok(settings)
}

fn bad(field: &str, rule: String) -> Error {
    Error::invalid("crl-settings", rule).at(format!("/{field}"))
}

/// The first CRLs of the shards that are new, so that no certificate points to nothing. They may have entries already:
/// those of a CRL that was taken over after a restore.
async fn first_crls(
    authority: &Authority,
    ca: &LoadedCa,
    settings: &Stored<CrlSettingsRecord>,
    used: u32,
    now: Timestamp,
) -> Result<Vec<CrlRecord>> {
    let (certificate, signer) = ca.ready()?;
    let (certificate, signer) = (Arc::clone(certificate), Arc::clone(signer));
    let (id, role) = (ca.record.id.clone(), ca.record.role);
    let (settings, public_url) = (settings.clone(), authority.public_url.clone());
    let mut scopes = Vec::new();
    for shard in used + 1..=settings.value.used {
        let scope = Scope { ca: id.clone(), shard };
        let entries = Entries::read(&authority.db, &scope, now).await?;
        scopes.push((scope, entries));
    }
    on_thread(move || {
        let mut made = Vec::new();
        for (scope, entries) in scopes {
            let (terms_of, public_url) = (settings.clone(), public_url.clone());
            let terms = Terms { scope, role, settings: terms_of, public_url, last: None };
            let number = settings.value.floor + 1;
            made.push(terms.complete(number, entries, now).sign(&certificate, &*signer)?);
        }
        Ok(made)
    })
    .await
}

/// The CRLs that were made by the settings of before.
async fn renew_all(authority: &Authority, id: &CaId) -> Result<()> {
    let ca = Arc::clone(authority.hierarchy().require(id)?);
    for scope in ca.crl.value.scopes() {
        let is_current =
            authority.published.complete(&scope).is_some_and(|crl| crl.settings == ca.crl.revision);
        if is_current && ca.crl.value.delta.is_none() {
            continue;
        }
        Renewal::new(authority, &ca, scope, Arc::clone(ca.ready()?.1), Actor::System).complete().await?;
    }
    Ok(())
}

fn event(settings: &CrlSettingsRecord, actor: &Actor, now: Timestamp) -> Event {
    let hours = |seconds: Option<u64>| seconds.map_or(0, |seconds| seconds / HOUR);
    Event::new(now, actor.clone(), "ca.set-crl", format!("ca:{}", settings.ca))
        .with("shards", settings.shards)
        .with("window-hours", hours(settings.window))
        .with("delta-hours", hours(settings.delta))
}
