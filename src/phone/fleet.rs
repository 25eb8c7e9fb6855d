//! Many phones that boot at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::boot::{Boot, Kit, World, boot};
use super::keys::Keys;
use super::library::Library;
use super::state::Phone;
use super::tls::Tls;
use super::{Outcome, report as alarms};
use crate::clock::{Clock, Stopwatch};

mod order;
mod report;

pub use order::shuffled;
pub use report::{Failed, Report, Times};

/// What the phones of a fleet share.
#[derive(Debug)]
pub struct Site {
    /// What they find.
    pub world: World,
    /// Where their alarms go (`HOST:PORT`, syslog over UDP).
    pub alarms: Option<String>,
    /// Their keys.
    pub keys: Keys,
    /// So many boot at once.
    pub at_once: usize,
    /// So many begin to boot in a second, at the most.
    pub per_second: Option<u32>,
    /// The time.
    pub clock: Clock,
}

/// What the phones of one round share.
struct Shared {
    tls: Tls,
    library: Library,
}

/// One that booted.
struct Booted {
    place: usize,
    phone: Phone,
    boot: Boot,
    took: Duration,
}

/// Boots every phone once, in the order given, and tells `each` how it went. Gives the phones back as they are then, in
/// their order. Faults: none of a phone, only that nothing can be begun at all.
pub async fn boot_all(
    phones: Vec<Phone>,
    site: &Arc<Site>,
    mut each: impl FnMut(&Phone, &Boot),
) -> Outcome<(Vec<Phone>, Report)> {
    let shared = Arc::new(Shared { tls: Tls::new()?, library: Library::default() });
    let (mut report, mut after) = (Report::default(), Vec::with_capacity(phones.len()));
    let mut waiting = phones.into_iter().enumerate();
    let (mut next, mut running, begun) = (waiting.next(), JoinSet::new(), Stopwatch::start());
    loop {
        let may_begin = next.is_some() && running.len() < site.at_once.max(1);
        let early = next.as_ref().map_or(Duration::ZERO, |(place, _)| early(site, *place, begun.elapsed()));
        if may_begin && early.is_zero() {
            let Some((place, phone)) = std::mem::replace(&mut next, waiting.next()) else { break };
            running.spawn(one(place, phone, Arc::clone(site), Arc::clone(&shared)));
            continue;
        }
        tokio::select! {
            Some(joined) = running.join_next() => match joined {
                Ok(booted) => {
                    each(&booted.phone, &booted.boot);
                    report.add(&booted.phone, &booted.boot, booted.took);
                    after.push((booted.place, booted.phone));
                }
                // A phone whose boot was cut off is not given back.
                Err(_) => report.cut_off(),
            },
            () = site.clock.sleep(early), if may_begin => {}
            else => break,
        }
    }
    after.sort_by_key(|(place, _)| *place);
    Ok((after.into_iter().map(|(_, phone)| phone).collect(), report))
}

/// How long the phone in this place is still to wait: they begin evenly.
fn early(site: &Site, place: usize, now: Duration) -> Duration {
    let Some(rate) = site.per_second.filter(|rate| *rate > 0) else { return Duration::ZERO };
    let turn = Duration::from_secs_f64(place as f64 / f64::from(rate));
    turn.saturating_sub(now)
}

async fn one(place: usize, mut phone: Phone, site: Arc<Site>, shared: Arc<Shared>) -> Booted {
    let begun = Stopwatch::start();
    let kit = Kit { tls: &shared.tls, keys: &site.keys, library: &shared.library, now: site.clock.now() };
    let boot = boot(&mut phone, &site.world, kit).await;
    let took = begun.elapsed();
    if let (Some(alarm), Some(to)) = (boot.alarm, &site.alarms) {
        // Nobody acknowledges a datagram: what is not sent is as what is lost.
        let _ = alarms::send(&phone, alarm, to).await;
    }
    Booted { place, phone, boot, took }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_even() {
        let site = |per_second| Site {
            world: World::default(),
            alarms: None,
            keys: Keys::default(),
            at_once: 1,
            per_second,
            clock: Clock::system(),
        };
        let millis = Duration::from_millis;
        assert_eq!(early(&site(None), 1000, millis(0)), millis(0));
        assert_eq!(early(&site(Some(50)), 0, millis(0)), millis(0));
        assert_eq!(early(&site(Some(50)), 100, millis(500)), millis(1500));
        assert_eq!(early(&site(Some(50)), 100, millis(2500)), millis(0));
    }
}
