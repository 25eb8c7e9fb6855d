//! The sessions that are open: their numbers, and which device each serves.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::{Clock, Timestamp};
use crate::device::DeviceName;
use crate::error::{Error, Result};
use crate::random::Random;

/// A session that was silent for so long gives way to another one of its device: a phone that lost its connection comes
/// back after 30 seconds, long before the old connection is known to be dead.
const SILENT: Duration = Duration::from_secs(20);
/// How often a number is drawn before giving up; even with a million open sessions one is free at once.
const DRAWS: usize = 16;

/// The open sessions.
#[derive(Debug, Default)]
pub struct Sessions(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    numbers: HashSet<u32>,
    devices: HashMap<String, Place>,
}

/// A device's session.
#[derive(Debug)]
struct Place {
    session: u32,
    heard: Timestamp,
    give_way: Arc<Notify>,
}

impl Sessions {
    /// Opens a session: a random number that no other open session has. Errors: `internal`.
    pub fn open(&self, random: &Random) -> Result<Session> {
        for _ in 0..DRAWS {
            let number = u32::from_be_bytes(random.bytes()?);
            // 0 is what a device sends that does not know its session.
            if number != 0 && lock(&self.0).numbers.insert(number) {
                return Ok(Session { number, open: Arc::clone(&self.0) });
            }
        }
        Err(Error::internal("no free CAPF session number was drawn"))
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        lock(&self.0).numbers.len()
    }
}

/// An open session; it ends when this is dropped.
#[derive(Debug)]
pub struct Session {
    number: u32,
    open: Arc<Mutex<Open>>,
}

impl Session {
    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Serves this device from now on. None if another session serves it, which was not silent for long; one that was
    /// is told to give way (CAPF-33).
    pub fn serve(&self, device: &DeviceName, clock: &Clock) -> Option<Serving> {
        let (now, name) = (clock.now(), device.folded());
        let mut open = lock(&self.open);
        if let Some(place) = open.devices.get(&name) {
            if now.since(place.heard) < SILENT {
                return None;
            }
            place.give_way.notify_one();
        }
        let give_way = Arc::new(Notify::new());
        let place = Place { session: self.number, heard: now, give_way: Arc::clone(&give_way) };
        open.devices.insert(name.clone(), place);
        drop(open);
        let (session, open) = (self.number, Arc::clone(&self.open));
        Some(Serving { device: name, session, open, give_way, clock: clock.clone() })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        lock(&self.open).numbers.remove(&self.number);
    }
}

/// A session's hold on its device; it ends when this is dropped.
#[derive(Debug)]
pub struct Serving {
    device: String,
    session: u32,
    open: Arc<Mutex<Open>>,
    give_way: Arc<Notify>,
    clock: Clock,
}

impl Serving {
    /// The device was heard of.
    pub fn heard(&self) {
        let now = self.clock.now();
        let mut open = lock(&self.open);
        if let Some(place) = open.devices.get_mut(&self.device).filter(|p| p.session == self.session) {
            place.heard = now;
        }
    }

    /// Returns when another session of the device takes over.
    pub async fn taken_over(&self) {
        self.give_way.notified().await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        if open.devices.get(&self.device).is_some_and(|place| place.session == self.session) {
            open.devices.remove(&self.device);
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn phone(name: &str) -> DeviceName {
        name.parse().unwrap()
    }

    /// CAPF-13: over a thousand numbers, no two alike, none near the one before.
    #[test]
    fn numbers_are_random_and_unique_among_the_open() {
        let (sessions, random) = (Sessions::default(), Random::system());
        let open: Vec<Session> = (0..1000).map(|_| sessions.open(&random).unwrap()).collect();
        assert_eq!(sessions.count(), 1000);
        assert!(open.iter().all(|session| session.number() != 0));
        let near = open.windows(2).filter(|pair| pair[0].number().abs_diff(pair[1].number()) < 1 << 16);
        assert!(near.count() < 5);
        let halves = open.iter().filter(|session| session.number() >> 31 == 1).count();
        assert!((350..650).contains(&halves), "{halves}");
        drop(open);
        assert_eq!(sessions.count(), 0);
    }

    /// CAPF-33.
    #[tokio::test]
    async fn a_device_has_one_session_until_it_falls_silent() {
        let (sessions, random, clock) = (Sessions::default(), Random::system(), Clock::manual(START));
        let (first, second) = (sessions.open(&random).unwrap(), sessions.open(&random).unwrap());
        let serving = first.serve(&phone("SEP001122334455"), &clock).unwrap();
        assert!(second.serve(&phone("sep001122334455"), &clock).is_none());
        assert!(second.serve(&phone("SEP001122334466"), &clock).is_some());
        clock.advance(SILENT - Duration::from_secs(1));
        serving.heard();
        clock.advance(SILENT - Duration::from_secs(1));
        assert!(second.serve(&phone("SEP001122334455"), &clock).is_none());
        clock.advance(Duration::from_secs(1));
        let taken = second.serve(&phone("SEP001122334455"), &clock).unwrap();
        serving.taken_over().await;
        // The end of the one before does not end the one that took over.
        drop(serving);
        assert!(first.serve(&phone("SEP001122334455"), &clock).is_none());
        drop(taken);
        assert!(first.serve(&phone("SEP001122334455"), &clock).is_some());
    }
}
