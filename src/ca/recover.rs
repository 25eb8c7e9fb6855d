//! After a restore: what was published since the backup is taken over from the CRLs that are out there, so that no entry
//! is lost and no CRLNumber is given twice. It works on the store alone: the server makes the next CRLs when it starts.
//!
//! A CRL that is given is the next one of the record whose issuing distribution point (RFC 5280 §5.2.5) is the same, byte
//! for byte. Where there is none, the CA has divided its CRL since: the entries keep the shard that the point names, and
//! the CA's numbers go on above the given one.

use std::collections::BTreeMap;

use const_oid::db::rfc5280::{ID_CE_FRESHEST_CRL, ID_CE_ISSUING_DISTRIBUTION_POINT};

use crate::audit::{Actor, Event};
use crate::ca::import::foreign_crl;
use crate::ca::records::{CaRecord, CrlRecord};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::store::{Db, PRIMARY, Record, Scan, Stored, Unit};
use crate::x509::cert::Certificate;
use crate::x509::crl::Crl;

mod authorities;
mod floor;
mod revocations;
mod shard;

use authorities::Below;
pub(in crate::ca) use shard::shard_in;

/// How far a CRLNumber jumps where nobody knows which was published last.
pub const JUMP: u64 = 1 << 20;

/// A count that every counter of revocations is above: the next CRL is due at once.
const NOTHING: i64 = -1;

/// What became of a CRL that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whose it is.
    pub ca: CaId,
    /// Its number: the next one is above it.
    pub number: u64,
    /// Its entries that the store did not know.
    pub new: usize,
}

/// A CRL whose number jumped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jumped {
    /// Whose it is.
    pub ca: CaId,
    /// The next one is above this.
    pub number: u64,
}

/// A CA of the backup that has a certificate.
struct Known {
    id: CaId,
    parent: Option<CaId>,
    certificate: Certificate,
}

/// The CRLs of a store that was restored.
pub struct Recovery {
    db: Db,
    now: Timestamp,
    cas: Vec<Known>,
    /// The records whose last CRL was given, by their keys.
    continued: Vec<Vec<u8>>,
}

impl Recovery {
    /// Begins. Errors: `storage`, `bad-certificate`.
    pub async fn begin(db: &Db, now: Timestamp) -> Result<Self> {
        let mut cas = Vec::new();
        for stored in db.all::<CaRecord>(Scan::all::<CaRecord>(PRIMARY)).await? {
            let CaRecord { id, parent, certificate, .. } = stored.value;
            if let Some(der) = certificate {
                cas.push(Known { id, parent, certificate: Certificate::from_der(&der)? });
            }
        }
        Ok(Self { db: db.clone(), now, cas, continued: Vec::new() })
    }

    /// The CAs with a CRL whose last one was not given yet. Errors: `storage`.
    pub async fn missing(&self) -> Result<Vec<CaId>> {
        let mut missing: Vec<CaId> = self.open().await?.into_iter().map(|crl| crl.value.ca).collect();
        missing.sort();
        missing.dedup();
        Ok(missing)
    }

    /// Takes over the last CRL that a CA published (PEM or DER): entries that the store does not know are revoked, and its
    /// number is gone on from. Errors: `bad-crl`, `foreign-crl`, `partial-crl`; `old-crl` if the store knows a later one;
    /// `storage`.
    pub async fn take(&mut self, bytes: &[u8]) -> Result<Taken> {
        let (ca, crl) = self.whose(bytes)?;
        let number =
            crl.number().ok_or_else(|| Error::invalid("bad-crl", "it has no CRL number: none of ours"))?;
        let standing = self.standing(&ca, &crl).await?;
        if let Some(later) = standing.iter().map(|s| s.value.number).max().filter(|known| *known > number) {
            let detail = format!(
                "the CRL of {ca} has the number {number}, but the backup knows {later}: give the last one that was published"
            );
            return Err(Error::invalid("old-crl", detail));
        }
        // A shard that the backup does not know has no CRL of its own: until it has, what stood there is on the first.
        let shard = standing
            .first()
            .map_or_else(|| shard_in(&ca, point(&crl).unwrap_or_default()), |stored| stored.value.shard);
        let scope = (&ca, shard);
        let new = revocations::merge(&self.db, self.now, scope, &self.below(&ca), crl.entries()).await?;
        // A delta CRL may have been published since, which nobody gave.
        let has_deltas = standing.iter().any(|stored| stored.value.base.is_some())
            || crl.extensions().iter().any(|e| e.oid == ID_CE_FRESHEST_CRL);
        let number = if has_deltas { number.saturating_add(JUMP) } else { number };
        if standing.is_empty() {
            floor::raise(&self.db, self.now, &ca, |floor| floor.max(number)).await?;
        }
        for stored in standing {
            self.go_on(stored, &crl, number).await?;
        }
        Ok(Taken { ca, number, new })
    }

