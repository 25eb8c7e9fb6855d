//! Whether the token can be asked, and when it is tried again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;

/// A token that works is looked after this often, so that its loss is told before somebody needs it.
const ROUND: Duration = Duration::from_secs(5);
/// The first pause after it was lost; each is twice the one before.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(8);

/// What is known of the token.
pub(super) struct Availability(Mutex<State>);

struct State {
    /// Why it cannot be asked.
    away: Option<String>,
    /// Which key it should have and has not; the others can be used all the same.
    lacking: Option<String>,
    pause: Duration,
    looked: Stopwatch,
}

impl Availability {
    /// Nothing is known against it.
    pub fn new() -> Self {
        Self(Mutex::new(State { away: None, lacking: None, pause: SHORTEST, looked: Stopwatch::start() }))
    }

    /// Why it cannot be asked now.
    pub fn fault(&self) -> Option<String> {
        self.state().away.clone()
    }

    /// What an operator should know of it.
    pub fn trouble(&self) -> Option<String> {
        let state = self.state();
        state.away.clone().or_else(|| state.lacking.clone())
    }

    /// Whether it had all its keys when it was looked after last.
    pub fn lacks_nothing(&self) -> bool {
        self.state().lacking.is_none()
    }

    /// Which key it should have and has not.
    pub fn lacks(&self, what: Option<String>) {
        self.state().lacking = what;
    }

    /// It answered. Returns whether it had not before.
    pub fn is_back(&self) -> bool {
        let mut state = self.state();
        (state.pause, state.looked) = (SHORTEST, Stopwatch::start());
        state.away.take().is_some()
    }

    /// It does not answer, or not as it should. Returns whether that is news.
    pub fn is_lost(&self, why: String) -> bool {
        let mut state = self.state();
        state.looked = Stopwatch::start();
        let before = state.away.replace(why);
        state.pause = if before.is_some() { (state.pause * 2).clamp(SHORTEST, LONGEST) } else { SHORTEST };
        before != state.away
    }

    /// Whether it is time to look after it. Whoever is told so does it.
    pub fn is_due(&self) -> bool {
        let mut state = self.state();
        let pause = if state.away.is_some() { state.pause } else { ROUND };
        let due = state.looked.elapsed() >= pause;
        if due {
            state.looked = Stopwatch::start();
        }
        due
    }

    /// Looks after it at once.
    pub fn hurry(&self) {
        self.state().pause = Duration::ZERO;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_news_once_and_so_is_the_return() {
        let token = Availability::new();
        assert!(!token.is_due(), "it was only just begun");
        assert!(token.is_lost("gone".to_owned()));
        assert!(!token.is_lost("gone".to_owned()));
        assert!(token.is_lost("another reason".to_owned()));
        assert_eq!(token.fault().as_deref(), Some("another reason"));
        assert!(!token.is_due());
        token.hurry();
        assert!(token.is_due());
        assert!(token.is_back() && !token.is_back());
        assert_eq!(token.fault(), None);
    }

    #[test]
    fn pauses_grow_and_are_bounded() {
        let token = Availability::new();
        let pauses: Vec<_> = (0..8)
            .map(|_| {
                token.is_lost("gone".to_owned());
                token.state().pause.as_millis()
            })
            .collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000]);
    }
}
