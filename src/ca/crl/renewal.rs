//! One publication of a scope: read what is revoked, sign, and swap in one write.

use std::sync::Arc;

use crate::audit::{Actor, Event};
use crate::ca::crl::draft::Terms;
use crate::ca::crl::entries::{Entries, Leaving};
use crate::ca::crl::{ATTEMPTS, PublishedCrl, delta, settings};
use crate::ca::records::{BaseCrlRecord, CrlRecord, CrlSettingsRecord, Scope};
use crate::ca::{Authority, LoadedCa, on_thread};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::keys::Signer;
use crate::store::{CommitError, Db, Record, Stored, Unit, When};
use crate::x509::cert::Certificate;

/// A publication of a scope.
pub(super) struct Renewal<'a> {
    authority: &'a Authority,
    ca: &'a LoadedCa,
    terms: Terms,
    signer: Arc<dyn Signer>,
    actor: Actor,
}

impl<'a> Renewal<'a> {
    pub(super) fn new(
        authority: &'a Authority,
        ca: &'a LoadedCa,
        scope: Scope,
        signer: Arc<dyn Signer>,
        actor: Actor,
    ) -> Self {
        let settings = ca.crl.clone();
        let public_url = authority.public_url.clone();
        let terms = Terms { scope, role: ca.record.role, settings, public_url, last: None };
        Self { authority, ca, terms, signer, actor }
    }

    /// The same; with an end, as the last one: good until then, and without a delta CRL, which would grow old.
    pub(super) fn last(mut self, end: Option<Timestamp>) -> Self {
        if end.is_some() {
            self.terms.settings.value.delta = None;
        }
        self.terms.last = end;
        self
    }

    /// The next complete CRL, with its delta CRL if the CA makes them: both have the same number and say the same
    /// (RFC 5280 §5.2.4). Errors: `crl-number-rollback`, `crl-too-large`, `ca-not-ready`, `state-conflict`, `storage`.
    pub(super) async fn complete(&self) -> Result<Arc<PublishedCrl>> {
        let began = self.authority.clock.now();
        for _ in 0..ATTEMPTS {
            let (mut standing, number) = self.standing().await?;
            // Its revision is all that is needed from here on: it may be large.
            if let Some(last) = &mut standing.complete {
                last.value.der = Vec::new();
            }
            let now = self.authority.clock.now();
            let mut entries = Entries::read(&self.authority.db, self.scope(), now).await?;
            let leaving = entries.take_leaving();
            let job = Job {
                terms: self.terms.clone(),
                certificate: self.certificate()?,
                signer: Arc::clone(&self.signer),
                now,
            };
            let (made, standing) = on_thread(move || job.complete(number, entries, standing)).await?;
            let unit = self.unit(&made, &standing, &leaving)?;
            if self.is_committed(unit).await? {
                return Ok(self.show(&made, began));
            }
        }
        Err(busy())
    }

