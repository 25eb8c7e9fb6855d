//! How many questions a source is asked at once, in all and by one address: a judge that stays silent holds each question
//! for seconds, and one client must not take every place.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::enrol::throttle::Who;

/// Questions to one source at once; more are told to come again.
const AT_ONCE: usize = 64;
/// Those of one address: a quarter. Behind one address there may be a whole site, and its devices come again.
const OF_ADDRESS: usize = AT_ONCE / 4;

/// The places of one source.
#[derive(Default)]
pub(super) struct Room(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<Who, usize>,
}

/// A place, until it is dropped.
pub(super) struct Place<'a> {
    room: &'a Room,
    of: Option<Who>,
}

impl Room {
    /// A place for a question of `address`, if there is one; one without an address has no share to exceed.
    pub fn enter(&self, address: Option<IpAddr>) -> Option<Place<'_>> {
        let of = address.map(Who::address);
        let mut taken = self.taken();
        if taken.all >= AT_ONCE {
            return None;
        }
        if let Some(of) = &of {
            let own = taken.by_address.entry(of.clone()).or_default();
            if *own >= OF_ADDRESS {
                return None;
            }
            *own += 1;
        }
        taken.all += 1;
        Some(Place { room: self, of })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.all -= 1;
        let Some(of) = &self.of else { return };
        if let Some(own) = taken.by_address.get_mut(of) {
            *own -= 1;
            if *own == 0 {
                taken.by_address.remove(of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_quarter_and_an_ipv6_network_is_one() {
        let room = Room::default();
        let host = |n: u16| Some(IpAddr::V6([0x2001, 0xdb8, 0, 1, 0, 0, 0, n].into()));
        let held: Vec<_> = (0..16).map(|n| room.enter(host(n)).unwrap()).collect();
        assert!(room.enter(host(99)).is_none());
        let others: Vec<_> = (0..48u32).map(|n| room.enter(Some(IpAddr::V4(n.into()))).unwrap()).collect();
        assert!(room.enter(None).is_none(), "there are 64 in all");
        drop(held);
        assert!(room.enter(host(99)).is_some() && room.enter(None).is_some());
        drop(others);
        let taken = room.taken();
        assert_eq!((taken.all, taken.by_address.len()), (0, 0));
    }
}
