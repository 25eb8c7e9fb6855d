//! Many phones that boot at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::boot::{Boot, World, boot};
use super::capf::Ended;
use super::keys::Keys;
use super::state::Phone;
use super::tls::Tls;
use super::{Outcome, report};

/// So many phones that failed are named in a report.
const MOST_NAMED: usize = 20;

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
}

/// How the boots of a fleet went.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many booted.
    pub phones: usize,
    /// How many took everything that they were offered.
    pub well: usize,
    /// How many were given a certificate, or were rid of one, in this boot.
    pub served_by_capf: usize,
    /// How many hold a certificate now.
    pub with_certificate: usize,
    /// How many sent each alarm.
    pub alarms: BTreeMap<&'static str, usize>,
    /// How many refused a list: they are locked out until somebody resets them.
    pub locked_out: usize,
    /// What went wrong, and how often.
    pub faults: BTreeMap<String, usize>,
    /// Some of those for whom it did.
    pub failed: Vec<String>,
}

/// Boots every phone once, and tells `each` how it went. Gives the phones back as they are then, in their order.
/// Faults: none of a phone, only that nothing can be begun at all.
pub async fn boot_all(
    phones: Vec<Phone>,
    site: &Arc<Site>,
    mut each: impl FnMut(&Phone, &Boot),
) -> Outcome<(Vec<Phone>, Report)> {
    let tls = Tls::new()?;
    let (mut report, mut after) = (Report::default(), Vec::with_capacity(phones.len()));
    let mut waiting = phones.into_iter().enumerate();
    let mut running = JoinSet::new();
    loop {
        while running.len() < site.at_once.max(1) {
            let Some((place, phone)) = waiting.next() else { break };
            running.spawn(one(place, phone, Arc::clone(site), tls.clone()));
        }
        match running.join_next().await {
            Some(Ok((place, phone, boot))) => {
                each(&phone, &boot);
                report.add(&phone, &boot);
                after.push((place, phone));
            }
            // A phone whose boot was cut off is not given back.
            Some(Err(_)) => *report.faults.entry("the boot was cut off".to_owned()).or_default() += 1,
            None => break,
        }
    }
    after.sort_by_key(|(place, _)| *place);
    Ok((after.into_iter().map(|(_, phone)| phone).collect(), report))
}

async fn one(place: usize, mut phone: Phone, site: Arc<Site>, tls: Tls) -> (usize, Phone, Boot) {
    let boot = boot(&mut phone, &site.world, &tls, &site.keys).await;
    if let (Some(alarm), Some(to)) = (boot.alarm, &site.alarms) {
        // Nobody acknowledges a datagram: what is not sent is as what is lost.
        let _ = report::send(&phone, alarm, to).await;
    }
    (place, phone, boot)
}

impl Report {
    fn add(&mut self, phone: &Phone, boot: &Boot) {
        self.phones += 1;
        self.with_certificate += usize::from(phone.lsc.is_some());
        self.served_by_capf += usize::from(matches!(boot.capf, Some(Ok(Ended::Done))));
        if let Some(alarm) = boot.alarm {
            *self.alarms.entry(alarm.name()).or_default() += 1;
            self.locked_out += usize::from(alarm.is_failure());
        }
        match boot.fault() {
            None => self.well += 1,
            Some(fault) => {
                *self.faults.entry(fault).or_default() += 1;
                if self.failed.len() < MOST_NAMED {
                    self.failed.push(phone.name.clone());
                }
            }
        }
    }
}
