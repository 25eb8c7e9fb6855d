//! One step of a campaign: gather its devices, see what became of those that are open, set operations on more.

use crate::audit::{Actor, Outcome as Ended};
use crate::ca::Authority;
use crate::ca::profile::ProfileSet;
use crate::clock::Timestamp;
use crate::device::Inventory;
use crate::error::{Error, Result};
use crate::store::{CommitError, Db, Stored, Unit};
use crate::task::{Leased, Outcome};

use super::event;
use super::pace::STEP;
use super::records::{CampaignRecord, State};

mod begin;
mod fate;
mod settle;

/// What was changed meanwhile is read again so often at once: where many phones come, one of them may always be a device
/// that is just being asked.
const TRIES: u32 = 4;

/// Does one step. Each of its writes holds only while this run has the task and nobody changed the campaign or the device
/// meanwhile; else the step is broken off and done anew. Errors: `storage`.
pub async fn run(authority: &Authority, profiles: &ProfileSet, leased: &Leased) -> Result<Outcome> {
    for _ in 0..TRIES {
        match once(authority, profiles, leased).await {
            Ok(outcome) => return Ok(outcome),
            Err(Broken::Changed) => {}
            Err(Broken::Failed(error)) => return Err(error),
        }
    }
    Ok(Outcome::Later(authority.clock.now(), "something changed meanwhile: again at once".to_owned()))
}

async fn once(authority: &Authority, profiles: &ProfileSet, leased: &Leased) -> Result<Outcome, Broken> {
    let id: Option<[u8; 16]> = leased.task.body.as_slice().try_into().ok();
    let found = match id {
        Some(id) => authority.db.get::<CampaignRecord>(&id).await?,
        None => None,
    };
    let Some(Stored { value, revision }) = found else {
        return Ok(Outcome::Done("the campaign is not there any more".to_owned()));
    };
    let now = authority.clock.now();
    let inventory = Inventory::new(authority, profiles, Actor::System)?;
    Round { authority, inventory, leased, now, campaign: value, revision }.go().await
}

/// One step, under way.
pub(super) struct Round<'a> {
    authority: &'a Authority,
    inventory: Inventory<'a>,
    leased: &'a Leased,
    pub(super) now: Timestamp,
    pub(super) campaign: CampaignRecord,
    revision: u64,
}

/// Why a step was broken off.
pub(super) enum Broken {
    /// A record was changed between reading and writing.
    Changed,
    Failed(Error),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<CommitError> for Broken {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused { .. } => Self::Changed,
            CommitError::Failed(error) => Self::Failed(error),
        }
    }
}

impl Round<'_> {
    pub(super) fn db(&self) -> &Db {
        &self.authority.db
    }

    async fn go(mut self) -> Result<Outcome, Broken> {
        if self.campaign.is_over() {
            return Ok(Outcome::Done("the campaign is over".to_owned()));
        }
        self.settle().await?;
        if self.campaign.state == State::Running && !self.campaign.gathered {
            self.gather().await?;
            if !self.campaign.gathered {
                return Ok(Outcome::Later(
                    self.now,
                    format!("{} devices gathered", self.campaign.counts.all()),
                ));
            }
        }
        let next = match self.campaign.state {
            State::Running => self.begin().await?,
            State::Paused | State::Stopped | State::Done => None,
        };
        self.conclude(next).await
    }

    /// Commits a unit together with the campaign as it now stands.
    pub(super) async fn commit(&mut self, mut unit: Unit) -> Result<(), Broken> {
        unit.replace(&self.campaign, self.revision)?;
        self.leased.hold(&mut unit);
        self.db().commit(unit).await?;
        self.revision += 1;
        Ok(())
    }

    /// Ends the campaign if nothing is left to do, or says when the next step is.
    async fn conclude(self, next: Option<Timestamp>) -> Result<Outcome, Broken> {
        let counts = self.campaign.counts;
        let is_over = match self.campaign.state {
            State::Running => counts.waiting == 0 && counts.open == 0,
            State::Stopped => counts.open == 0,
            State::Paused | State::Done => false,
        };
        if is_over {
            return self.end().await;
        }
        if self.campaign.state == State::Paused && counts.open == 0 {
            return Ok(Outcome::Done("paused".to_owned()));
        }
        let soon = self.now.plus(STEP);
        let next = next.filter(|_| counts.open == 0).map_or(soon, |at| at.max(soon));
        Ok(Outcome::Later(next, sentence(&self.campaign)))
    }

    async fn end(mut self) -> Result<Outcome, Broken> {
        let state = match self.campaign.state {
            State::Stopped => State::Stopped,
            State::Running | State::Paused | State::Done => State::Done,
        };
        self.campaign.state = state;
        (self.campaign.ended, self.campaign.changed) = (Some(self.now), self.now);
        let (said, counts) = (sentence(&self.campaign), self.campaign.counts);
        let mut unit = Unit::new();
        let mut ended = event(&self.campaign, "campaign.end", Actor::System, self.now).with("result", &said);
        if counts.failed + counts.late > 0 {
            ended = ended.outcome(Ended::Warning);
        }
        unit.event(ended);
        self.commit(unit).await?;
        Ok(Outcome::Done(said))
    }
}

/// How far it has come, in a line.
fn sentence(campaign: &CampaignRecord) -> String {
    let c = campaign.counts;
    let mut line = format!("{} of {} done, {} failed, {} late", c.done, c.all(), c.failed, c.late);
    for (count, what) in
        [(c.open, "open"), (c.waiting, "to come"), (c.skipped, "left out"), (c.withdrawn, "withdrawn")]
    {
        if count > 0 {
            line.push_str(&format!(", {count} {what}"));
        }
    }
    line
}
