//! Campaigns: the same operation for many devices, so many at once and in a minute, each region in its hours.
//!
//! A campaign gathers the devices that its filter finds when it is made, each with a small record of its own. A task then
//! comes back every few seconds: it looks what became of those operations of which there is news or whose time is up
//! ([`NewsRecord`]), and sets as many more as [`Pace`] allows. What it does to a device, the device's record and the counts are one durable write, so that a crash
//! neither forgets a device nor counts one twice.

use std::time::Duration;

use crate::audit::{Actor, Event};
use crate::clock::Timestamp;
use crate::device::records::Authentication;
use crate::error::{Error, Result};
use crate::id::{CampaignName, RecordId};
use crate::random::Random;
use crate::store::{CommitError, Db, Stored, Unit};
use crate::task::{self, NewTask};

pub mod gather;
pub mod hours;
pub mod pace;
pub mod records;
mod step;
mod sweep;

pub use hours::Hours;
pub use pace::Pace;
pub use records::{Assignment, CampaignRecord, Counts, MemberRecord, NewsRecord, State, Step};
pub use step::run;
pub use sweep::sweep;

use pace::Lately;

/// The kind of the task that carries a campaign on.
pub const KIND: &str = "campaign.step";
/// The most regions with hours of their own.
pub const MOST_HOURS: usize = 64;
/// How long a device may have.
pub const LONGEST_WITHIN: Duration = Duration::from_hours(366 * 24);
/// An operator's word counts, also while the task writes: so often it is tried.
const TRIES: u32 = 20;

/// A campaign that is wanted.
#[derive(Clone, Debug)]
pub struct NewCampaign {
    /// Its name.
    pub name: CampaignName,
    /// What it does, and to which devices.
    pub assignment: Assignment,
    /// How fast.
    pub pace: Pace,
    /// When which regions are reached.
    pub hours: Vec<Hours>,
    /// It pauses once so many failed or were late since it began or was resumed.
    pub pause_after: Option<u32>,
}

/// What an operator says of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Set no more operations for now.
    Pause,
    /// Go on.
    Resume,
    /// Set no more, and take back those whose device has not come.
    Stop,
}

impl NewCampaign {
    /// Holds its parts against each other. Errors: `invalid-authentication`, `invalid-hours`, `out-of-range`,
    /// `invalid-selection`.
    pub fn check(&self) -> Result<()> {
        if self.assignment.authentication == Authentication::String {
            let rule = "nobody would be told the strings: give devices strings by an import, or let them prove \
                        themselves by existing-lsc or existing-mic";
            return Err(Error::invalid("invalid-authentication", rule).at("/authentication"));
        }
        let is_twice = |place: usize| {
            let hours = &self.hours[place];
            self.hours[..place].iter().any(|before| before.region().eq_ignore_ascii_case(hours.region()))
        };
        if self.hours.len() > MOST_HOURS || (0..self.hours.len()).any(is_twice) {
            let rule = format!("at most {MOST_HOURS} regions have hours, each once");
            return Err(Error::invalid("invalid-hours", rule).at("/hours"));
        }
        if self.assignment.within.is_zero() || self.assignment.within > LONGEST_WITHIN {
            return Err(Error::invalid("out-of-range", "a device has from 1s to 366d").at("/within"));
        }
        if self.pace.at_once == 0 || self.pace.per_minute == 0 {
            return Err(
                Error::invalid("out-of-range", "a campaign goes on by at least one device").at("/at_once")
            );
        }
        if self.assignment.filter.is_all() {
            let rule = "a filter says something: every device is never meant";
            return Err(Error::invalid("invalid-selection", rule).at("/filter"));
        }
        Ok(())
    }
}

/// Makes a campaign and starts it. Errors: those of [`NewCampaign::check`]; `already-exists`.
pub async fn create(
    db: &Db,
    now: Timestamp,
    random: &Random,
    new: NewCampaign,
    actor: Actor,
) -> Result<CampaignRecord> {
    new.check()?;
    let record = begun(new, RecordId::new(now, random)?, &actor);
    let mut unit = Unit::new();
    unit.insert(&record)?;
    task::schedule(&mut unit, carrying_on(&record, now), now, random)?;
    let event = event(&record, "campaign.create", actor, now);
    let event = event.with("operation", record.assignment.action.as_str());
    let event = event.with("authentication", record.assignment.authentication.as_str());
    unit.event(event.with("filter", filter_text(&record.assignment)));
    match db.commit(unit).await {
        Ok(_) => Ok(record),
        Err(CommitError::Refused { standing: Some(_), .. }) => {
            let text = format!("there is a campaign of that name already: {}", record.name);
            Err(Error::conflict("already-exists", text).at("/name"))
        }
        Err(e) => Err(e.into()),
    }
}

