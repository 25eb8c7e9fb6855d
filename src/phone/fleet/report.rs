//! How the boots of a fleet went.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::phone::boot::Boot;
use crate::phone::capf::Ended;
use crate::phone::configuration::Configuration;
use crate::phone::state::Phone;

/// So many phones are named beside each fault.
const MOST_NAMED: usize = 5;
/// So many different faults are told apart.
const MOST_FAULTS: usize = 100;

/// How the boots of a fleet went.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many booted.
    pub phones: usize,
    /// How many took everything that they were offered.
    pub well: usize,
    /// How many were given a certificate, or were rid of one, in this boot.
    pub served_by_capf: usize,
    /// How many hold a certificate of CAPF now.
    pub with_certificate: usize,
    /// How many opened an encrypted configuration.
    pub encrypted: usize,
    /// How many sent each alarm.
    pub alarms: BTreeMap<&'static str, usize>,
    /// How many refused a list: they are locked out until somebody resets them.
    pub locked_out: usize,
    /// What went wrong, and for whom.
    pub faults: BTreeMap<String, Failed>,
    /// How long the boots took.
    pub times: Times,
}

/// Phones for whom the same went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failed {
    /// How many they are.
    pub phones: usize,
    /// The first of them.
    pub first: Vec<String>,
}

/// Times of boots.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// The time within which so many of a hundred boots were done (50: half of them); zero if there were none.
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(rank).copied().unwrap_or_default()
    }
}

impl Report {
    pub(super) fn add(&mut self, phone: &Phone, boot: &Boot, took: Duration) {
        self.phones += 1;
        self.times.0.push(took);
        self.with_certificate += usize::from(phone.lsc.is_some());
        self.served_by_capf += usize::from(matches!(boot.capf, Some(Ok(Ended::Done))));
        self.encrypted += usize::from(matches!(boot.configuration, Some(Ok(Configuration::Encrypted))));
        if let Some(alarm) = boot.alarm {
            *self.alarms.entry(alarm.name()).or_default() += 1;
            self.locked_out += usize::from(alarm.is_failure());
        }
        match boot.fault() {
            None => self.well += 1,
            Some(fault) => self.fault(&fault, Some(&phone.name)),
        }
    }

    /// A boot came to no end.
    pub(super) fn cut_off(&mut self) {
        self.fault("the boot was cut off", None);
    }

    /// What differs by the phone's name alone is the same fault.
    fn fault(&mut self, fault: &str, phone: Option<&str>) {
        let mut what = phone.map_or_else(|| fault.to_owned(), |name| fault.replace(name, "SEP…"));
        if self.faults.len() == MOST_FAULTS && !self.faults.contains_key(&what) {
            what = "other faults".to_owned();
        }
        let failed = self.faults.entry(what).or_default();
        failed.phones += 1;
        if failed.first.len() < MOST_NAMED {
            failed.first.extend(phone.map(str::to_owned));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::{Alarm, Fault};

    fn report(boots: &[Boot]) -> Report {
        let mut report = Report::default();
        for (number, boot) in boots.iter().enumerate() {
            let phone = Phone::new(format!("SEP{number:012X}"), "8845");
            report.add(&phone, boot, Duration::from_millis(number as u64));
        }
        report
    }

    #[test]
    fn the_same_fault_of_many_phones_is_told_once() {
        let missing = |number: usize| Boot {
            configuration: Some(Err(Fault::new(format!("SEP{number:012X}.cnf.xml.sgn is not there")))),
            ..Boot::default()
        };
        let found = report(&(0..50).map(missing).collect::<Vec<_>>());
        let (what, failed) = found.faults.first_key_value().unwrap();
        assert_eq!(what, "configuration: SEP….cnf.xml.sgn is not there");
        assert_eq!((found.faults.len(), failed.phones, failed.first.len()), (1, 50, MOST_NAMED));
        assert_eq!(failed.first[0], "SEP000000000000");
    }

    #[test]
    fn who_cannot_be_reached_is_not_locked_out() {
        let away = Boot { unreachable: Some(Fault::new("refused")), ..Boot::default() };
        let refused =
            Boot { alarm: Some(Alarm::FailedOldItl), refused_list: Some(Fault::new("no")), ..away.clone() };
        let found = report(&[away, Boot { unreachable: None, ..refused }, Boot::default()]);
        assert_eq!((found.phones, found.well, found.locked_out), (3, 1, 1));
        let whys: Vec<&str> = found.faults.keys().map(String::as_str).collect();
        assert_eq!(whys, ["list refused: no", "lists: refused"]);
    }

    #[test]
    fn percentiles_are_of_the_boots_that_were() {
        let found = report(&vec![Boot::default(); 101]).times;
        let millis = |percent| found.percentile(percent).as_millis();
        assert_eq!((millis(0), millis(50), millis(99), millis(100)), (0, 50, 99, 100));
        assert_eq!(Times::default().percentile(50), Duration::ZERO);
    }
}
