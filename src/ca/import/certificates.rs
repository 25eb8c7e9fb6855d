//! Certificates that a CA issued before it moved in, taken into the same records and indexes as our own.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::judge::{Judged, judge};
use super::records::{ImportRecord, ImportedRevocationRecord};
use super::{Fate, MOST_CERTIFICATES, UNNAMED_PROFILE, standing, unit_of};
use crate::audit::Actor;
use crate::ca::anew::{self, Decided};
use crate::ca::profile::Profile;
use crate::ca::records::{CertificateRecord, CompromisedKeyRecord, RevocationRecord, Status, serials};
use crate::ca::{Authority, on_thread, renewal};
use crate::error::{Error, Result};
use crate::id::{CaId, ProfileId, RecordId, Serial};
use crate::store::{Record, Stored, Unit, When};
use crate::x509::cert::Certificate;
use crate::x509::crl::Reason;

/// What came from before points to the one CRL that its CA had.
pub(super) const SHARD: u32 = 0;
/// How the requester of an imported certificate begins: what we issue ourselves has another.
pub(super) const REQUESTER: &str = "import by ";

/// Takes in a batch (DER, at most [`MOST_CERTIFICATES`]) that the CA `id` issued: one durable write for those that are
/// new. They count as certificates of `profile`, so that it renews them; without one they are not renewed.
/// Returns what became of each, in order. Errors: `not-found`, `too-many-items`, `state-conflict`, `storage`.
pub async fn certificates(
    authority: &Authority,
    id: &CaId,
    ders: Vec<Vec<u8>>,
    profile: Option<Arc<Profile>>,
    actor: Actor,
) -> Result<Vec<Fate>> {
    if ders.len() > MOST_CERTIFICATES {
        return Err(Error::invalid(
            "too-many-items",
            format!("at most {MOST_CERTIFICATES} certificates at once"),
        ));
    }
    let (_, issuer) = standing(authority, id).await?;
    let judged =
        on_thread(move || Ok(ders.iter().map(|der| judge(der, &issuer)).collect::<Vec<_>>())).await?;
    let batch = Batch { authority, id, profile, actor };
    let decide = || async {
        let (import, _) = standing(authority, id).await?;
        let (fates, unit) = batch.sort(&import, &judged).await?;
        let changes = fates.iter().any(|fate| matches!(fate, Fate::Imported));
        Ok(Decided { unit: changes.then_some(unit), outcome: fates })
    };
    anew::commit(&authority.db, decide).await
}

struct Batch<'a> {
    authority: &'a Authority,
    id: &'a CaId,
    profile: Option<Arc<Profile>>,
    actor: Actor,
}

impl Batch<'_> {
    /// What becomes of each, and the unit that takes in those that are new.
    async fn sort(
        &self,
        import: &Stored<ImportRecord>,
        judged: &[Result<Judged>],
    ) -> Result<(Vec<Fate>, Unit)> {
        let (mut fates, mut here) = (Vec::with_capacity(judged.len()), HashMap::<Serial, [u8; 32]>::new());
        let mut items = Unit::new();
        for one in judged {
            fates.push(match one {
                Err(error) => Fate::Refused(again(error)),
                Ok(Judged::Skipped(reason)) => Fate::Skipped(reason.clone()),
                Ok(Judged::Issued(certificate)) => {
                    let fate = match here.get(certificate.serial()) {
                        Some(print) => alike(*print, certificate),
                        None => self.take(certificate, &mut items).await?,
                    };
                    here.entry(certificate.serial().clone()).or_insert_with(|| certificate.fingerprint());
                    fate
                }
            });
        }
        let count = fates.iter().filter(|fate| matches!(fate, Fate::Imported)).count();
        let now = self.authority.clock.now();
        let mut unit = unit_of(import, "ca.import-certificates", count, &self.actor, now)?;
        // A row that moves from one set of revocations to the other is read by the next CRL again.
        unit.items.push(RevocationRecord::count(self.id, SHARD, i64::from(count > 0)));
        unit.append(items);
        Ok((fates, unit))
    }

    async fn take(&self, certificate: &Certificate, unit: &mut Unit) -> Result<Fate> {
        let db = &self.authority.db;
        if let Some(found) = serials::of(db, self.id, certificate.serial()).await? {
            return Ok(alike(found.value.fingerprint, certificate));
        }
        if let Some(other) =
            serials::all(db, certificate.serial()).await?.iter().find(|o| o.value.ca != *self.id)
            && certificate.serial().content().len() >= serials::LONG
        {
            return Ok(Fate::Refused(taken(&other.value)));
        }
        let revoked = ImportedRevocationRecord::key_of(self.id, certificate.serial());
        let revoked = db.get::<ImportedRevocationRecord>(&revoked).await?;
        let origin = Origin { ca: self.id, shard: SHARD, requester: format!("{REQUESTER}{}", self.actor) };
        let record = record_of(self.authority, origin, certificate, revoked.as_ref(), self.profile.as_ref())?;
        unit.insert(&record)?;
        if record.is_live(self.authority.clock.now()) {
            renewal::watch_later(unit, &record)?;
        }
        if let Some(revoked) = revoked {
            replace_revocation(unit, &record, &revoked)?;
        }
        Ok(Fate::Imported)
    }
}

