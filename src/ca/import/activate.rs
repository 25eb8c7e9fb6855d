//! The end of an import: the CA becomes one of ours, with its first CRL, in one durable write.

use std::sync::Arc;

use super::records::ImportRecord;
use super::standing;
use crate::audit::{Actor, Event};
use crate::ca::anew::{self, Decided};
use crate::ca::crl::PublishedCrl;
use crate::ca::records::{CaRecord, CrlRecord};
use crate::ca::{Authority, crl, to_the_end};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::store::{Stored, Unit};
use crate::x509::cert::Certificate;

/// A CA that moved in.
#[derive(Debug)]
pub struct Activated {
    /// Its CRL: the first of ours, or the last if it had moved in before.
    pub crl: Arc<PublishedCrl>,
    /// Whether its CRLNumber jumps because nobody knew the last one of theirs.
    pub jumped: bool,
}

/// Makes an import's CA one of ours and publishes its first CRL, with every revocation that came. Its CRLNumber is
/// above `last_number`, the highest that was ever published; without it above the seconds since 1970, which is more than
/// a CA counts. Again it changes nothing. A caller that leaves does not cut it off.
/// Errors: `not-found`, `crl-number`, `ca-exists`, `state-conflict`, `storage`.
pub async fn activate(
    authority: &Authority,
    id: &CaId,
    last_number: Option<u64>,
    actor: Actor,
) -> Result<Activated> {
    let (authority, id) = (authority.clone(), id.clone());
    to_the_end(async move { activated(&authority, &id, last_number, actor).await }).await
}

async fn activated(
    authority: &Authority,
    id: &CaId,
    last_number: Option<u64>,
    actor: Actor,
) -> Result<Activated> {
    let actor = &actor;
    let decide = || async move {
        let (import, certificate) = standing(authority, id).await?;
        if import.value.activated.is_some() {
            return Ok(Decided { unit: None, outcome: None });
        }
        let now = authority.clock.now();
        let crl = first_crl(authority, &import.value, &certificate, last_number, now).await?;
        let unit = unit(&import, &certificate, &crl, actor, now)?;
        Ok(Decided { unit: Some(unit), outcome: Some(crl) })
    };
    match anew::commit(&authority.db, decide).await? {
        Some(crl) => {
            authority.reload().await?;
            let crl = authority.published().show(&crl);
            Ok(Activated { crl, jumped: last_number.is_none() })
        }
        None => {
            let crl = authority.published().of(id).ok_or_else(|| Error::not_found("CRL of the CA", id))?;
            Ok(Activated { crl, jumped: false })
        }
    }
}

async fn first_crl(
    authority: &Authority,
    import: &ImportRecord,
    certificate: &Certificate,
    last_number: Option<u64>,
    now: Timestamp,
) -> Result<CrlRecord> {
    let last = last_number.unwrap_or(u64::try_from(now.secs()).unwrap_or_default());
    let number = last.checked_add(1).filter(|n| *n < u64::MAX / 2).ok_or_else(|| {
        Error::invalid("crl-number", "the CRL number is too high to go on from").at("/last_crl_number")
    })?;
    let signer = authority.keys.signer(&import.key)?;
    crl::first_of_import(authority, import, (certificate, signer), number).await
}

fn unit(
    import: &Stored<ImportRecord>,
    certificate: &Certificate,
    crl: &CrlRecord,
    actor: &Actor,
    now: Timestamp,
) -> Result<Unit> {
    let done = ImportRecord { activated: Some(now), ..import.value.clone() };
    let mut unit = Unit::new();
    unit.replace(&done, import.revision)?;
    unit.insert(&ca_record(&import.value, certificate, now))?;
    unit.insert(crl)?;
    unit.event(
        Event::new(now, actor.clone(), "ca.import", format!("ca:{}", done.id))
            .with("subject", certificate.subject())
            .with("key", done.algorithm)
            .with("revocations", crl.entries)
            .with("crl-number", crl.number),
    );
    Ok(unit)
}

fn ca_record(import: &ImportRecord, certificate: &Certificate, now: Timestamp) -> CaRecord {
    CaRecord {
        id: import.id.clone(),
        role: import.role,
        parent: import.parent.clone(),
        subject: certificate.subject().clone(),
        algorithm: import.algorithm,
        key: import.key.clone(),
        certificate: Some(import.certificate.clone()),
        request: None,
        external_chain: import.external_chain.clone(),
        created: now,
        key_exported: None,
        key_removed: None,
    }
}
