//! A round over those whose moment has come: each costs one look, those whose moment is still to come cost nothing.

use crate::ca::Authority;
use crate::ca::profile::{ProfileSet, RenewalPoints};
use crate::ca::records::CertificateRecord;
use crate::ca::renewal::records::{RenewalRecord, Stage, VANISHED_KEPT};
use crate::ca::renewal::successor::{is_gone, stands, successor};
use crate::ca::renewal::write::{Change, write};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::{Db, KeyBuilder, Record, Scan, Stored, When};

/// So many are looked at, and written, at once.
const BATCH: usize = 200;

/// Moves on what has come to its moment; with `thorough` also looks at all that are due or late, whether they were
/// enrolled anew meanwhile. Returns how many were looked at. Errors: `storage`.
pub async fn round(authority: &Authority, profiles: &ProfileSet, thorough: bool) -> Result<usize> {
    let now = authority.clock.now();
    let mut looked_at = 0;
    for stage in Stage::BYTES {
        let open = stage == Stage::Due.byte() || stage == Stage::Late.byte();
        let until = (!(thorough && open)).then_some(now);
        looked_at += stage_round(&authority.db, profiles, stage, until, now).await?;
    }
    Ok(looked_at)
}

async fn stage_round(
    db: &Db,
    profiles: &ProfileSet,
    stage: u8,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<usize> {
    let (mut looked_at, mut after) = (0, None);
    loop {
        let page = db.scan::<RenewalRecord>(part(stage, until).limit(BATCH).after(after)).await?;
        looked_at += page.items.len();
        let mut changes = Vec::new();
        for stored in page.items {
            changes.extend(change(db, profiles, stored, now).await?);
        }
        write(db, &changes).await?;
        after = page.next;
        if after.is_none() {
            return Ok(looked_at);
        }
    }
}

/// The records in a stage whose moment has come by `until`; without it: all of them.
pub(super) fn part(stage: u8, until: Option<Timestamp>) -> Scan {
    let after = |at: Timestamp| {
        KeyBuilder::new().bytes(&[stage]).time(Timestamp::from_millis(at.millis().saturating_add(1))).build()
    };
    let to = until.map_or_else(|| vec![stage + 1], after);
    Scan::all::<RenewalRecord>(RenewalRecord::BY_STAGE).range(vec![stage], Some(to))
}

async fn change(
    db: &Db,
    profiles: &ProfileSet,
    stored: Stored<RenewalRecord>,
    now: Timestamp,
) -> Result<Option<Change>> {
    let Stored { value: record, revision } = stored;
    Ok(match judge(db, profiles, &record, now).await? {
        None => Some(Change::Delete(record, revision)),
        Some(same) if same == record => None,
        Some(moved) => Some(Change::Put(moved, When::Revision(revision))),
    })
}

/// Where a record belongs; nowhere if there is nothing to be renewed any more.
async fn judge(
    db: &Db,
    profiles: &ProfileSet,
    record: &RenewalRecord,
    now: Timestamp,
) -> Result<Option<RenewalRecord>> {
    let Some(certificate) = db.get::<CertificateRecord>(&record.key()).await?.map(|stored| stored.value)
    else {
        return Ok(None);
    };
    if now >= record.not_after.plus(VANISHED_KEPT) || is_gone(&certificate) {
        return Ok(None);
    }
    let record = match &record.stage {
        Stage::New => RenewalRecord::new(&certificate, points(profiles, record)),
        Stage::Renewed { by, .. } if stands(db, by).await? => {
            return Ok((now <= record.not_after).then(|| record.clone().renewed_by(by.clone(), now)));
        }
        Stage::Waiting | Stage::Due | Stage::Late | Stage::Vanished | Stage::Renewed { .. } => record.clone(),
    };
    if now < record.due {
        return Ok(Some(record.placed(now)));
    }
    Ok(match successor(db, &certificate, now).await? {
        Some(_) if now > record.not_after => None,
        Some(by) => Some(record.renewed_by(by, now)),
        None => Some(record.placed(now)),
    })
}

/// The points of its profile; the usual ones if that is gone.
fn points(profiles: &ProfileSet, record: &RenewalRecord) -> RenewalPoints {
    profiles.require(&record.profile).map(|profile| profile.renewal().points).unwrap_or_default()
}
