//! Many revocations: some hundred certificates in each durable write, several writes under way at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tokio::task::JoinSet;

use super::changes::Changes;
use super::{Revocation, judge};
use crate::audit::Actor;
use crate::ca::Authority;
use crate::ca::anew::{self, Decided};
use crate::ca::records::CertificateRecord;
use crate::error::{Error, Result};
use crate::id::RecordId;
use crate::store::{Record, Stored};

/// Certificates of one write: few enough that an enrolment beside it hardly waits, enough that a write to the disk is
/// shared by many.
const OF_ONE_WRITE: usize = 250;

/// What became of one certificate.
#[derive(Debug)]
pub enum Fate {
    /// It was revoked; in a rehearsal: it would be.
    Revoked,
    /// It was revoked before, with the same reason.
    Known,
    /// It was not revoked, because of this.
    Refused(Error),
}

/// Revokes the certificates, each on its own: one that is refused stops no other. Each leaves its own event. Who
/// repeats it after it broke off finds those that were done [`Fate::Known`].
/// Returns what became of each, in order. Errors: `state-conflict`, `storage`; then some may have been revoked.
pub async fn revoke_all(
    authority: &Authority,
    certificates: Vec<Stored<CertificateRecord>>,
    how: Revocation,
    actor: &Actor,
) -> Result<Vec<Fate>> {
    let (distinct, places) = distinct(certificates);
    let mut writes = JoinSet::new();
    let mut distinct = distinct.into_iter().peekable();
    for write in 0.. {
        let part: Vec<_> = distinct.by_ref().take(OF_ONE_WRITE).collect();
        if part.is_empty() {
            break;
        }
        let (authority, actor) = (authority.clone(), actor.clone());
        writes.spawn(async move { (write, revoke_part(&authority, part, &how, &actor).await) });
    }
    let mut done: Vec<(usize, Vec<Fate>)> = Vec::new();
    let mut failed = None;
    while let Some(ended) = writes.join_next().await {
        let (write, fates) =
            ended.map_err(|e| Error::internal("a write of a bulk revocation broke off").because(e))?;
        match fates {
            Ok(fates) => done.push((write, fates)),
            Err(error) => failed = Some(error),
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    done.sort_by_key(|(write, _)| *write);
    Ok(in_order(done.into_iter().flat_map(|(_, fates)| fates).collect(), &places))
}

/// What [`revoke_all`] would do, without doing it.
pub fn rehearse_all(
    authority: &Authority,
    certificates: &[Stored<CertificateRecord>],
    how: &Revocation,
    actor: &Actor,
) -> Vec<Fate> {
    let now = authority.clock.now();
    let mut seen = std::collections::HashSet::new();
    let fate = |stored: &Stored<CertificateRecord>| match judge(&stored.value, how, actor, now) {
        Ok(Some(_)) if seen.insert(stored.value.id) => Fate::Revoked,
        Ok(_) => Fate::Known,
        Err(error) => Fate::Refused(error),
    };
    certificates.iter().map(fate).collect()
}

/// Each certificate once, and for each place of the list which of them it names.
fn distinct(
    certificates: Vec<Stored<CertificateRecord>>,
) -> (Vec<Stored<CertificateRecord>>, Vec<(usize, bool)>) {
    let (mut seen, mut each, mut places) = (HashMap::<RecordId, usize>::new(), Vec::new(), Vec::new());
    for stored in certificates {
        match seen.entry(stored.value.id) {
            Entry::Occupied(earlier) => places.push((*earlier.get(), false)),
            Entry::Vacant(place) => {
                place.insert(each.len());
                places.push((each.len(), true));
                each.push(stored);
            }
        }
    }
    (each, places)
}

/// The fates by place of the list; what was named before is known by then.
fn in_order(fates: Vec<Fate>, places: &[(usize, bool)]) -> Vec<Fate> {
    let again = |fate: &Fate| match fate {
        Fate::Revoked | Fate::Known => Fate::Known,
        Fate::Refused(error) => Fate::Refused(Error::new(error.kind(), error.code(), error.detail())),
    };
    let copies: HashMap<usize, Fate> = places
        .iter()
        .enumerate()
        .filter(|(_, (_, is_first))| !is_first)
        .filter_map(|(place, (which, _))| Some((place, again(fates.get(*which)?))))
        .collect();
    let (mut first, mut copies) = (fates.into_iter(), copies);
    (0..places.len()).filter_map(|place| copies.remove(&place).or_else(|| first.next())).collect()
}

/// One write. What another request changed meanwhile is read again.
async fn revoke_part(
    authority: &Authority,
    part: Vec<Stored<CertificateRecord>>,
    how: &Revocation,
    actor: &Actor,
) -> Result<Vec<Fate>> {
    let keys: Vec<Vec<u8>> = part.iter().map(|stored| stored.value.key()).collect();
    let mut as_read = Some(part);
    let decide = || {
        let (read, keys) = (as_read.take(), &keys);
        async move {
            let part = match read {
                Some(part) => part,
                None => read_again(authority, keys).await?,
            };
            let mut changes = Changes::new(actor, authority.clock.now());
            let outcome = part.into_iter().map(|stored| fate(&mut changes, stored, how)).collect();
            Ok(Decided { unit: changes.into_unit(), outcome })
        }
    };
    anew::commit(&authority.db, decide).await
}

fn fate(changes: &mut Changes<'_>, stored: Stored<CertificateRecord>, how: &Revocation) -> Fate {
    let before = stored.value.status;
    match changes.revoke(stored, how) {
        Ok(record) if record.status == before => Fate::Known,
        Ok(_) => Fate::Revoked,
        Err(error) => Fate::Refused(error),
    }
}

async fn read_again(authority: &Authority, keys: &[Vec<u8>]) -> Result<Vec<Stored<CertificateRecord>>> {
    let mut part = Vec::with_capacity(keys.len());
    for key in keys {
        part.push(authority.db.require::<CertificateRecord>(key, "of that record").await?);
    }
    Ok(part)
}
