//! Wrong attempts are counted per key, address and profile, and slow the next ones down.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::id::ProfileId;

/// After this long without a wrong attempt, the count begins anew.
const FORGET: Duration = Duration::from_secs(3600);
/// Entries in each of the two generations.
const GENERATION: usize = 50_000;
/// Refusals of one sort from one address that are written to the audit log in a minute, and all together.
const REFUSALS_EACH: u32 = 10;
const REFUSALS_ALL: u32 = 300;
/// Of all sorts from one address: a flood of many sorts leaves room for the others' refusals.
const REFUSALS_FROM_ONE: u32 = 60;
/// Whoever never waits longer than this is slowed, not locked out.
const PACE: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(60);

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A signer's key (SHA-256 of its SubjectPublicKeyInfo).
    Key([u8; 32]),
    /// An address; of IPv6 the first 64 bits.
    Address(IpAddr),
    /// A profile.
    Profile(ProfileId),
    /// Proofs by certificate (CAPF) from an address; of IPv6 the first 64 bits.
    ProofsFrom(IpAddr),
    /// Proofs by certificate for a device (its name), from anywhere.
    ProofsFor(String),
    /// Those for a device from one address, all of it: a few are looked at wherever others send wrong ones from.
    ProofsAt(String, IpAddr),
    /// Those from one address by a certificate that the device is known to hold.
    ProofsByOwn(String, IpAddr),
}

impl Who {
    /// An address as it is counted.
    pub fn address(address: IpAddr) -> Self {
        Self::Address(network(address))
    }

    /// An address that proofs by certificate come from.
    pub fn proofs_from(address: IpAddr) -> Self {
        Self::ProofsFrom(network(address))
    }

    /// Wrong attempts without a consequence, and the longest wait. A profile waits for seconds only: or
    /// anybody could shut it for all. A certificate is not guessed: what is bounded there is work, so nobody waits long.
    fn bounds(&self) -> (u32, Duration) {
        match self {
            Self::Key(_) => (5, Duration::from_secs(900)),
            Self::Address(_) => (20, Duration::from_secs(900)),
            Self::Profile(_) => (1000, Duration::from_secs(5)),
            Self::ProofsFrom(_) => (20, Duration::from_secs(60)),
            Self::ProofsFor(_) => (20, Duration::from_secs(5)),
            Self::ProofsAt(..) => (3, PACE),
            Self::ProofsByOwn(..) => (5, PACE),
        }
    }
}

/// What is counted of an address: all of IPv4, of IPv6 the first 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(hash) => {
                f.write_str("key:")?;
                hash.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
            Self::Address(address) | Self::ProofsFrom(address) => write!(f, "address:{address}"),
            Self::Profile(profile) => write!(f, "profile:{profile}"),
            Self::ProofsFor(name) | Self::ProofsAt(name, _) | Self::ProofsByOwn(name, _) => {
                write!(f, "device:{name}")
            }
        }
    }
}

/// Bounded, in memory; the challenge's own entropy is what keeps it safe across a restart.
#[derive(Debug, Default)]
pub struct Throttle {
    counts: Mutex<Generations<Who, Count>>,
    refusals: Mutex<Refusals>,
    unopened: Mutex<Refusals>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    wrong: u32,
    last: Timestamp,
    until: Timestamp,
}