    /// Has the numbers of all other CRLs jump by [`JUMP`], and those of the shards that their CAs may have had since.
    /// Errors: `storage`.
    pub async fn jump(&mut self) -> Result<Vec<Jumped>> {
        let mut jumped = Vec::new();
        let mut highest = BTreeMap::<CaId, u64>::new();
        for Stored { mut value, revision } in self.open().await? {
            value.number = value.number.saturating_add(JUMP);
            value.covers = NOTHING;
            let (ca, number) = (value.ca.clone(), value.number);
            let mut unit = Unit::new();
            unit.replace(&value, revision)?;
            unit.event(self.event("crl.jump", &ca).with("number", number));
            self.db.commit(unit).await?;
            self.continued.push(value.key());
            let above = highest.entry(ca.clone()).or_default();
            *above = number.max(*above);
            jumped.push(Jumped { ca, number });
        }
        for (ca, number) in highest {
            floor::raise(&self.db, self.now, &ca, |floor| floor.saturating_add(JUMP).max(number)).await?;
        }
        Ok(jumped)
    }

    fn whose(&self, bytes: &[u8]) -> Result<(CaId, Crl)> {
        let issuer = Crl::read(bytes)?.issuer().clone();
        let mut fault = Error::invalid(
            "foreign-crl",
            format!("it was issued by {issuer}, which is none of the backup's CAs"),
        );
        for ca in self.cas.iter().filter(|ca| ca.certificate.subject().matches(&issuer)) {
            match foreign_crl::read(bytes, &ca.certificate) {
                Ok(crl) => return Ok((ca.id.clone(), crl)),
                Err(error) => fault = error,
            }
        }
        Err(fault)
    }

    /// The CAs whose certificates a CA's CRL may list.
    fn below(&self, ca: &CaId) -> Vec<Below<'_>> {
        let below = |known: &&Known| known.parent.as_ref() == Some(ca);
        let all = self.cas.iter().filter(below);
        all.filter_map(|Known { id, parent, certificate }| {
            parent.as_ref().map(|parent| Below { id, parent, certificate })
        })
        .collect()
    }

    /// The records of the CRL that this one is the next of: the complete one, and a delta to it.
    async fn standing(&self, ca: &CaId, crl: &Crl) -> Result<Vec<Stored<CrlRecord>>> {
        let mut all = self.db.all::<CrlRecord>(Scan::all::<CrlRecord>(PRIMARY)).await?;
        let same = |der: &[u8]| Crl::from_der(der).is_ok_and(|own| point(&own) == point(crl));
        all.retain(|stored| stored.value.ca == *ca && same(&stored.value.der));
        Ok(all)
    }

    async fn open(&self) -> Result<Vec<Stored<CrlRecord>>> {
        let mut all = self.db.all::<CrlRecord>(Scan::all::<CrlRecord>(PRIMARY)).await?;
        all.retain(|stored| !self.continued.contains(&stored.value.key()));
        Ok(all)
    }

    /// The given CRL is served until the next one is made, which may take the key of a root that is elsewhere.
    async fn go_on(&mut self, standing: Stored<CrlRecord>, crl: &Crl, number: u64) -> Result<()> {
        let Stored { mut value, revision } = standing;
        value.number = number;
        value.covers = NOTHING;
        if value.base.is_none() {
            value.this_update = crl.this_update();
            value.next_update = crl.next_update().unwrap_or(value.next_update);
            value.entries = crl.entries().len() as u64;
            value.der = crl.der().to_vec();
        }
        let mut unit = Unit::new();
        unit.replace(&value, revision)?;
        unit.event(self.event("crl.continue", &value.ca).with("number", number));
        self.db.commit(unit).await?;
        self.continued.push(value.key());
        Ok(())
    }

    fn event(&self, action: &str, ca: &CaId) -> Event {
        Event::new(self.now, Actor::System, action, format!("ca:{ca}"))
    }
}

fn point(crl: &Crl) -> Option<&[u8]> {
    let found = crl.extensions().iter().find(|e| e.oid == ID_CE_ISSUING_DISTRIBUTION_POINT);
    found.map(|extension| extension.value.as_slice())
}
