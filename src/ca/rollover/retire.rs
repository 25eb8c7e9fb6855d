//! The end of a CA that is out of service: it retires by itself when its last certificate expired.

use std::time::Duration;

use super::records::RolloverRecord;
use crate::audit::{Actor, Event};
use crate::ca::records::{CertificateRecord, Role};
use crate::ca::{Authority, LoadedCa, crl};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::store::{Scan, Stored, Unit};

/// A CA stays at least so long after the turn: what was under way then is done.
const SHORTEST: Duration = Duration::from_hours(24);
/// Certificates that are read at once.
const PAGE: usize = 500;

/// Retires the CAs that are out of service and whose last certificate expired. One that fails keeps no other. Returns
/// who retired, and the failures by CA.
pub async fn retire_due(authority: &Authority) -> (Vec<CaId>, Vec<(CaId, Error)>) {
    let (mut retired, mut failed) = (Vec::new(), Vec::new());
    let hierarchy = authority.hierarchy();
    for rollover in hierarchy.rollovers().iter().filter(|r| r.retired.is_none()) {
        let Some((ca, since)) = rollover.outgoing() else { continue };
        match retire_if_due(authority, rollover, since).await {
            Ok(true) => retired.push(ca.clone()),
            Ok(false) => {}
            Err(error) => failed.push((ca.clone(), error)),
        }
    }
    (retired, failed)
}

async fn retire_if_due(authority: &Authority, rollover: &RolloverRecord, since: Timestamp) -> Result<bool> {
    let now = authority.clock.now();
    if now < since.plus(SHORTEST) {
        return Ok(false);
    }
    let last = match rollover.last_leaf {
        Some(last) => last,
        None => look_for_the_last(authority, rollover).await?,
    };
    if last >= now {
        return Ok(false);
    }
    // What was looked for long ago is looked for once more: a CA that was made below it since then needs it still.
    if rollover.last_leaf.is_some() && look_for_the_last(authority, rollover).await? >= now {
        return Ok(false);
    }
    retire(authority, rollover).await.map(|()| true)
}

/// Looks for the end of the last certificate, and keeps it: nothing is issued any more but the CA's own OCSP
/// responders, which live as long as there is somebody to answer for.
async fn look_for_the_last(authority: &Authority, rollover: &RolloverRecord) -> Result<Timestamp> {
    let Some((id, since)) = rollover.outgoing() else { return Ok(rollover.prepared) };
    let ca = authority.hierarchy().require(id)?.clone();
    let found = match ca.record.role {
        Role::Issuing => last_certificate(authority, id, since.plus(Duration::from_hours(1))).await?,
        Role::Root => last_ca_below(authority, &ca),
    };
    let last = found.unwrap_or(since);
    change(authority, rollover, |standing| standing.last_leaf = Some(last), None).await?;
    Ok(last)
}

/// The latest end among the certificates that a CA issued until `until`. Errors: `storage`.
async fn last_certificate(authority: &Authority, ca: &CaId, until: Timestamp) -> Result<Option<Timestamp>> {
    let from = authority.clock.now().sort_key().to_vec();
    let mut scan =
        Scan::all::<CertificateRecord>(CertificateRecord::BY_EXPIRY).range(from, None).backward().limit(PAGE);
    loop {
        let page = authority.db.scan::<CertificateRecord>(scan.clone()).await?;
        let records = page.items.iter().map(|stored| &stored.value);
        if let Some(last) = records.clone().find(|r| r.ca == *ca && r.id.made_at() <= until) {
            return Ok(Some(last.not_after));
        }
        match page.next {
            Some(next) => scan = scan.after(Some(next)),
            None => return Ok(None),
        }
    }
}

fn last_ca_below(authority: &Authority, root: &LoadedCa) -> Option<Timestamp> {
    let hierarchy = authority.hierarchy();
    let below = hierarchy.all().iter().filter(|ca| ca.record.parent.as_ref() == Some(&root.record.id));
    below.filter_map(|ca| ca.certificate.as_ref().map(|c| c.not_after())).max()
}

/// Its last CRL is good until its own end and stays served; then it signs nothing more.
async fn retire(authority: &Authority, rollover: &RolloverRecord) -> Result<()> {
    let Some((id, _)) = rollover.outgoing() else { return Ok(()) };
    let now = authority.clock.now();
    let ca = authority.hierarchy().require(id)?.clone();
    let in_date = ca.certificate.as_ref().is_some_and(|c| c.is_valid_at(now));
    if ca.ready().is_ok() && in_date {
        crl::publish_last(authority, id).await?;
    }
    let event = Event::new(now, Actor::System, "ca.retire", format!("ca:{id}"));
    change(authority, rollover, |standing| standing.retired = Some(now), Some(event)).await?;
    tracing::info!(ca = %id, "retired: its last certificate expired");
    Ok(())
}

async fn change(
    authority: &Authority,
    rollover: &RolloverRecord,
    edit: impl FnOnce(&mut RolloverRecord),
    event: Option<Event>,
) -> Result<()> {
    let _alone = authority.rolling.lock().await;
    let key = RolloverRecord::key_of(&rollover.next);
    let Stored { mut value, revision } = authority.db.require::<RolloverRecord>(&key, &rollover.next).await?;
    edit(&mut value);
    let mut unit = Unit::new();
    unit.replace(&value, revision)?;
    event.into_iter().for_each(|event| unit.event(event));
    authority.db.commit(unit).await?;
    authority.reload().await
}
