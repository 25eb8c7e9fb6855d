//! The sources of all profiles, opened together with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ca::profile::{Profile, ProfileSet};
use crate::enrol::source::health::Failing;
use crate::enrol::source::turns::Turns;
use crate::enrol::source::{Source, unavailable};
use crate::error::{Error, Result};
use crate::id::ProfileId;

/// The sources of a set of profiles; those that could not be opened refuse what they are asked.
#[derive(Default)]
pub struct Sources {
    opened: BTreeMap<ProfileId, Arc<Source>>,
    broken: BTreeMap<ProfileId, Broken>,
    pub(super) turns: Arc<Turns>,
}

struct Broken {
    name: &'static str,
    why: String,
}

impl Sources {
    /// Opens the source of each profile that is switched on: reads secrets and CA files, touches no network. Also says
    /// every fault found, with `file:line` as its field: `secret-file`, `bad-ca-file`.
    pub fn open(set: &ProfileSet) -> (Self, Vec<Error>) {
        let (mut sources, mut faults) = (Self::default(), Vec::new());
        for profile in set.all().iter().filter(|profile| profile.is_enabled()) {
            match Source::open(profile.challenge_source()) {
                Ok(None) => {}
                Ok(Some(source)) => {
                    sources.opened.insert(profile.id().clone(), Arc::new(source));
                }
                Err(fault) => {
                    let broken =
                        Broken { name: profile.challenge_source().as_str(), why: fault.detail().to_owned() };
                    sources.broken.insert(profile.id().clone(), broken);
                    faults.push(located(profile, fault));
                }
            }
        }
        (sources, faults)
    }

    /// Holds a set's files against the rules, keeping nothing. Errors: every fault, as [`Sources::open`] says them.
    pub fn check(set: &ProfileSet) -> Result<(), Vec<Error>> {
        let faults = Self::open(set).1;
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The source of a profile. Errors: `challenge-source-unavailable`.
    pub(super) fn require(&self, profile: &Profile) -> Result<Arc<Source>> {
        if let Some(source) = self.opened.get(profile.id()) {
            return Ok(Arc::clone(source));
        }
        let why = self.broken.get(profile.id()).map_or("it was not opened", |broken| &broken.why);
        Err(unavailable(profile.challenge_source().as_str()).because(why.to_owned()))
    }

    /// Whether the challenges of a profile are judged here.
    pub(super) fn judges(&self, profile: &ProfileId) -> bool {
        self.opened.contains_key(profile)
    }

    /// Each source by its profile and name, and what is wrong with it, if something is.
    pub fn health(&self) -> Vec<(ProfileId, &'static str, Option<String>)> {
        let opened = self.opened.iter().map(|(profile, source)| {
            (profile.clone(), source.name(), source.failing().map(|failing: Failing| failing.to_string()))
        });
        let broken = self.broken.iter();
        let broken = broken.map(|(profile, broken)| (profile.clone(), broken.name, Some(broken.why.clone())));
        let mut all: Vec<_> = opened.chain(broken).collect();
        all.sort();
        all
    }

    /// Whether every source was opened and answered the last time.
    pub fn is_well(&self) -> bool {
        self.broken.is_empty() && self.opened.values().all(|source| source.failing().is_none())
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources")
            .field("opened", &self.opened.keys())
            .field("broken", &self.broken.keys())
            .finish()
    }
}

fn located(profile: &Profile, fault: Error) -> Error {
    let key = if fault.code() == "bad-ca-file" { "ca_file" } else { "secret_file" };
    profile.fault(&["challenge", key], fault)
}
