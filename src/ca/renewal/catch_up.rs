//! Certificates that are not in the book, or stand there by other points than their profiles have now.

use crate::ca::Authority;
use crate::ca::profile::{ProfileSet, RenewalPoints};
use crate::ca::records::{CertificateRecord, serials};
use crate::ca::renewal::records::{RenewalBook, RenewalRecord};
use crate::ca::renewal::write::{Change, write};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::ProfileId;
use crate::store::{Db, KeyBuilder, PRIMARY, Record, Scan, Unit, When};

const BATCH: usize = 200;

/// Brings the book up to the profiles in force: takes up the live certificates of a store that has none yet, and moves
/// those of profiles whose points changed. Nothing to do costs one read. Returns whether something was to be done.
/// A run that breaks off is done again as a whole. Errors: `storage`.
pub async fn catch_up(authority: &Authority, profiles: &ProfileSet) -> Result<bool> {
    let (db, now) = (&authority.db, authority.clock.now());
    let points: Vec<_> =
        profiles.all().iter().map(|p| (p.id().clone(), p.renewal().points.parts())).collect();
    let standing = db.get::<RenewalBook>(RenewalBook::KEY).await?.map(|stored| stored.value);
    match &standing {
        Some(book) if book.points == points => return Ok(false),
        Some(book) => move_changed(db, profiles, &changed(&book.points, &points), now).await?,
        None => take_up(db, profiles, now).await?,
    }
    let mut unit = Unit::new();
    unit.put(&RenewalBook { points }, When::Always)?;
    db.commit(unit).await?;
    Ok(true)
}

type Points = (ProfileId, (u32, u32));

/// The profiles that are in one of the lists only, or otherwise in the other.
fn changed(before: &[Points], after: &[Points]) -> Vec<ProfileId> {
    let gone = before.iter().filter(|one| !after.contains(one));
    let new = after.iter().filter(|one| !before.contains(one));
    gone.chain(new).map(|(profile, _)| profile.clone()).collect()
}

async fn move_changed(db: &Db, profiles: &ProfileSet, changed: &[ProfileId], now: Timestamp) -> Result<()> {
    let mut scan = Scan::all::<RenewalRecord>(PRIMARY).limit(BATCH);
    loop {
        let page = db.scan::<RenewalRecord>(scan.clone()).await?;
        let of_changed = page.items.iter().filter(|stored| changed.contains(&stored.value.profile));
        let changes: Vec<Change> = of_changed
            .map(|stored| {
                let moved = stored.value.by_points(points(profiles, &stored.value.profile), now);
                Change::Put(moved, When::Revision(stored.revision))
            })
            .collect();
        write(db, &changes).await?;
        match page.next {
            Some(next) => scan.after = Some(next),
            None => return Ok(()),
        }
    }
}

/// The live certificates, but for our own, which renew themselves.
async fn take_up(db: &Db, profiles: &ProfileSet, now: Timestamp) -> Result<()> {
    let good = |at: Timestamp| KeyBuilder::new().bytes(&[0]).time(at).build();
    let mut scan = Scan::all::<CertificateRecord>(CertificateRecord::BY_STATUS)
        .range(good(now), Some(vec![1]))
        .limit(BATCH);
    loop {
        let page = db.scan::<CertificateRecord>(scan.clone()).await?;
        let mut changes = Vec::new();
        for stored in &page.items {
            changes.extend(taken_up(db, profiles, &stored.value, now).await?);
        }
        write(db, &changes).await?;
        match page.next {
            Some(next) => scan.after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn taken_up(
    db: &Db,
    profiles: &ProfileSet,
    certificate: &CertificateRecord,
    now: Timestamp,
) -> Result<Vec<Change>> {
    if profiles.require(&certificate.profile).is_ok_and(|profile| profile.is_internal()) {
        return Ok(Vec::new());
    }
    let points = points(profiles, &certificate.profile);
    let mut changes = Vec::new();
    if db.get::<RenewalRecord>(&certificate.key()).await?.is_none() {
        let record = RenewalRecord::new(certificate, points).placed(now);
        changes.push(Change::Put(record, When::Absent));
    }
    if let Some(renewed) = &certificate.renews {
        for old in serials::all(db, renewed).await?.into_iter().map(|stored| stored.value) {
            if old.is_live(now) && old.profile == certificate.profile {
                let record = RenewalRecord::new(&old, points).renewed_by(certificate.serial.clone(), now);
                changes.push(Change::Put(record, When::Always));
            }
        }
    }
    Ok(changes)
}

fn points(profiles: &ProfileSet, profile: &ProfileId) -> RenewalPoints {
    profiles.require(profile).map(|profile| profile.renewal().points).unwrap_or_default()
}
