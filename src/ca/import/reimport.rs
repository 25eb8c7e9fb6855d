//! Certificates that we issued and that a restore does not know: brought in again by who holds their key.

use std::sync::Arc;

use const_oid::db::rfc5280::ID_CE_CRL_DISTRIBUTION_POINTS;

use super::certificates::{Origin, record_of, replace_revocation};
use super::judge::{Judged, judge};
use super::records::ImportedRevocationRecord;
use crate::audit::{Actor, Event};
use crate::ca::anew::{self, Decided};
use crate::ca::profile::Profile;
use crate::ca::records::{CertificateRecord, CrlSettingsRecord, RevocationRecord, serials};
use crate::ca::recover::shard_in;
use crate::ca::{Authority, LoadedCa, renewal};
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::store::Unit;
use crate::x509::cert::Certificate;
use crate::x509::csr::Csr;

/// A certificate that came back.
#[derive(Clone, Debug)]
pub struct Reimported {
    /// Its record.
    pub record: CertificateRecord,
    /// Whether it was here already.
    pub known: bool,
}

/// Takes a certificate (DER) into the records again: one of our CAs signed it, `proof` is a request signed by its key, and
/// no other has its serial number. If a CRL that was taken over lists it, it comes in as revoked. It counts as one of
/// `profile`; without one it is not renewed. Again it changes nothing.
/// Errors: `bad-certificate`; `foreign-certificate`; `key-mismatch`; `ca-certificate`; `ca-revoked`; `duplicate-serial`;
/// `state-conflict`; `storage`.
pub async fn reimport(
    authority: &Authority,
    der: &[u8],
    proof: &Csr,
    profile: Option<Arc<Profile>>,
    actor: Actor,
) -> Result<Reimported> {
    let (ca, certificate) = issued_by(authority, der)?;
    if certificate.spki() != proof.public_key().spki() {
        let detail = "the request is signed by another key than the certificate's: it proves nothing of it";
        return Err(Error::invalid("key-mismatch", detail));
    }
    let id = &ca.record.id;
    let decide = || decide(authority, id, &certificate, profile.as_ref(), &actor);
    anew::commit(&authority.db, decide).await
}

async fn decide(
    authority: &Authority,
    ca: &CaId,
    certificate: &Certificate,
    profile: Option<&Arc<Profile>>,
    actor: &Actor,
) -> Result<Decided<Reimported>> {
    if let Some(found) = serials::of(&authority.db, ca, certificate.serial()).await? {
        return Ok(Decided { unit: None, outcome: known(found.value, certificate)? });
    }
    refuse_taken(authority, ca, certificate).await?;
    let (unit, record) = unit(authority, ca, certificate, profile, actor).await?;
    Ok(Decided { unit: Some(unit), outcome: Reimported { record, known: false } })
}

/// Our CA that signed it.
fn issued_by(authority: &Authority, der: &[u8]) -> Result<(Arc<LoadedCa>, Certificate)> {
    let certificate = Certificate::from_der(der)?;
    let hierarchy = authority.hierarchy();
    let ca = hierarchy.issuer_of(&certificate).ok_or_else(|| {
        let detail = format!("it was issued by {}, by none of our CAs' keys", certificate.issuer());
        Error::invalid("foreign-certificate", detail)
    })?;
    ca.refuse_revoked()?;
    let own = ca.certificate.as_ref().ok_or_else(|| Error::internal("an issuer without a certificate"))?;
    match judge(der, own)? {
        Judged::Issued(certificate) => Ok((Arc::clone(ca), *certificate)),
        Judged::Skipped(why) => Err(Error::invalid("ca-certificate", why)),
    }
}

fn known(record: CertificateRecord, certificate: &Certificate) -> Result<Reimported> {
    if record.fingerprint == certificate.fingerprint() {
        return Ok(Reimported { record, known: true });
    }
    Err(taken(&record.ca, certificate))
}

async fn refuse_taken(authority: &Authority, ca: &CaId, certificate: &Certificate) -> Result<()> {
    if certificate.serial().content().len() < serials::LONG {
        return Ok(());
    }
    let others = serials::all(&authority.db, certificate.serial()).await?;
    match others.iter().find(|other| other.value.ca != *ca) {
        Some(other) => Err(taken(&other.value.ca, certificate)),
        None => Ok(()),
    }
}

fn taken(ca: &CaId, certificate: &Certificate) -> Error {
    let serial = certificate.serial();
    let detail = format!("another certificate, of the CA {ca}, has the serial number {serial}");
    Error::conflict("duplicate-serial", detail)
}

async fn unit(
    authority: &Authority,
    ca: &CaId,
    certificate: &Certificate,
    profile: Option<&Arc<Profile>>,
    actor: &Actor,
) -> Result<(Unit, CertificateRecord)> {
    let revoked = ImportedRevocationRecord::key_of(ca, certificate.serial());
    let revoked = authority.db.get::<ImportedRevocationRecord>(&revoked).await?;
    let shard = shard(authority, ca, certificate).await?;
    let origin = Origin { ca, shard, requester: format!("reimport by {actor}") };
    let record = record_of(authority, origin, certificate, revoked.as_ref(), profile)?;
    let mut unit = Unit::new();
    unit.insert(&record)?;
    if record.is_live(authority.clock.now()) {
        renewal::watch_later(&mut unit, &record)?;
    }
    if let Some(revoked) = &revoked {
        replace_revocation(&mut unit, &record, revoked)?;
        unit.items.push(RevocationRecord::count(ca, record.shard, 1));
    }
    let subject = format!("certificate:{}", record.serial);
    unit.event(
        Event::new(authority.clock.now(), actor.clone(), "certificate.reimport", subject)
            .with("ca", ca)
            .with("subject", &record.subject)
            .with("profile", &record.profile)
            .with("revoked", revoked.is_some()),
    );
    Ok((unit, record))
}

/// A shard that the CA does not have (any more, or again) has no CRL: what belongs there stands on the first.
async fn shard(authority: &Authority, ca: &CaId, certificate: &Certificate) -> Result<u32> {
    let points = certificate.extension(ID_CE_CRL_DISTRIBUTION_POINTS);
    let shard = points.map_or(0, |points| shard_in(ca, &points.value));
    let settings = authority.db.get::<CrlSettingsRecord>(&CrlSettingsRecord::key_of(ca)).await?;
    let used = settings.map_or(0, |stored| stored.value.used);
    Ok(if shard > used { 0 } else { shard })
}
