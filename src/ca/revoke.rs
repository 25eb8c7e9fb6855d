//! Revocation: one durable write, however many are revoked already.

use crate::audit::{Actor, Event};
use crate::ca::Authority;
use crate::ca::records::serials::Reference;
use crate::ca::records::{CertificateRecord, CompromisedKeyRecord, RevocationRecord, Status};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::Serial;
use crate::store::{CommitError, Stored, Unit, When};
use crate::x509::crl::Reason;

/// How often a revision conflict is met by reading again.
const ATTEMPTS: usize = 8;

/// Revokes the certificate with that serial number; see [`revoke_named`]. Errors: also `serial-ambiguous`.
pub async fn revoke(
    authority: &Authority,
    serial: &Serial,
    reason: Reason,
    actor: Actor,
) -> Result<CertificateRecord> {
    revoke_named(authority, &Reference::of(serial), reason, actor).await
}

/// Revokes a certificate of ours; revoking it again with the same reason changes nothing.
/// Errors: `not-found`, `already-revoked` (another reason), `ca-certificate` (a CA's or our own: needs another right).
pub async fn revoke_named(
    authority: &Authority,
    named: &Reference,
    reason: Reason,
    actor: Actor,
) -> Result<CertificateRecord> {
    for _ in 0..ATTEMPTS {
        let found = match named.find(&authority.db).await {
            Err(error) if error.kind() == Kind::NotFound => {
                refuse_ca(authority, named.serial())?;
                return Err(error);
            }
            found => found?,
        };
        refuse_own(&found.value, &actor)?;
        if is_done(&found.value, reason)? {
            return Ok(found.value);
        }
        let now = authority.clock.now();
        let (unit, revoked) = unit(found, reason, &actor, now)?;
        match authority.db.commit(unit).await {
            Ok(_) => return Ok(revoked),
            Err(CommitError::Refused { .. }) => {}
            Err(CommitError::Failed(error)) => return Err(error),
        }
    }
    Err(Error::conflict("state-conflict", "the certificate is being changed by other requests; try again"))
}

/// A CA's certificate is no record of the kind that is revoked here: it is known from the hierarchy.
fn refuse_ca(authority: &Authority, serial: &Serial) -> Result<()> {
    let hierarchy = authority.hierarchy();
    let is_ca = |ca: &crate::ca::LoadedCa| ca.certificate.as_ref().is_some_and(|c| c.serial() == serial);
    match hierarchy.all().iter().find(|ca| is_ca(ca)) {
        None => Ok(()),
        Some(ca) => Err(forbidden(format!("{serial} is the certificate of the CA {}", ca.record.id))),
    }
}

/// Signet's own identities (RA, TLS) are asked for by itself, and only it revokes them.
fn refuse_own(record: &CertificateRecord, actor: &Actor) -> Result<()> {
    let is_own = record.requester == Actor::System.to_string();
    if is_own && *actor != Actor::System {
        return Err(forbidden(format!("{} is a certificate of Signet's own", record.serial)));
    }
    Ok(())
}

fn forbidden(what: String) -> Error {
    Error::new(Kind::Forbidden, "ca-certificate", format!("{what}: it is not revoked by this command"))
}

fn is_done(record: &CertificateRecord, wanted: Reason) -> Result<bool> {
    match record.status {
        Status::Good => Ok(false),
        Status::Revoked { reason, .. } if reason == wanted => Ok(true),
        Status::Revoked { at, reason, .. } => Err(Error::conflict(
            "already-revoked",
            format!("{} was revoked at {at} with the reason {}", record.serial, reason.as_str()),
        )),
    }
}

/// Status, revocation row, the CA's counter of revocations and the event, in one write.
fn unit(
    found: Stored<CertificateRecord>,
    reason: Reason,
    actor: &Actor,
    now: Timestamp,
) -> Result<(Unit, CertificateRecord)> {
    let at = now.whole_secs();
    let Stored { value: mut record, revision } = found;
    record.status = Status::Revoked { at, reason, invalidity: None };
    let mut unit = Unit::new();
    unit.replace(&record, revision)?;
    unit.insert(&RevocationRecord::of(&record, at, reason, None))?;
    if reason == Reason::KeyCompromise {
        let (key_fingerprint, serial) = (record.key_fingerprint, record.serial.clone());
        unit.put(&CompromisedKeyRecord { key_fingerprint, serial, at }, When::Always)?;
    }
    unit.items.push(RevocationRecord::count(&record.ca, record.shard, 1));
    unit.event(
        Event::new(now, actor.clone(), "certificate.revoke", format!("certificate:{}", record.serial))
            .with("reason", reason.as_str())
            .with("ca", &record.ca)
            .with("subject", &record.subject),
    );
    Ok((unit, record))
}