    /// The next delta CRL alone: nothing changed, but the last one is getting old. Errors: as [`Self::complete`].
    pub(super) async fn delta(&self) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let (standing, number) = self.standing().await?;
            let (Some(complete), Some(base)) = (&standing.complete, &standing.base) else {
                return self.complete().await.map(drop);
            };
            if base.value.settings != self.terms.settings.revision {
                return self.complete().await.map(drop);
            }
            let (key, revision) = (complete.value.key(), complete.revision);
            let job = Job {
                terms: self.terms.clone(),
                certificate: self.certificate()?,
                signer: Arc::clone(&self.signer),
                now: self.authority.clock.now(),
            };
            let (made, standing) = on_thread(move || job.delta(number, standing)).await?;
            let mut unit = Unit::new();
            unit.check::<CrlRecord>(&key, When::Revision(revision));
            self.hold_settings(&mut unit);
            unit.put(&made, when(standing.delta.as_ref()))?;
            unit.event(self.event(&made));
            if self.is_committed(unit).await? {
                self.authority.published.show(&made);
                return Ok(());
            }
        }
        Err(busy())
    }

    fn scope(&self) -> &Scope {
        &self.terms.scope
    }

    fn certificate(&self) -> Result<Arc<Certificate>> {
        self.ca.certificate.clone().ok_or_else(|| {
            let detail = format!("the CA {} has no certificate yet", self.ca.record.id);
            Error::new(Kind::Conflict, "ca-not-ready", detail)
        })
    }

    /// What stands, and the number that comes next: above everything that was published of this scope. Errors:
    /// `crl-number-rollback` if the store knows less than was served (REVOCATION-50): it was put back to an earlier
    /// state under a running server; `state-conflict` if the settings were changed meanwhile.
    async fn standing(&self) -> Result<(Standing, u64)> {
        let (settings, _) = settings::standing(&self.authority.db, &self.ca.record.id).await?;
        if settings.revision != self.terms.settings.revision {
            return Err(busy());
        }
        // First what is shown, for it was stored before: another publication in between must not look like a rollback.
        let published = &self.authority.published;
        let shown = [published.complete(self.scope()), published.delta(self.scope())];
        let standing = Standing::read(&self.authority.db, self.scope()).await?;
        let numbers = [&standing.complete, &standing.delta].into_iter().flatten().map(|c| c.value.number);
        let next = numbers.max().unwrap_or(0).max(self.terms.settings.value.floor).saturating_add(1);
        match shown.iter().flatten().map(|crl| crl.number).max() {
            Some(highest) if next <= highest => Err(Error::conflict(
                "crl-number-rollback",
                format!(
                    "crlNumber not greater than published: the next CRL of {} would have the number {next}, and \
                     {highest} was published; the store was put back to an earlier state: start the server anew",
                    self.scope()
                ),
            )),
            _ => Ok((standing, next)),
        }
    }

    /// The CRLs in place of the last ones (by their revisions: the number never goes back), and the expired
    /// entries that the complete one carries for the last time.
    fn unit(&self, made: &Made, standing: &Standing, leaving: &Leaving) -> Result<Unit> {
        let mut unit = Unit::new();
        unit.put(&made.complete, when(standing.complete.as_ref()))?;
        match &made.delta {
            Some(delta) => drop(unit.put(delta, when(standing.delta.as_ref()))?),
            None => {
                unit.delete::<CrlRecord>(&CrlRecord::delta_key_of(self.scope()), When::Always);
                unit.delete::<BaseCrlRecord>(&BaseCrlRecord::key_of(self.scope()), When::Always);
            }
        }
        if let Some(base) = &made.base {
            unit.put(base, when(standing.base.as_ref()))?;
        }
        leaving.leave(&mut unit)?;
        self.hold_settings(&mut unit);
        unit.event(self.event(&made.complete));
        Ok(unit)
    }

    /// A CRL that was made by settings of before might be taken for one about more certificates than it is.
    fn hold_settings(&self, unit: &mut Unit) {
        let when = match self.terms.settings.revision {
            0 => When::Absent,
            revision => When::Revision(revision),
        };
        unit.check::<CrlSettingsRecord>(&CrlSettingsRecord::key_of(&self.ca.record.id), when);
    }

    fn event(&self, made: &CrlRecord) -> Event {
        let now = self.authority.clock.now();
        let mut event = Event::new(now, self.actor.clone(), "crl.publish", format!("ca:{}", made.ca))
            .with("number", made.number)
            .with("entries", made.entries)
            .with("next_update", made.next_update);
        if made.shard > 0 {
            event = event.with("shard", made.shard);
        }
        match made.base {
            Some(base) => event.with("base", base),
            None => event,
        }
    }

    /// Whether the unit was committed; not, if another process was first.
    async fn is_committed(&self, unit: Unit) -> Result<bool> {
        match self.authority.db.commit(unit).await {
            Ok(_) => Ok(true),
            Err(CommitError::Refused { .. }) => Ok(false),
            Err(CommitError::Failed(error)) => Err(error),
        }
    }

    fn show(&self, made: &Made, began: Timestamp) -> Arc<PublishedCrl> {
        let published = &self.authority.published;
        let shown = published.show(&made.complete);
        match &made.delta {
            Some(delta) => drop(published.show(delta)),
            None => published.drop_delta(self.scope()),
        }
        let now = self.authority.clock.now();
        published.note(self.scope(), now, now.since(began));
        shown
    }
}

