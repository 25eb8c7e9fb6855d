//! Keeps one identity: loads it, judges it, has it issued anew, and forgets keys that nobody can ask for.

use std::sync::Arc;

use crate::audit::Actor;
use crate::ca::Issued;
use crate::ca::records::{CertificateRecord, Status};
use crate::enrol::{Desk, Outcome, Proof, Request, enrol};
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::keys::Signer;
use crate::server::csr;
use crate::server::identity::pause::Pauses;
use crate::server::identity::wanted::Wanted;
use crate::server::identity::{is_due, key_name};
use crate::server::records::{Holding, IdentityRecord};
use crate::store::{Stored, Unit, When};
use crate::x509::cert::Certificate;
use crate::x509::name::Name;
use crate::x509::san::San;

/// An identity as it is held.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its key.
    pub key: KeyId,
    /// Its certificate.
    pub certificate: Arc<Certificate>,
    /// The chain above it, issuer first, DER.
    pub chain: Vec<Vec<u8>>,
    /// Certificates and keys before, newest first.
    pub former: Vec<(Arc<Certificate>, KeyId)>,
}

/// The identity as wanted: the one there is, or a new one. One that is due but cannot be renewed is
/// kept as long as it is valid. Errors: those of `enrol`, if there is none to keep; `identity-paused` after one.
pub async fn keep(desk: &Desk, wanted: &Wanted, pauses: &Pauses) -> Result<Held> {
    let standing = desk.authority.db.get::<IdentityRecord>(wanted.name.as_bytes()).await?;
    if let Some(standing) = &standing
        && serves(desk, wanted, &standing.value).await?
    {
        pauses.clear(&wanted.name);
        return forget_expired(desk, standing.clone()).await;
    }
    let usable = standing.as_ref().and_then(|s| held(&s.value).ok()).filter(|h| is_usable(desk, h));
    let now = desk.authority.clock.now();
    let renewed = match pauses.check(&wanted.name, &wanted.profile, now) {
        Ok(()) => attempt(desk, wanted, standing, pauses).await,
        Err(paused) => Err(paused),
    };
    match (renewed, usable) {
        (Err(_), Some(old)) => Ok(old),
        (renewed, _) => renewed,
    }
}

/// The identity of a CA that is on its way out, as long as it is valid: it is not renewed. After that its record goes,
/// and its keys. Errors: `storage`.
pub async fn hold(desk: &Desk, name: &str) -> Result<Option<Held>> {
    let Some(standing) = desk.authority.db.get::<IdentityRecord>(name.as_bytes()).await? else {
        return Ok(None);
    };
    if held(&standing.value).is_ok_and(|held| is_usable(desk, &held)) {
        return forget_expired(desk, standing).await.map(Some);
    }
    let mut unit = Unit::new();
    unit.delete::<IdentityRecord>(name.as_bytes(), When::Revision(standing.revision));
    desk.authority.db.commit(unit).await?;
    let IdentityRecord { current, former, .. } = standing.value;
    for holding in std::iter::once(current).chain(former) {
        remove_key(desk, &holding);
    }
    tracing::info!(identity = name, "expired after its CA was followed by another, and forgotten");
    Ok(None)
}

fn remove_key(desk: &Desk, holding: &Holding) {
    if let Err(error) = desk.authority.keys.remove(&holding.key) {
        tracing::warn!(key = %holding.key, %error, "a former key could not be removed");
    }
}

/// One attempt. A fresh certificate that still does not serve is an attempt that brought nothing.
async fn attempt(
    desk: &Desk,
    wanted: &Wanted,
    standing: Option<Stored<IdentityRecord>>,
    pauses: &Pauses,
) -> Result<Held> {
    let failed = |reason: &str| {
        pauses.failed(&wanted.name, &wanted.profile, desk.authority.clock.now(), reason).as_secs()
    };
    let renewed = renew(desk, wanted, standing).await;
    match &renewed {
        Ok(_) => {
            let key = wanted.name.as_bytes();
            let fresh = desk.authority.db.require::<IdentityRecord>(key, &wanted.name).await?;
            if !serves(desk, wanted, &fresh.value).await? {
                let reason = "the profile makes a certificate that does not serve";
                let (identity, profile, again) = (&wanted.name, wanted.profile.id(), failed(reason));
                tracing::warn!(identity, %profile, again_in_seconds = again, "{reason}");
            }
        }
        Err(error) => {
            let again = failed(error.detail());
            tracing::error!(identity = wanted.name, %error, again_in_seconds = again, "cannot renew");
        }
    }
    renewed
}

/// Whether what stands is what is wanted, for some time to come.
async fn serves(desk: &Desk, wanted: &Wanted, record: &IdentityRecord) -> Result<bool> {
    let Ok(held) = held(record) else { return Ok(false) };
    let hierarchy = desk.authority.hierarchy();
    let right_issuer =
        hierarchy.issuer_of(&held.certificate).is_some_and(|issuer| issuer.record.id == wanted.ca);
    let Ok((subject, sans)) = written(wanted) else { return Ok(false) };
    let fits = is_usable(desk, &held)
        && right_issuer
        && !is_due(&held.certificate, desk.authority.clock.now())
        && held.certificate.subject().matches(&subject)
        && San::same_set(&held.certificate.sans()?, &sans);
    Ok(fits && !is_revoked(desk, &held).await?)
}

