//! How long an identity waits after an attempt that brought nothing: keys and serial numbers must not run away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::ca::profile::Profile;
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};

const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(600);

/// The pauses of all identities, by name.
#[derive(Debug, Default)]
pub struct Pauses(Mutex<HashMap<String, Pause>>);

#[derive(Debug)]
struct Pause {
    until: Timestamp,
    length: Duration,
    /// A profile that was read anew is tried at once.
    profile: Arc<Profile>,
    reason: String,
}

impl Pauses {
    /// Lets an attempt through. Errors: `identity-paused` with the reason of the last one and when the next will be.
    pub fn check(&self, name: &str, profile: &Arc<Profile>, now: Timestamp) -> Result<()> {
        let pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match pauses.get(name).filter(|p| now < p.until && Arc::ptr_eq(&p.profile, profile)) {
            None => Ok(()),
            Some(pause) => Err(Error::new(
                Kind::Busy,
                "identity-paused",
                format!("{} (tried again at {})", pause.reason, pause.until),
            )),
        }
    }

    /// Notes an attempt that brought nothing; returns how long the pause is, twice the one before.
    pub fn failed(&self, name: &str, profile: &Arc<Profile>, now: Timestamp, reason: &str) -> Duration {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = pauses.get(name).filter(|p| Arc::ptr_eq(&p.profile, profile));
        let length = before.map_or(SHORTEST, |p| (p.length * 2).min(LONGEST));
        let pause =
            Pause { until: now.plus(length), length, profile: profile.clone(), reason: reason.to_owned() };
        pauses.insert(name.to_owned(), pause);
        length
    }

    /// The identity serves: the next attempt is the first again.
    pub fn clear(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}
