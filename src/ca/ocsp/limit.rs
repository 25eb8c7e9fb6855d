//! How much signing one address may ask for: a flood of nonces must not take the signing threads from the others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};

/// Signatures that one address may ask for in a second, unless the settings say otherwise.
pub(super) const USUAL: u32 = 1_000;
/// Addresses of one generation; two are kept.
const GENERATION: usize = 10_000;

/// Counts signatures by address: so many a second, and twice as many at once.
#[derive(Debug)]
pub(super) struct Limit {
    per_second: u32,
    spent: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<IpAddr, Spent>,
    elder: HashMap<IpAddr, Spent>,
}

/// Thousandths of a signature that were spent and not earned again by then.
#[derive(Clone, Copy, Debug)]
struct Spent {
    thousandths: u64,
    then: Timestamp,
}

impl Limit {
    /// So many signatures a second for each address; 0: as many as there are.
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second, spent: Mutex::default() }
    }

    /// Lets one signature through. Errors: `ocsp-throttled` if the address has had its share.
    pub(super) fn take(&self, from: IpAddr, now: Timestamp) -> Result<()> {
        if self.per_second == 0 {
            return Ok(());
        }
        let from = counted_as(from);
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let owed = spent.find(&from).map_or(0, |before| before.owed(self.per_second, now));
        if owed > 2_000 * u64::from(self.per_second) - 1_000 {
            let text = "this address asked for too many signatures; it is answered from memory meanwhile";
            return Err(Error::new(Kind::Throttled, "ocsp-throttled", text));
        }
        spent.put(from, Spent { thousandths: owed + 1_000, then: now });
        Ok(())
    }
}

impl Spent {
    /// What remains of it: a millisecond earns a thousandth of what a second does.
    fn owed(&self, per_second: u32, now: Timestamp) -> u64 {
        let earned = now.since(self.then).as_millis().saturating_mul(u128::from(per_second));
        self.thousandths.saturating_sub(u64::try_from(earned).unwrap_or(u64::MAX))
    }
}

impl Generations {
    fn find(&self, from: &IpAddr) -> Option<Spent> {
        self.young.get(from).or_else(|| self.elder.get(from)).copied()
    }

    fn put(&mut self, from: IpAddr, spent: Spent) {
        if self.young.len() >= GENERATION && !self.young.contains_key(&from) {
            self.elder = std::mem::take(&mut self.young);
        }
        self.young.insert(from, spent);
    }
}

/// Of IPv6 the first 64 bits: a host has as many of the others as it likes.
fn counted_as(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn revocation_42_an_address_has_a_share_that_comes_back_and_takes_nobody_elses() {
        let (limit, now) = (Limit::new(10), Timestamp::from_secs(1_000));
        let [flood, other]: [IpAddr; 2] = ["2001:db8::1", "192.0.2.9"].map(|a| a.parse().unwrap());
        let same_net: IpAddr = "2001:db8::ffff:2".parse().unwrap();
        for _ in 0..20 {
            limit.take(flood, now).unwrap();
        }
        for from in [flood, same_net] {
            assert_eq!(limit.take(from, now).unwrap_err().code(), "ocsp-throttled");
        }
        limit.take(other, now).unwrap();
        let later = now.plus(Duration::from_millis(500));
        assert_eq!((0..99).filter(|_| limit.take(flood, later).is_ok()).count(), 5);
        assert_eq!(
            (0..99).filter(|_| limit.take(flood, later.plus(Duration::from_hours(1))).is_ok()).count(),
            20
        );
        let unlimited = Limit::new(0);
        assert!((0..1_000).all(|_| unlimited.take(flood, now).is_ok()));
    }

    #[test]
    fn many_addresses_are_forgotten_in_turn() {
        let (limit, now) = (Limit::new(1), Timestamp::from_secs(1_000));
        for n in 0..3 * GENERATION as u32 {
            limit.take(std::net::Ipv4Addr::from_bits(n).into(), now).unwrap();
        }
        let spent = limit.spent.lock().unwrap();
        assert!(spent.young.len() + spent.elder.len() <= 2 * GENERATION);
    }
}
