//! How many operations a campaign may set now.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Between two steps of a campaign.
pub const STEP: Duration = Duration::from_secs(5);
const MINUTE: Duration = Duration::from_secs(60);
/// Steps of a minute.
const STEPS: u32 = 12;

/// Bounds on how fast a campaign goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// At most so many operations wait for their device at once.
    pub at_once: u32,
    /// At most so many are set in any minute.
    pub per_minute: u32,
}

/// What was set in the last minute, step by step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lately(Vec<(Timestamp, u32)>);

impl Lately {
    /// With so many more, set now; what is older than a minute is forgotten.
    #[must_use]
    pub fn and(&self, count: u32, now: Timestamp) -> Self {
        let mut lately: Vec<_> = self.0.iter().copied().filter(|(at, _)| is_lately(*at, now)).collect();
        if count > 0 {
            lately.push((now, count));
        }
        Self(lately)
    }

    fn count(&self, now: Timestamp) -> u32 {
        self.0
            .iter()
            .filter(|(at, _)| is_lately(*at, now))
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// A clock that was set back leaves what was set "later" within the last minute.
fn is_lately(at: Timestamp, now: Timestamp) -> bool {
    now.since(at) < MINUTE
}

impl Pace {
    /// How many may be set now, while `open` wait for their device: never more than the bounds, and a minute's share spread
    /// over its steps, so that devices come one after the other.
    pub fn allows(self, open: u32, lately: &Lately, now: Timestamp) -> u32 {
        let share = self.per_minute.div_ceil(STEPS);
        let left = self.per_minute.saturating_sub(lately.count(now));
        self.at_once.saturating_sub(open).min(left).min(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_has_more_than_its_number() {
        let (pace, mut lately) = (Pace { at_once: 1_000_000, per_minute: 100 }, Lately::default());
        let mut set: Vec<(Timestamp, u32)> = Vec::new();
        for step in 0..60 {
            let now = Timestamp::from_secs(1_000 + step * 5);
            let count = pace.allows(0, &lately, now);
            lately = lately.and(count, now);
            set.push((now, count));
        }
        for (now, _) in &set {
            let minute: u32 =
                set.iter().filter(|(at, _)| at <= now && now.since(*at) < MINUTE).map(|(_, n)| n).sum();
            assert!(minute <= 100, "{minute}");
        }
        let all: u32 = set.iter().map(|(_, n)| n).sum();
        assert!((480..=500).contains(&all), "{all} in five minutes");
        assert!(lately.0.len() <= 12);
    }

    #[test]
    fn no_more_are_open_than_there_may_be() {
        let (pace, now) = (Pace { at_once: 10, per_minute: 600 }, Timestamp::from_secs(9));
        assert_eq!(pace.allows(0, &Lately::default(), now), 10);
        assert_eq!(pace.allows(7, &Lately::default(), now), 3);
        assert_eq!(pace.allows(12, &Lately::default(), now), 0);
        assert_eq!(Pace { at_once: 10, per_minute: 1 }.allows(0, &Lately::default(), now), 1);
    }
}