/// What stands of a scope.
struct Standing {
    complete: Option<Stored<CrlRecord>>,
    delta: Option<Stored<CrlRecord>>,
    base: Option<Stored<BaseCrlRecord>>,
}

impl Standing {
    async fn read(db: &Db, scope: &Scope) -> Result<Self> {
        Ok(Self {
            complete: db.get(&CrlRecord::key_of(scope)).await?,
            delta: db.get(&CrlRecord::delta_key_of(scope)).await?,
            base: db.get(&BaseCrlRecord::key_of(scope)).await?,
        })
    }
}

/// What was signed.
struct Made {
    complete: CrlRecord,
    delta: Option<CrlRecord>,
    base: Option<BaseCrlRecord>,
}

/// The signing, on a thread of its own: requests that fill the signing threads' queue must not keep a CRL waiting.
struct Job {
    terms: Terms,
    certificate: Arc<Certificate>,
    signer: Arc<dyn Signer>,
    now: Timestamp,
}

impl Job {
    fn complete(&self, number: u64, entries: Entries, standing: Standing) -> Result<(Made, Standing)> {
        let draft = self.terms.complete(number, entries, self.now);
        let complete = draft.sign(&self.certificate, &*self.signer)?;
        let mut made = Made { complete, delta: None, base: None };
        if self.terms.settings.value.delta.is_some() {
            let base = standing.base.as_ref().map(|b| &b.value).filter(|b| self.is_of_these_terms(b));
            let from = base.map_or((number, &made.complete.der), |base| (base.number, &base.der));
            made.delta = Some(self.changes(number, from, &standing, &made.complete.der)?);
            if base.is_none_or(|base| self.is_old(base)) {
                made.base = Some(self.base(&made.complete));
            }
        }
        Ok((made, standing))
    }

    fn base(&self, complete: &CrlRecord) -> BaseCrlRecord {
        BaseCrlRecord {
            ca: complete.ca.clone(),
            shard: complete.shard,
            number: complete.number,
            this_update: complete.this_update,
            settings: complete.settings,
            der: complete.der.clone(),
        }
    }

    fn delta(&self, number: u64, standing: Standing) -> Result<(CrlRecord, Standing)> {
        let (Some(complete), Some(base)) = (&standing.complete, &standing.base) else {
            return Err(Error::internal("a delta CRL without a base"));
        };
        let from = (base.value.number, &base.value.der);
        let made = self.changes(number, from, &standing, &complete.value.der)?;
        Ok((made, standing))
    }

    /// The delta CRL from `base` (its number and DER) to `complete` (DER).
    fn changes(
        &self,
        number: u64,
        (base, der): (u64, &Vec<u8>),
        standing: &Standing,
        complete: &[u8],
    ) -> Result<CrlRecord> {
        let last = standing.delta.as_ref().map(|delta| &delta.value);
        let last = last.filter(|delta| delta.base == Some(base)).map(|delta| delta.der.as_slice());
        let list = delta::changes(der, last, complete)?;
        self.terms.delta(number, base, list, self.now).sign(&self.certificate, &*self.signer)
    }

    /// A base that was made by other settings may be about other certificates.
    fn is_of_these_terms(&self, base: &BaseCrlRecord) -> bool {
        base.settings == self.terms.settings.revision
    }

    /// Delta CRLs start from a newer base every half window, so that they stay short.
    fn is_old(&self, base: &BaseCrlRecord) -> bool {
        let half = self.terms.settings.value.window(self.terms.role) / 2;
        self.now < base.this_update || base.this_update.plus(half) <= self.now
    }
}

fn when<R>(standing: Option<&Stored<R>>) -> When {
    standing.map_or(When::Absent, |stored| When::Revision(stored.revision))
}

fn busy() -> Error {
    Error::conflict(
        "state-conflict",
        "the CRL is being made by another process or its settings change; try again",
    )
}
