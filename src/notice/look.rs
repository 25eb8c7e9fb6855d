//! A look: what has come within a step since the last one is recorded, then told.

use crate::audit::{Actor, Event};
use crate::ca::records::{CertificateRecord, Status};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::RecordId;
use crate::notice::records::{About, LookRecord, NoticeRecord, OpenLook};
use crate::notice::steps::{self, Window};
use crate::notice::{InForce, Notices, deliver, own, superseded};
use crate::store::{Db, Scan, Unit, When};

/// So many certificates are looked at for one durable write.
const BATCH: usize = 200;

/// Looks, if the time between two looks has passed; returns how many notices were given, or none if it was too soon.
/// What a crash broke off goes on. Errors: `storage`.
pub async fn look(notices: &Notices) -> Result<Option<u64>> {
    let _one = notices.looking.lock().await;
    let in_force = notices.current();
    let now = notices.authority.clock.now();
    let Some(mut look) = Look::begin(notices, &in_force, now).await? else { return Ok(None) };
    let policy = &in_force.policy;
    let covered = look.record.clone();
    for window in steps::windows(&policy.days, policy.every, now, |step| covered.covered(step)) {
        look.window(window).await?;
    }
    look.note(own::due(&notices.authority, policy, now), None).await?;
    let found = look.end(&in_force).await?;
    metrics::counter!("signet_notices_total").increment(found);
    Ok(Some(found))
}

/// A look that goes on.
struct Look<'a> {
    notices: &'a Notices,
    now: Timestamp,
    open: OpenLook,
    record: LookRecord,
    revision: Option<u64>,
}

/// What is to be told of a certificate.
pub(super) struct Due {
    pub(super) step: u16,
    pub(super) about: About,
    pub(super) subject: String,
    pub(super) serial: crate::id::Serial,
    pub(super) fingerprint: [u8; 32],
    pub(super) not_after: Timestamp,
}

impl<'a> Look<'a> {
    async fn begin(notices: &'a Notices, in_force: &InForce, now: Timestamp) -> Result<Option<Self>> {
        let stored = notices.authority.db.get::<LookRecord>(LookRecord::KEY).await?;
        let (record, revision) = stored.map_or_else(Default::default, |s| (s.value, Some(s.revision)));
        let too_soon = record.ended.is_some_and(|ended| now < ended.plus(in_force.policy.every));
        let open = match record.open {
            Some(open) => open,
            None if too_soon => return Ok(None),
            None => OpenLook { run: RecordId::new(now, &notices.authority.random)?, found: 0 },
        };
        Ok(Some(Self { notices, now, open, record, revision }))
    }

    fn db(&self) -> &'a Db {
        &self.notices.authority.db
    }

    /// Looks at what expires within a window, page by page; each is one durable write that says how far it came.
    async fn window(&mut self, window: Window) -> Result<()> {
        let key = |at: Timestamp| {
            let mut key = vec![CertificateRecord::status_byte(&Status::Good)];
            key.extend(at.sort_key());
            key
        };
        let mut scan = Scan::all::<CertificateRecord>(CertificateRecord::BY_STATUS)
            .range(key(window.from), Some(key(window.until)))
            .limit(BATCH);
        loop {
            let page = self.db().scan::<CertificateRecord>(scan.clone()).await?;
            let mut due = Vec::new();
            for stored in &page.items {
                if let Some(found) = self.certificate(window.step, &stored.value).await? {
                    due.push(found);
                }
            }
            // Others may expire at the same moment as the last: they are looked at again after a crash.
            let last = page.items.last().map(|stored| stored.value.not_after);
            let until = if page.next.is_some() { last.unwrap_or(window.until) } else { window.until };
            self.note(due, Some((window.step, until))).await?;
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn certificate(&self, step: u16, record: &CertificateRecord) -> Result<Option<Due>> {
        if !steps::counts(step, record.not_before, record.not_after)
            || superseded::is_superseded(self.db(), record).await?
        {
            return Ok(None);
        }
        Ok(Some(Due {
            step,
            about: About::Certificate {
                ca: record.ca.clone(),
                profile: record.profile.clone(),
                device: record.device.clone(),
            },
            subject: record.subject.to_string(),
            serial: record.serial.clone(),
            fingerprint: record.fingerprint,
            not_after: record.not_after,
        }))
    }

    /// Records what is due and was not told before, and how far was looked.
    async fn note(&mut self, due: Vec<Due>, covered: Option<(u16, Timestamp)>) -> Result<()> {
        let mut unit = Unit::new();
        for due in due {
            let key = NoticeRecord::step_key(&due.fingerprint, due.step);
            if self.db().find::<NoticeRecord>(NoticeRecord::BY_STEP, &key).await?.is_none() {
                unit.insert(&self.notice(due)?)?;
                self.open.found += 1;
            }
        }
        if let Some((step, until)) = covered {
            self.record.cover(step, until);
        }
        self.record.open = Some(self.open);
        self.commit(unit).await
    }

    fn notice(&self, due: Due) -> Result<NoticeRecord> {
        Ok(NoticeRecord {
            id: RecordId::new(self.now, &self.notices.authority.random)?,
            run: self.open.run,
            at: self.now,
            step: due.step,
            about: due.about,
            subject: due.subject,
            serial: due.serial,
            fingerprint: due.fingerprint,
            not_after: due.not_after,
        })
    }

    /// The last write: the look is over, and its messages are scheduled.
    async fn end(mut self, in_force: &InForce) -> Result<u64> {
        let OpenLook { run, found } = self.open;
        self.record.open = None;
        self.record.ended = Some(self.now);
        self.record.covered.retain(|(step, _)| in_force.policy.days.contains(step));
        let mut unit = Unit::new();
        if found > 0 {
            let channels = deliver::schedule(&mut unit, &self.notices.authority, in_force, self.open)?;
            let event = Event::new(self.now, Actor::System, "notice.give", format!("notice-run:{run}"));
            unit.event(event.with("found", found).with("channels", channels));
        }
        self.commit(unit).await?;
        Ok(found)
    }

    async fn commit(&mut self, mut unit: Unit) -> Result<()> {
        unit.put(&self.record, self.revision.map_or(When::Absent, When::Revision))?;
        self.db().commit(unit).await?;
        self.revision = Some(self.revision.map_or(1, |revision| revision.saturating_add(1)));
        Ok(())
    }
}