/// As it begins.
fn begun(new: NewCampaign, id: RecordId, actor: &Actor) -> CampaignRecord {
    CampaignRecord {
        id,
        name: new.name,
        assignment: new.assignment,
        pace: new.pace,
        hours: new.hours,
        pause_after: new.pause_after,
        state: State::Running,
        said: None,
        cursor: None,
        gathered: false,
        lately: Lately::default(),
        counts: Counts::default(),
        regions: std::collections::BTreeMap::new(),
        reasons: std::collections::BTreeMap::new(),
        took: 0,
        longest: 0,
        created_by: actor.to_string(),
        changed: id.made_at(),
        began: None,
        ended: None,
        bad_at_resume: 0,
        followed: true,
    }
}

/// The campaign of that name. Errors: `not-found`.
pub async fn require(db: &Db, name: &CampaignName) -> Result<Stored<CampaignRecord>> {
    let found = db.find::<CampaignRecord>(CampaignRecord::BY_NAME, &CampaignRecord::name_key(name)).await?;
    found.ok_or_else(|| Error::not_found("campaign", name))
}

/// Pauses a campaign, goes on with it, or stops it for good. Errors: `not-found`; `state-conflict` if it is not in a state
/// for that.
pub async fn say(
    db: &Db,
    now: Timestamp,
    random: &Random,
    (name, word): (&CampaignName, Word),
    actor: Actor,
) -> Result<CampaignRecord> {
    for attempt in 1.. {
        let Stored { value, revision } = require(db, name).await?;
        let state = next(value.state, word)?;
        let said = Some(format!("{} by {actor}", past(word)));
        let bad_at_resume = if word == Word::Resume { value.counts.bad() } else { value.bad_at_resume };
        // A stop is about every device that is open.
        let followed = value.followed && word != Word::Stop;
        let record = CampaignRecord { state, said, changed: now, bad_at_resume, followed, ..value };
        let mut unit = Unit::new();
        unit.replace(&record, revision)?;
        task::reschedule(&mut unit, db, carrying_on(&record, now), now, random).await?;
        unit.event(event(&record, action(word), actor.clone(), now));
        match db.commit(unit).await {
            Ok(_) => return Ok(record),
            Err(CommitError::Refused { .. }) if attempt < TRIES => {}
            Err(e) => return Err(e.into()),
        }
    }
    Err(Error::internal("a word on a campaign was never written"))
}

fn next(state: State, word: Word) -> Result<State> {
    match (state, word) {
        (State::Running, Word::Pause) => Ok(State::Paused),
        (State::Paused, Word::Resume) => Ok(State::Running),
        (State::Running | State::Paused, Word::Stop) => Ok(State::Stopped),
        (State::Running, Word::Resume)
        | (State::Paused, Word::Pause)
        | (State::Stopped | State::Done, Word::Pause | Word::Resume | Word::Stop) => {
            Err(Error::conflict("state-conflict", format!("the campaign is {} already", state.name())))
        }
    }
}

fn past(word: Word) -> &'static str {
    match word {
        Word::Pause => "paused",
        Word::Resume => "resumed",
        Word::Stop => "stopped",
    }
}

fn action(word: Word) -> &'static str {
    match word {
        Word::Pause => "campaign.pause",
        Word::Resume => "campaign.resume",
        Word::Stop => "campaign.stop",
    }
}

fn carrying_on(campaign: &CampaignRecord, due: Timestamp) -> NewTask {
    NewTask {
        kind: KIND,
        key: campaign.id.to_string(),
        subject: format!("campaign:{}", campaign.name),
        body: campaign.id.as_bytes().to_vec(),
        due,
    }
}

fn event(campaign: &CampaignRecord, action: &str, actor: Actor, now: Timestamp) -> Event {
    Event::new(now, actor, action, format!("campaign:{}", campaign.name))
}

/// A filter in one line.
pub fn filter_text(assignment: &Assignment) -> String {
    let parts: Vec<String> = assignment.asked.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.join(" ")
}

/// Whether it can be a region's name: 1 to 64 characters, without a colon.
fn is_region(text: &str) -> bool {
    (1..=64).contains(&text.chars().count()) && !text.chars().any(|c| c.is_control() || c == ':')
}