impl Throttle {
    /// Lets an attempt through. Errors: `throttled`, saying for how many seconds.
    pub fn check(&self, now: Timestamp, whos: &[Who]) -> Result<()> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = whos.iter().filter_map(|who| counts.find(who)).map(|count| count.until.since(now));
        let wait = waits.max().unwrap_or_default();
        if wait.is_zero() {
            return Ok(());
        }
        let seconds = wait.as_millis().div_ceil(1000);
        let text = format!("too many wrong attempts; try again in {seconds} seconds");
        Err(Error::new(Kind::Throttled, "throttled", text))
    }

    /// Counts a wrong attempt. Returns who is locked out from now on and was not before.
    pub fn count_wrong(&self, now: Timestamp, whos: &[Who]) -> Vec<Who> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut locked = Vec::new();
        for who in whos {
            let (free, longest) = who.bounds();
            let before = counts.find(who).filter(|c| now.since(c.last) < FORGET);
            let wrong = before.map_or(0, |c| c.wrong).saturating_add(1);
            let over = wrong.saturating_sub(free);
            let wait = match over {
                0 => Duration::ZERO,
                n => Duration::from_secs(1u64 << (n - 1).min(16)).min(longest),
            };
            counts.put(who.clone(), Count { wrong, last: now, until: now.plus(wait) });
            if over == 1 && longest > PACE {
                locked.push(who.clone());
            }
        }
        locked
    }

    /// Whether a refusal of this sort is to be written to the audit log, and how many were not since the last that was.
    pub(crate) fn admit_refusal(
        &self,
        now: Timestamp,
        address: Option<IpAddr>,
        code: &'static str,
    ) -> Option<u32> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).admit(now, address, code)
    }

    /// As [`Throttle::admit_refusal`], for messages that were not even opened: anybody can send those, and they must not
    /// take the room of the others.
    pub(crate) fn admit_unopened(
        &self,
        now: Timestamp,
        address: Option<IpAddr>,
        code: &'static str,
    ) -> Option<u32> {
        self.unopened.lock().unwrap_or_else(PoisonError::into_inner).admit(now, address, code)
    }
}

/// A map that forgets the half that was not used for longest when it is full.
#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Generations<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Hash + Eq, V: Copy> Generations<K, V> {
    fn find(&mut self, key: &K) -> Option<V> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn put(&mut self, key: K, value: V) {
        if self.young.len() >= GENERATION && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }
}

