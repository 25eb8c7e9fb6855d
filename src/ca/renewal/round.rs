//! A round over those whose moment has come: each costs one look, those whose moment is still to come cost nothing.

use crate::ca::Authority;
use crate::ca::profile::{ProfileSet, RenewalPoints};
use crate::ca::records::CertificateRecord;
use crate::ca::renewal::records::{Part, RenewalRecord, Stage, VANISHED_KEPT};
use crate::ca::renewal::successor::{is_gone, stands, successor};
use crate::ca::renewal::write::{Change, write};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::{Db, Record, Stored, When};

/// So many are looked at, and written, at once.
const BATCH: usize = 200;

/// Looks at what is new, and at renewed ones that are to be looked at again; with `thorough` also at all that are due or
/// vanished, whether they were enrolled anew or revoked meanwhile. Returns how many were looked at. Errors: `storage`.
pub async fn round(authority: &Authority, profiles: &ProfileSet, thorough: bool) -> Result<usize> {
    const ALWAYS: [Part; 2] = [Part::New, Part::Renewed];
    const AT_TIMES: [Part; 2] = [Part::Due, Part::Expiry];
    let now = authority.clock.now();
    let mut looked_at = 0;
    for part in ALWAYS.into_iter().chain(AT_TIMES.into_iter().filter(|_| thorough)) {
        looked_at += look_through(&authority.db, profiles, part, now).await?;
    }
    Ok(looked_at)
}

async fn look_through(db: &Db, profiles: &ProfileSet, part: Part, now: Timestamp) -> Result<usize> {
    let (mut looked_at, mut after) = (0, None);
    loop {
        let page = db.scan::<RenewalRecord>(part.until(now).limit(BATCH).after(after)).await?;
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
        Stage::Open | Stage::Vanished | Stage::Renewed { .. } => record.clone(),
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
