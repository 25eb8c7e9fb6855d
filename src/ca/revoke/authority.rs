//! The revocation of a CA: its certificate goes onto its parent's CRL, and neither it nor a CA below it issues anything
//! more. Its own CRL goes on being published. So it is with the certificates by which another generation certified its
//! key: they go onto the CRL of the CA that signed them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Revocation, dates};
use crate::audit::{Actor, Event};
use crate::ca::anew::{self, Decided};
use crate::ca::import::records::ImportedRevocationRecord;
use crate::ca::records::{
    CaRecord, CaRevocationRecord, CertificateRecord, CompromisedKeyRecord, RevocationRecord, Role,
};
use crate::ca::rollover::CrossCertificate;
use crate::ca::{Authority, Hierarchy, LoadedCa, crl, custody, to_the_end};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::{CaId, ProfileId, RecordId};
use crate::keys::Signer;
use crate::store::{Db, KeyBuilder, Scan, Unit, When};
use crate::x509::cert::Certificate;
use crate::x509::crl::Reason;

/// So many certificates are counted for a preflight at most.
const MOST_COUNTED: usize = 200_000;

/// What the revocation of a CA would stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// Itself and the CAs below it: none of them issues anything more.
    pub stopped: Vec<CaId>,
    /// Their live certificates, by profile.
    pub live: BTreeMap<ProfileId, u64>,
    /// Whether all were counted: of a large estate only the first 200,000 are looked at.
    pub complete: bool,
}

/// A CA that was revoked.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// What was recorded.
    pub record: CaRevocationRecord,
    /// The number of the parent's CRL that names it; none under an external root.
    pub crl: Option<u64>,
}

/// Counts what a revocation would stop, and changes nothing.
/// Errors: `not-found`, `root-not-revocable`, `ca-not-ready`, `storage`.
pub async fn preflight(authority: &Authority, ca: &CaId) -> Result<Preflight> {
    let hierarchy = authority.hierarchy();
    revocable(hierarchy.require(ca)?)?;
    let below = hierarchy.all().iter().filter(|other| other.lineage.contains(ca));
    let stopped: Vec<CaId> = below.map(|other| other.record.id.clone()).collect();
    let (live, complete) = count_live(&authority.db, &stopped, authority.clock.now()).await?;
    Ok(Preflight { stopped, live, complete })
}

/// Revokes a CA and publishes its parent's next CRL, and that of who certified its key in a rollover, with `parent_key` where the parent's own was removed from this
/// machine. Again with the same reason it only publishes the CRL. A caller that leaves does not cut it off.
/// Errors: `not-found`, `root-not-revocable`, `invalid-reason` for certificateHold, `already-revoked`,
/// `date-out-of-range`, `ca-not-ready`, `wrong-key`, `storage`.
pub async fn revoke_ca(
    authority: &Authority,
    ca: &CaId,
    how: Revocation,
    parent_key: Option<Arc<dyn Signer>>,
    actor: Actor,
) -> Result<Revoked> {
    let (authority, ca) = (authority.clone(), ca.clone());
    to_the_end(async move { revoked(&authority, &ca, how, parent_key, actor).await }).await
}

async fn revoked(
    authority: &Authority,
    ca: &CaId,
    how: Revocation,
    parent_key: Option<Arc<dyn Signer>>,
    actor: Actor,
) -> Result<Revoked> {
    // No turn comes between: who is revoked takes nobody's place.
    let alone = authority.rolling.lock().await;
    let hierarchy = authority.hierarchy();
    let loaded = hierarchy.require(ca)?;
    let certificate = revocable(loaded)?;
    if how.reason == Reason::CertificateHold {
        let text = "a CA is not put on hold: its certificates would be refused and accepted again";
        return Err(Error::invalid("invalid-reason", text).at("/reason"));
    }
    // Before anything is written: a CA that is revoked and on no CRL would be the worst of both.
    let signer = loaded.record.parent.as_ref().map(|parent| signer_of(authority, parent, parent_key));
    let signer = signer.transpose()?;
    let crosses = crosses(&hierarchy, ca)?;
    let decide = || decide(authority, (loaded, certificate), &crosses, &how, &actor);
    let record = anew::commit(&authority.db, decide).await?;
    authority.reload().await?;
    drop(alone);
    publish_crosses(authority, &crosses).await;
    let crl = match (&record.parent, signer) {
        (Some(parent), Some(signer)) => {
            Some(crl::sign_crl_with(authority, parent, signer, actor).await?.number)
        }
        (Some(_) | None, _) => None,
    };
    Ok(Revoked { record, crl })
}

/// The certificates by which other CAs of ours certified its key, but those of CAs that retired: their last CRL stands.
fn crosses(hierarchy: &Hierarchy, ca: &CaId) -> Result<Vec<CrossCertificate>> {
    let mut all = CrossCertificate::of_subject(hierarchy.rollovers(), ca)?;
    all.retain(|cross| hierarchy.require(&cross.issuer).is_ok_and(|issuer| issuer.retired.is_none()));
    Ok(all)
}

/// Where a CRL cannot be made now the revocation stands all the same, and the CRL that follows says so.
async fn publish_crosses(authority: &Authority, crosses: &[CrossCertificate]) {
    for CrossCertificate { issuer, .. } in crosses {
        if let Err(error) = crl::publish(authority, issuer).await {
            tracing::warn!(ca = %issuer, %error, "its CRL has yet to name the certificate of a revoked CA's key");
        }
    }
}