/// Keeps an attacker from filling the disk with refusals.
#[derive(Debug, Default)]
struct Refusals {
    began: Option<Timestamp>,
    all: u32,
    each: HashMap<(Option<Who>, &'static str), u32>,
    from_one: HashMap<Option<Who>, u32>,
    unwritten: u32,
}

impl Refusals {
    fn admit(&mut self, now: Timestamp, address: Option<IpAddr>, code: &'static str) -> Option<u32> {
        if self.began.is_none_or(|began| now.since(began) >= WINDOW) {
            self.began = Some(now);
            self.all = 0;
            self.each.clear();
            self.from_one.clear();
        }
        // past the bounds nothing is entered, so the maps are bounded too
        let who = address.map(Who::address);
        let written = self.from_one.get(&who).copied().unwrap_or(0);
        let full = self.all >= REFUSALS_ALL || written >= REFUSALS_FROM_ONE;
        let sort = (who.clone(), code);
        if full || *self.each.entry(sort).and_modify(|n| *n += 1).or_insert(1) > REFUSALS_EACH {
            self.unwritten = self.unwritten.saturating_add(1);
            return None;
        }
        self.from_one.insert(who, written + 1);
        self.all += 1;
        Some(std::mem::take(&mut self.unwritten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn key(n: u32) -> Who {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&n.to_be_bytes());
        Who::Key(hash)
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour_and_are_forgotten() {
        let (throttle, who) = (Throttle::default(), [key(1)]);
        for _ in 0..5 {
            assert!(throttle.count_wrong(START, &who).is_empty());
            throttle.check(START, &who).unwrap();
        }
        assert_eq!(throttle.count_wrong(START, &who), who);
        let refused = throttle.check(START, &who).unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (Kind::Throttled, "throttled"));
        throttle.check(START.plus(Duration::from_secs(1)), &who).unwrap();
        for _ in 0..40 {
            assert!(throttle.count_wrong(START, &who).is_empty(), "the lockout is told once");
        }
        assert!(throttle.check(START.plus(Duration::from_secs(899)), &who).is_err());
        throttle.check(START.plus(Duration::from_secs(900)), &who).unwrap();
        let later = START.plus(FORGET);
        assert!(throttle.count_wrong(later, &who).is_empty());
        throttle.check(later, &who).unwrap();
    }

    #[test]
    fn others_are_not_slowed_and_a_profile_only_for_seconds() {
        let throttle = Throttle::default();
        let profile = [Who::Profile("scep-device".parse().unwrap())];
        for _ in 0..2000 {
            throttle.count_wrong(START, &profile);
        }
        throttle.check(START, &[key(2)]).unwrap();
        assert!(throttle.check(START, &profile).is_err());
        throttle.check(START.plus(Duration::from_secs(5)), &profile).unwrap();
    }

    #[test]
    fn memory_is_bounded_and_the_recent_are_remembered() {
        let throttle = Throttle::default();
        for _ in 0..6 {
            throttle.count_wrong(START, &[key(u32::MAX)]);
        }
        for n in 0..(3 * GENERATION as u32) {
            throttle.count_wrong(START, &[key(n)]);
            if n % 1000 == 0 {
                throttle.count_wrong(START, &[key(u32::MAX)]);
            }
        }
        let counts = throttle.counts.lock().unwrap();
        assert!(counts.young.len() + counts.old.len() <= 2 * GENERATION);
        drop(counts);
        assert!(throttle.check(START, &[key(u32::MAX)]).is_err());
    }

    #[test]
    fn ipv6_is_counted_by_network() {
        let who = |a: &str| Who::address(a.parse().unwrap());
        assert_eq!(who("2001:db8::1"), who("2001:db8::2"));
        assert_ne!(who("2001:db8::1"), who("2001:db8:0:1::1"));
        assert_eq!(who("::ffff:10.0.0.1"), who("10.0.0.1"));
    }

    #[test]
    fn a_flood_of_many_sorts_leaves_room_for_others() {
        let throttle = Throttle::default();
        let flood = Some("10.0.0.9".parse().unwrap());
        let codes: Vec<&'static str> = (0..100).map(|n| &*format!("code-{n}").leak()).collect();
        let written =
            |address| codes.iter().filter(|c| throttle.admit_refusal(START, address, c).is_some()).count();
        assert_eq!(written(flood), REFUSALS_FROM_ONE as usize);
        assert_eq!(written(Some("10.0.0.10".parse().unwrap())), REFUSALS_FROM_ONE as usize);
    }

    #[test]
    fn messages_that_nobody_can_open_take_no_room_from_the_others() {
        let throttle = Throttle::default();
        for n in 0..1000u32 {
            throttle.admit_unopened(START, Some(IpAddr::V4(n.into())), "bad-ber");
        }
        assert_eq!(throttle.admit_unopened(START, Some(IpAddr::V4(2000.into())), "bad-ber"), None);
        assert_eq!(throttle.admit_refusal(START, Some(IpAddr::V4(2000.into())), "bad-csr"), Some(0));
    }

    #[test]
    fn refusals_are_written_by_the_minute_and_the_rest_counted() {
        let throttle = Throttle::default();
        let address = Some("10.0.0.9".parse().unwrap());
        for _ in 0..REFUSALS_EACH {
            assert_eq!(throttle.admit_refusal(START, address, "bad-csr"), Some(0));
        }
        assert_eq!(throttle.admit_refusal(START, address, "bad-csr"), None);
        assert_eq!(throttle.admit_refusal(START, address, "bad-csr"), None);
        assert_eq!(throttle.admit_refusal(START, address, "policy"), Some(2));
        for n in 0..1000u32 {
            let other = Some(IpAddr::V4(n.into()));
            throttle.admit_refusal(START, other, "bad-csr");
        }
        assert!(throttle.refusals.lock().unwrap().each.len() <= REFUSALS_ALL as usize);
        assert!(throttle.admit_refusal(START.plus(WINDOW), address, "bad-csr").is_some_and(|n| n > 600));
    }
}
