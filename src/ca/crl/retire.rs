//! The end of shards that no certificate points to any more.

use std::time::Duration;

use crate::audit::{Actor, Event};
use crate::ca::crl::settings;
use crate::ca::records::{
    BaseCrlRecord, CertificateRecord, CrlRecord, CrlSettingsRecord, RevocationRecord, Scope,
};
use crate::ca::{Authority, LoadedCa};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::{Db, Scan, Unit, When};

/// So many shards end in one write.
const AT_ONCE: u32 = 1_000;
/// When it is looked again at shards whose last entries have not left yet.
const PAUSE: Duration = Duration::from_hours(6);

/// Ends the shards above those that are issued into, once every certificate that points there has expired and stood on
/// no CRL any more. Errors: `storage`, `state-conflict`.
pub(super) async fn retire(authority: &Authority, ca: &LoadedCa) -> Result<()> {
    let known = &ca.crl.value;
    let keep = if known.shards == 1 { 0 } else { known.shards };
    let now = authority.clock.now();
    if known.used <= keep || known.retire_after.is_some_and(|end| now <= end) {
        return Ok(());
    }
    let (stored, when) = settings::standing(&authority.db, &ca.record.id).await?;
    if stored.value != *known {
        return Ok(());
    }
    let mut settings = stored.value;
    let mut unit = Unit::new();
    match last_use(&authority.db, &settings, keep, now).await? {
        Some(end) => settings.retire_after = Some(end),
        None => end(authority, &mut settings, keep, &mut unit).await?,
    }
    unit.put(&settings, when)?;
    authority.db.commit(unit).await?;
    (settings.used + 1..=known.used)
        .for_each(|shard| authority.published.forget(&Scope { ca: ca.record.id.clone(), shard }));
    authority.reload().await
}

/// Until when something points to a shard above `keep`: looked for from the certificate that expires last, and that is
/// found soon unless there is none.
async fn last_use(
    db: &Db,
    settings: &CrlSettingsRecord,
    keep: u32,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let from = now.sort_key().to_vec();
    let mut scan =
        Scan::all::<CertificateRecord>(CertificateRecord::BY_EXPIRY).range(from, None).backward().limit(1000);
    loop {
        let page = db.scan::<CertificateRecord>(scan.clone()).await?;
        let points = |record: &CertificateRecord| record.ca == settings.ca && record.shard > keep;
        if let Some(found) = page.items.iter().find(|stored| points(&stored.value)) {
            return Ok(Some(found.value.not_after));
        }
        match page.next {
            Some(next) => scan.after = Some(next),
            None => break,
        }
    }
    for shard in keep + 1..=settings.used {
        let rows = db.scan::<RevocationRecord>(RevocationRecord::scan(&settings.ca, shard).limit(1)).await?;
        if !rows.items.is_empty() {
            return Ok(Some(now.plus(PAUSE)));
        }
    }
    Ok(None)
}

/// Ends the highest of them. Should they be used again, their numbers go on.
async fn end(
    authority: &Authority,
    settings: &mut CrlSettingsRecord,
    keep: u32,
    unit: &mut Unit,
) -> Result<()> {
    let first = keep.max(settings.used.saturating_sub(AT_ONCE)) + 1;
    for shard in first..=settings.used {
        let scope = Scope { ca: settings.ca.clone(), shard };
        for key in [CrlRecord::key_of(&scope), CrlRecord::delta_key_of(&scope)] {
            // By its revision: one that is published meanwhile would take its number with it.
            if let Some(crl) = authority.db.get::<CrlRecord>(&key).await? {
                settings.floor = settings.floor.max(crl.value.number);
                unit.delete::<CrlRecord>(&key, When::Revision(crl.revision));
            }
        }
        unit.delete::<BaseCrlRecord>(&BaseCrlRecord::key_of(&scope), When::Always);
    }
    let now = authority.clock.now();
    unit.event(
        Event::new(now, Actor::System, "ca.retire-crl", format!("ca:{}", settings.ca))
            .with("first", first)
            .with("last", settings.used),
    );
    settings.used = first - 1;
    Ok(())
}
