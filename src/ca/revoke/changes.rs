//! What revocations and releases write: each certificate, its row, the counts of the shards, the events.

use std::collections::BTreeMap;

use super::{Revocation, dates};
use crate::audit::{Actor, Event};
use crate::ca::records::{CertificateRecord, CompromisedKeyRecord, RevocationRecord, Status};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::CaId;
use crate::store::{Stored, Unit, When};
use crate::x509::crl::Reason;

/// A unit of work that revokes and releases.
pub(super) struct Changes<'a> {
    unit: Unit,
    /// How many rows change, by CA and shard: one item each, however many certificates.
    counts: BTreeMap<(CaId, u32), i64>,
    actor: &'a Actor,
    now: Timestamp,
}

impl<'a> Changes<'a> {
    pub(super) fn new(actor: &'a Actor, now: Timestamp) -> Self {
        Self { unit: Unit::new(), counts: BTreeMap::new(), actor, now }
    }

    /// Adds a revocation: status, row, counter and event. One that is revoked so already adds nothing.
    /// Errors: as [`super::revoke_named`]; then nothing was added.
    pub(super) fn revoke(
        &mut self,
        found: Stored<CertificateRecord>,
        how: &Revocation,
    ) -> Result<CertificateRecord> {
        let Some(record) = revoked(&found.value, how, self.actor, self.now)? else { return Ok(found.value) };
        let Status::Revoked { at, reason, invalidity } = record.status else {
            return Err(Error::internal("a revocation that revokes nothing"));
        };
        let row = RevocationRecord::of(&record, at, reason, invalidity);
        let mut event = self.event("certificate.revoke", &record).with("reason", reason.as_str());
        if how.at.is_some() {
            event = event.with("date", at);
        }
        if let Some(invalidity) = invalidity {
            event = event.with("invalidity-date", invalidity);
        }
        // Of a hold there is a row already; that the record is as it was read excludes others.
        self.unit.put(&row, When::Always)?;
        self.change(&record, found.revision, event)?;
        if reason == Reason::KeyCompromise {
            let (key_fingerprint, serial) = (record.key_fingerprint, record.serial.clone());
            self.unit.put(&CompromisedKeyRecord { key_fingerprint, serial, at }, When::Always)?;
        }
        Ok(record)
    }

    /// Adds a release: the row leaves. That it stood on the CRL before is known from that CRL, from which the delta is
    /// made (removeFromCRL). Errors: as [`super::release`].
    pub(super) fn release(&mut self, found: Stored<CertificateRecord>) -> Result<CertificateRecord> {
        let Stored { value: mut record, revision } = found;
        let Status::Revoked { reason: Reason::CertificateHold, .. } = record.status else {
            return Err(not_on_hold(&record));
        };
        record.status = Status::Good;
        let row = RevocationRecord::key_of(&record.ca, record.shard, &record.id);
        self.unit.delete::<RevocationRecord>(&row, When::Always);
        let event = self.event("certificate.release", &record);
        self.change(&record, revision, event)?;
        Ok(record)
    }

    /// The unit; none if nothing changes.
    pub(super) fn into_unit(mut self) -> Option<Unit> {
        if self.unit.items.is_empty() {
            return None;
        }
        for ((ca, shard), changed) in &self.counts {
            self.unit.items.push(RevocationRecord::count(ca, *shard, *changed));
        }
        Some(self.unit)
    }

    fn change(&mut self, record: &CertificateRecord, revision: u64, event: Event) -> Result<()> {
        self.unit.replace(record, revision)?;
        self.unit.event(event);
        *self.counts.entry((record.ca.clone(), record.shard)).or_default() += 1;
        Ok(())
    }

    fn event(&self, action: &str, record: &CertificateRecord) -> Event {
        Event::new(self.now, self.actor.clone(), action, format!("certificate:{}", record.serial))
            .with("ca", &record.ca)
            .with("subject", &record.subject)
    }
}

/// The record once it is revoked; none if it is revoked so already. Errors: as [`super::revoke_named`].
pub(super) fn revoked(
    record: &CertificateRecord,
    how: &Revocation,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<CertificateRecord>> {
    refuse_own(record, how.own, actor)?;
    let wanted = how.reason;
    let dated = dates::hold(how, record.not_before, now)?;
    let at = match record.status {
        Status::Good => dated,
        Status::Revoked { reason, .. } if reason == wanted => return Ok(None),
        // X.509 (ITU-T) 9.5.3.1: what follows a hold counts from the day on which that began.
        Status::Revoked { at, reason: Reason::CertificateHold, .. } => since_hold(at, how)?,
        Status::Revoked { at, reason, .. } => {
            let text = format!("{} was revoked at {at} with the reason {}", record.serial, reason.as_str());
            return Err(Error::conflict("already-revoked", text));
        }
    };
    let status = Status::Revoked { at, reason: wanted, invalidity: how.invalidity };
    Ok(Some(CertificateRecord { status, ..record.clone() }))
}

fn since_hold(held: Timestamp, how: &Revocation) -> Result<Timestamp> {
    match how.at {
        None => Ok(held),
        Some(at) if at <= held => Ok(at),
        Some(at) => {
            let rule = format!("{at} is after the hold, which began at {held}");
            Err(dates::out_of_range(&rule).at("/date"))
        }
    }
}

/// Signet's own identities (RA, TLS, OCSP) are asked for by itself: an operator names them as what they are.
fn refuse_own(record: &CertificateRecord, is_named: bool, actor: &Actor) -> Result<()> {
    if !is_own(record) || is_named || *actor == Actor::System {
        return Ok(());
    }
    let text = format!(
        "{} is a certificate of Signet's own ({}): it is only revoked by its serial number, with own",
        record.serial, record.profile
    );
    Err(Error::new(Kind::Forbidden, "ca-certificate", text))
}

/// Whether it is one of Signet's own identities.
fn is_own(record: &CertificateRecord) -> bool {
    record.requester == Actor::System.to_string()
}

fn not_on_hold(record: &CertificateRecord) -> Error {
    let stands = match record.status {
        Status::Good => format!("{} is not revoked", record.serial),
        Status::Revoked { at, reason, .. } => {
            format!("{} was revoked at {at} with the reason {}", record.serial, reason.as_str())
        }
    };
    Error::conflict("not-on-hold", format!("only certificateHold can be released: {stands}"))
}