/// Subject and names as the profile writes them: not always as they were asked for.
fn written(wanted: &Wanted) -> Result<(Name, Vec<San>)> {
    let subject = wanted.profile.subject_for(&wanted.subject)?;
    let sans = wanted.profile.sans_for(&subject, &wanted.sans)?;
    Ok((subject, sans))
}

fn is_usable(desk: &Desk, held: &Held) -> bool {
    held.certificate.is_valid_at(desk.authority.clock.now()) && desk.authority.keys.signer(&held.key).is_ok()
}

async fn is_revoked(desk: &Desk, held: &Held) -> Result<bool> {
    let serial = held.certificate.serial().content();
    let found = desk.authority.db.find::<CertificateRecord>(CertificateRecord::BY_SERIAL, serial).await?;
    Ok(found.is_none_or(|record| record.value.status != Status::Good))
}

/// Has the identity issued anew, with a key of its own. Errors: those of `enrol`.
pub async fn renew(desk: &Desk, wanted: &Wanted, standing: Option<Stored<IdentityRecord>>) -> Result<Held> {
    // Before a key is made that nobody would certify.
    desk.authority.hierarchy().require(&wanted.ca)?.may_issue_by(&wanted.profile)?;
    written(wanted)?;
    let generation = standing.as_ref().map_or(1, |s| s.value.generation.saturating_add(1));
    let key = key_name(&wanted.name, generation)?;
    let signer = make_key(desk, wanted, &key).await?;
    let issued = issue(desk, wanted, signer).await?;
    let current = Holding { key, certificate: issued.record.der, chain: issued.chain };
    let mut former: Vec<Holding> = Vec::new();
    if let Some(old) = standing.as_ref().map(|s| &s.value) {
        former.push(old.current.clone());
        former.extend(old.former.iter().cloned());
    }
    let record = IdentityRecord { name: wanted.name.clone(), generation, current, former };
    let when = standing.as_ref().map_or(When::Absent, |s| When::Revision(s.revision));
    let mut unit = Unit::new();
    unit.put(&record, when)?;
    desk.authority.db.commit(unit).await?;
    tracing::info!(identity = wanted.name, serial = %issued.record.serial, until = %issued.record.not_after, "issued");
    let stored = desk.authority.db.require::<IdentityRecord>(wanted.name.as_bytes(), &wanted.name).await?;
    if wanted.keeps_former {
        forget_expired(desk, stored).await
    } else {
        forget(desk, stored, |_| false).await
    }
}

/// Makes the key on a thread of its own. One that an attempt before left behind was never certified.
async fn make_key(desk: &Desk, wanted: &Wanted, key: &KeyId) -> Result<Arc<dyn Signer>> {
    let (keys, key, algorithm) = (desk.authority.keys.clone(), key.clone(), wanted.algorithm);
    let made = tokio::task::spawn_blocking(move || {
        if keys.list()?.contains(&key) {
            keys.remove(&key)?;
        }
        keys.generate(&key, algorithm)
    });
    made.await.unwrap_or_else(|e| Err(Error::internal("making a key").because(e)))
}

async fn issue(desk: &Desk, wanted: &Wanted, signer: Arc<dyn Signer>) -> Result<Issued> {
    let (subject, sans) = (wanted.subject.clone(), wanted.sans.clone());
    let csr = desk.authority.pool.run(move || csr::request(&*signer, &subject, &sans)).await??;
    let request = Request {
        profile: wanted.profile.id().clone(),
        application: csr.into(),
        proof: Proof::Internal,
        transaction: None,
        actor: Actor::System,
        address: None,
        not_after: None,
        // Always by its own name: the profile's stands for whoever is in force under it.
        issuer: Some(wanted.ca.clone()),
    };
    match enrol(desk, request).await? {
        Outcome::Issued(issued) => Ok(*issued),
        Outcome::Pending(id) => {
            let text =
                format!("the profile {} makes its own identity wait (request {id})", wanted.profile.id());
            Err(Error::conflict("identity-pending", text))
        }
    }
}

async fn forget_expired(desk: &Desk, stored: Stored<IdentityRecord>) -> Result<Held> {
    let now = desk.authority.clock.now();
    forget(desk, stored, |certificate| certificate.not_after() >= now).await
}

/// Drops the former keys whose certificate `is_kept` does not want: first from the record, then from the disk.
async fn forget(
    desk: &Desk,
    mut stored: Stored<IdentityRecord>,
    is_kept: impl Fn(&Certificate) -> bool,
) -> Result<Held> {
    let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut stored.value.former)
        .into_iter()
        .partition(|h| Certificate::from_der(&h.certificate).is_ok_and(|c| is_kept(&c)));
    stored.value.former = kept;
    if !gone.is_empty() {
        let mut unit = Unit::new();
        unit.replace(&stored.value, stored.revision)?;
        desk.authority.db.commit(unit).await?;
    }
    gone.iter().for_each(|holding| remove_key(desk, holding));
    held(&stored.value)
}

fn held(record: &IdentityRecord) -> Result<Held> {
    let read = |h: &Holding| Ok((Arc::new(Certificate::from_der(&h.certificate)?), h.key.clone()));
    let (certificate, key) = read(&record.current)?;
    let former = record.former.iter().map(read).collect::<Result<_>>()?;
    Ok(Held { key, certificate, chain: record.current.chain.clone(), former })
}