/// Where a certificate comes from.
pub(super) struct Origin<'a> {
    /// Who signed it.
    pub ca: &'a CaId,
    /// On which of the CA's CRLs it would stand.
    pub shard: u32,
    /// Who brought it.
    pub requester: String,
}

/// The record of a certificate that was issued before it is taken in.
pub(super) fn record_of(
    authority: &Authority,
    origin: Origin<'_>,
    certificate: &Certificate,
    revoked: Option<&Stored<ImportedRevocationRecord>>,
    profile: Option<&Arc<Profile>>,
) -> Result<CertificateRecord> {
    let named = match profile {
        Some(profile) => profile.id().clone(),
        None => UNNAMED_PROFILE.parse::<ProfileId>()?,
    };
    let key_fingerprint = match certificate.public_key() {
        Ok(key) => key.fingerprint(),
        Err(_) => Sha256::digest(certificate.spki()).into(),
    };
    let status = |r: &Stored<ImportedRevocationRecord>| Status::Revoked {
        at: r.value.at,
        reason: r.value.reason,
        invalidity: None,
    };
    Ok(CertificateRecord {
        id: RecordId::new(certificate.not_before(), &authority.random)?,
        serial: certificate.serial().clone(),
        ca: origin.ca.clone(),
        profile: named,
        subject: certificate.subject().clone(),
        // Names that break our rules were another's to judge: the certificate is found by its subject.
        sans: certificate.sans().unwrap_or_default(),
        device: profile.and_then(|p| p.device_name(certificate.subject())),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        key_fingerprint,
        fingerprint: certificate.fingerprint(),
        der: certificate.der().to_vec(),
        status: revoked.map_or(Status::Good, status),
        requester: origin.requester,
        renews: None,
        shard: origin.shard,
    })
}

/// The revocation was known by its serial number alone; now it stands beside its certificate, as those of our own.
pub(super) fn replace_revocation(
    unit: &mut Unit,
    record: &CertificateRecord,
    revoked: &Stored<ImportedRevocationRecord>,
) -> Result<()> {
    unit.delete::<ImportedRevocationRecord>(&revoked.value.key(), When::Revision(revoked.revision));
    if !revoked.value.left {
        unit.insert(&RevocationRecord::of(record, revoked.value.at, revoked.value.reason, None))?;
    }
    note_compromise(unit, record, revoked.value.reason)
}

/// A key that was reported as compromised serves nobody again.
pub(in crate::ca) fn note_compromise(
    unit: &mut Unit,
    record: &CertificateRecord,
    reason: Reason,
) -> Result<()> {
    if reason == Reason::KeyCompromise {
        let Status::Revoked { at, .. } = record.status else { return Ok(()) };
        let (key_fingerprint, serial) = (record.key_fingerprint, record.serial.clone());
        unit.put(&CompromisedKeyRecord { key_fingerprint, serial, at }, When::Always)?;
    }
    Ok(())
}

fn alike(fingerprint: [u8; 32], certificate: &Certificate) -> Fate {
    if fingerprint == certificate.fingerprint() {
        return Fate::Known;
    }
    let detail = format!("another certificate of this CA has the serial number {}", certificate.serial());
    Fate::Refused(Error::conflict("duplicate-serial", detail))
}

fn taken(other: &CertificateRecord) -> Error {
    let detail = format!("its serial number is that of a certificate of the CA {}", other.ca);
    Error::conflict("duplicate-serial", detail)
}

/// The judgement is kept for a second attempt.
fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.code(), error.detail())
}
