//! Who is due, late or vanished: pages along the stages, and how many there are.

use serde::{Deserialize, Serialize};

use crate::ca::records::{CertificateRecord, Status};
use crate::ca::renewal::State;
use crate::ca::renewal::records::{RenewalRecord, Stage};
use crate::ca::renewal::round::part;
use crate::ca::renewal::successor::successor;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::{Db, Record, Scan};

/// Counting ends here.
const MOST_COUNTED: usize = 100_000;
const COUNTED_AT_ONCE: usize = 1000;

/// Which ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those past their due point that have not expired, the late ones among them.
    Due,
    /// Those past their late point that have not expired.
    Late,
    /// Those that expired without being renewed, in the last 90 days.
    Vanished,
}

impl Wanted {
    /// Whether one in this state is wanted.
    fn includes(self, state: State) -> bool {
        match (self, state) {
            (Self::Due, State::Due | State::Late)
            | (Self::Late, State::Late)
            | (Self::Vanished, State::Vanished) => true,
            (Self::Due | Self::Late | Self::Vanished, _) => false,
        }
    }

    /// The parts of the index where they are. What came to its moment since the last round still stands a stage before.
    fn parts(self, now: Timestamp) -> Vec<Scan> {
        let all = |stage: Stage| part(stage.byte(), None);
        let come = |stage: Stage| part(stage.byte(), Some(now));
        match self {
            Self::Due => vec![all(Stage::Late), all(Stage::Due), come(Stage::Waiting)],
            Self::Late => vec![all(Stage::Late), come(Stage::Due), come(Stage::Waiting)],
            Self::Vanished => {
                vec![all(Stage::Vanished), come(Stage::Late), come(Stage::Due), come(Stage::Waiting)]
            }
        }
    }
}

/// Where a page ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    part: usize,
    after: Option<Vec<u8>>,
}

/// One that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The certificate.
    pub certificate: CertificateRecord,
    /// Its moments.
    pub renewal: RenewalRecord,
    /// How it stands.
    pub state: State,
}

/// Up to `limit` certificates that are `matching` too, the most urgent stage first, after looking at `most` at the most;
/// and where to go on. Errors: `storage`.
pub async fn page(
    db: &Db,
    wanted: Wanted,
    (mut place, limit, most): (Place, usize, usize),
    now: Timestamp,
    matching: impl Fn(&CertificateRecord) -> bool,
) -> Result<(Vec<Found>, Option<Place>)> {
    let (mut found, mut looked_at) = (Vec::new(), 0);
    let parts = wanted.parts(now);
    while let Some(scan) = parts.get(place.part) {
        if found.len() >= limit || looked_at >= most {
            return Ok((found, Some(place)));
        }
        let scan = scan.clone().limit(limit - found.len()).after(place.after.take());
        let batch = db.scan::<RenewalRecord>(scan).await?;
        looked_at += batch.items.len();
        for stored in batch.items {
            let state = stored.value.state(now);
            if wanted.includes(state)
                && let Some(certificate) = unrenewed(db, &stored.value, now).await?
                && matching(&certificate)
            {
                found.push(Found { certificate, renewal: stored.value, state });
            }
        }
        place = match batch.next {
            Some(next) => Place { part: place.part, after: Some(next) },
            None => Place { part: place.part + 1, after: None },
        };
    }
    Ok((found, None))
}

/// The certificate, unless it was revoked or there is a later one.
async fn unrenewed(db: &Db, renewal: &RenewalRecord, now: Timestamp) -> Result<Option<CertificateRecord>> {
    let Some(stored) = db.get::<CertificateRecord>(&renewal.key()).await? else { return Ok(None) };
    let certificate = stored.value;
    let is_open = certificate.status == Status::Good && successor(db, &certificate, now).await?.is_none();
    Ok(is_open.then_some(certificate))
}

/// How many there are, as of the last round. Past 100,000 of one sort they are not counted on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Past their due point, the late ones among them.
    pub due: usize,
    /// Past their late point.
    pub late: usize,
    /// Expired without being renewed.
    pub vanished: usize,
}

/// Counts them. Costs by their number. Errors: `storage`.
pub async fn counts(db: &Db, now: Timestamp) -> Result<Counts> {
    Ok(Counts {
        due: count(db, Wanted::Due, now).await?,
        late: count(db, Wanted::Late, now).await?,
        vanished: count(db, Wanted::Vanished, now).await?,
    })
}

async fn count(db: &Db, wanted: Wanted, now: Timestamp) -> Result<usize> {
    let mut counted = 0;
    for part in wanted.parts(now) {
        let mut after = None;
        loop {
            let scan = part.clone().limit(COUNTED_AT_ONCE).after(after);
            let page = db.scan::<RenewalRecord>(scan).await?;
            counted += page.items.iter().filter(|stored| wanted.includes(stored.value.state(now))).count();
            after = page.next;
            if after.is_none() {
                break;
            }
            if counted >= MOST_COUNTED {
                return Ok(MOST_COUNTED);
            }
        }
    }
    Ok(counted)
}
