//! Who is due, late or vanished: pages along the stages, and how many there are.

use crate::ca::records::{CertificateRecord, Status};
use crate::ca::renewal::State;
use crate::ca::renewal::records::{Part, RenewalRecord};
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

    /// The part of the index where they are, in the order in which they came there.
    fn scan(self, now: Timestamp) -> Scan {
        let part = match self {
            Self::Due => Part::Due,
            Self::Late => Part::Late,
            Self::Vanished => Part::Expiry,
        };
        part.until(now)
    }
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

/// Up to `limit` certificates that are `matching` too, after looking at `most` at the most; and where to go on.
/// Errors: `storage`.
pub async fn page(
    db: &Db,
    wanted: Wanted,
    (mut after, limit, most): (Option<Vec<u8>>, usize, usize),
    now: Timestamp,
    matching: impl Fn(&CertificateRecord) -> bool,
) -> Result<(Vec<Found>, Option<Vec<u8>>)> {
    let (mut found, mut looked_at) = (Vec::new(), 0);
    loop {
        let scan = wanted.scan(now).limit(limit - found.len()).after(after);
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
        after = batch.next;
        if after.is_none() || found.len() >= limit || looked_at >= most {
            return Ok((found, after));
        }
    }
}

/// The certificate, unless it was revoked or there is a later one.
async fn unrenewed(db: &Db, renewal: &RenewalRecord, now: Timestamp) -> Result<Option<CertificateRecord>> {
    let Some(stored) = db.get::<CertificateRecord>(&renewal.key()).await? else { return Ok(None) };
    let certificate = stored.value;
    let is_open = certificate.status == Status::Good && successor(db, &certificate, now).await?.is_none();
    Ok(is_open.then_some(certificate))
}

/// How many there are; those that were enrolled anew or revoked since the last thorough round are among them. Past 100,000 of one sort they are not counted on.
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
    let mut counts = Counts::default();
    count(db, Wanted::Due, now, |state| match state {
        State::Waiting | State::Vanished => false,
        State::Due => {
            counts.due += 1;
            true
        }
        State::Late => {
            (counts.due, counts.late) = (counts.due + 1, counts.late + 1);
            true
        }
    })
    .await?;
    let mut vanished = 0;
    count(db, Wanted::Vanished, now, |state| {
        let counts = Wanted::Vanished.includes(state);
        vanished += usize::from(counts);
        counts
    })
    .await?;
    Ok(Counts { vanished, ..counts })
}

/// Shows each state to `add`, which says whether it was counted, until enough were.
async fn count(db: &Db, wanted: Wanted, now: Timestamp, mut add: impl FnMut(State) -> bool) -> Result<()> {
    let (mut counted, mut after) = (0, None);
    loop {
        let page = db.scan::<RenewalRecord>(wanted.scan(now).limit(COUNTED_AT_ONCE).after(after)).await?;
        counted += page.items.iter().filter(|stored| add(stored.value.state(now))).count();
        after = page.next;
        if after.is_none() || counted >= MOST_COUNTED {
            return Ok(());
        }
    }
}