/// The certificate that is to be revoked. Errors: `root-not-revocable`, `ca-not-ready`.
fn revocable(ca: &LoadedCa) -> Result<&Certificate> {
    let id = &ca.record.id;
    let signs_itself = ca.certificate.as_ref().is_some_and(|certificate| certificate.is_self_signed());
    if ca.record.role == Role::Root || signs_itself {
        let text = format!(
            "{id} is a root: no CRL above it can name it, and its own word against itself proves nothing. Take its \
             certificate out of every trust store, revoke the CAs below it (signet ca revoke), make a new root and \
             new CAs under it (signet ca create), and name those in the profiles"
        );
        return Err(Error::conflict("root-not-revocable", text));
    }
    ca.certificate.as_deref().ok_or_else(|| {
        Error::new(Kind::Conflict, "ca-not-ready", format!("the CA {id} has no certificate to be revoked"))
    })
}

fn signer_of(
    authority: &Authority,
    parent: &CaId,
    brought: Option<Arc<dyn Signer>>,
) -> Result<Arc<dyn Signer>> {
    let hierarchy = authority.hierarchy();
    let parent = hierarchy.require(parent)?;
    match brought {
        None => parent.ready().map(|(_, signer)| Arc::clone(signer)),
        Some(signer) => custody::require_key_of(parent, &*signer).map(|()| signer),
    }
}

async fn decide(
    authority: &Authority,
    (ca, certificate): (&LoadedCa, &Certificate),
    crosses: &[CrossCertificate],
    how: &Revocation,
    actor: &Actor,
) -> Result<Decided<CaRevocationRecord>> {
    let (id, now) = (&ca.record.id, authority.clock.now());
    if let Some(standing) = authority.db.get::<CaRevocationRecord>(&CaRevocationRecord::key_of(id)).await? {
        let CaRevocationRecord { at, reason, .. } = standing.value;
        if reason == how.reason {
            return Ok(Decided { unit: None, outcome: standing.value });
        }
        let text = format!("the CA {id} was revoked at {at} with the reason {}", reason.as_str());
        return Err(Error::conflict("already-revoked", text));
    }
    let record = CaRevocationRecord {
        ca: id.clone(),
        certificate: RecordId::new(now, &authority.random)?,
        serial: certificate.serial().clone(),
        parent: ca.record.parent.clone(),
        at: dates::hold(how, certificate.not_before(), now)?,
        reason: how.reason,
        invalidity: how.invalidity,
        not_after: certificate.not_after(),
    };
    let mut unit = unit(&record, certificate, actor, now)?;
    for cross in crosses {
        put_cross(&authority.db, &mut unit, cross, &record).await?;
    }
    Ok(Decided { unit: Some(unit), outcome: record })
}

/// A cross-certificate has no record of its own: on the CRL and in OCSP it stands by its number alone.
async fn put_cross(
    db: &Db,
    unit: &mut Unit,
    cross: &CrossCertificate,
    revocation: &CaRevocationRecord,
) -> Result<()> {
    let (ca, serial) = (&cross.issuer, cross.certificate.serial());
    // It may be known already from a CRL that was brought back.
    let known = db.get::<ImportedRevocationRecord>(&ImportedRevocationRecord::key_of(ca, serial)).await?;
    if known.is_some() {
        return Ok(());
    }
    unit.insert(&ImportedRevocationRecord {
        ca: ca.clone(),
        serial: serial.clone(),
        at: revocation.at,
        reason: revocation.reason,
        not_after: Some(cross.certificate.not_after()),
        left: false,
        shard: 0,
    })?;
    unit.items.push(RevocationRecord::count(ca, 0, 1));
    Ok(())
}

fn unit(
    record: &CaRevocationRecord,
    certificate: &Certificate,
    actor: &Actor,
    now: Timestamp,
) -> Result<Unit> {
    let mut unit = Unit::new();
    unit.insert(record)?;
    unit.check::<CaRecord>(&CaRecord::key_of(&record.ca), When::Present);
    if let Some(row) = record.row() {
        unit.insert(&row)?;
        unit.items.push(RevocationRecord::count(&row.ca, row.shard, 1));
    }
    if matches!(record.reason, Reason::KeyCompromise | Reason::CaCompromise) {
        let key_fingerprint = certificate.public_key()?.fingerprint();
        let (serial, at) = (record.serial.clone(), record.at);
        unit.put(&CompromisedKeyRecord { key_fingerprint, serial, at }, When::Always)?;
    }
    unit.event(
        Event::new(now, actor.clone(), "ca.revoke", format!("ca:{}", record.ca))
            .with("reason", record.reason.as_str())
            .with("serial", &record.serial)
            .with("parent", record.parent.as_ref().map_or("external", CaId::as_str)),
    );
    Ok(unit)
}

/// The live certificates of these CAs by profile, and whether all were looked at.
async fn count_live(db: &Db, cas: &[CaId], now: Timestamp) -> Result<(BTreeMap<ProfileId, u64>, bool)> {
    let from = KeyBuilder::new().bytes(&[0]).time(now).build();
    let mut scan = Scan::all::<CertificateRecord>(CertificateRecord::BY_STATUS).range(from, Some(vec![1]));
    scan.limit = 1_000;
    let (mut live, mut looked_at) = (BTreeMap::new(), 0);
    loop {
        let page = db.scan::<CertificateRecord>(scan.clone()).await?;
        looked_at += page.items.len();
        for record in page.items.into_iter().map(|stored| stored.value) {
            if cas.contains(&record.ca) {
                *live.entry(record.profile).or_default() += 1;
            }
        }
        match page.next {
            None => return Ok((live, true)),
            Some(_) if looked_at >= MOST_COUNTED => return Ok((live, false)),
            Some(next) => scan.after = Some(next),
        }
    }
}
