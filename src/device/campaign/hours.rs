//! The hours at which the devices of a region are reached, by the wall clock there.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// Minutes of a day.
const DAY: i64 = 24 * 60;
/// The farthest from UTC that clocks are set: 14 hours.
const FARTHEST: i64 = 14 * 60;
const MINUTE: i64 = 60_000;

/// The hours of one region, each day the same: `EMEA:22-04+01:00` is from 22:00 to 04:00 where clocks are an hour ahead
/// of UTC. `*` is every region without hours of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours {
    region: String,
    /// Minutes after midnight there.
    from: u16,
    to: u16,
    /// Minutes that clocks there are ahead of UTC.
    ahead: i16,
}

impl Hours {
    /// The region; `*` for all others.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Whether they are for this region itself.
    pub fn is_for(&self, region: Option<&str>) -> bool {
        region.is_some_and(|region| region.eq_ignore_ascii_case(&self.region))
    }

    /// Whether they are for all regions without hours of their own.
    pub fn is_for_others(&self) -> bool {
        self.region == "*"
    }

    /// Whether they last at this moment.
    pub fn include(&self, at: Timestamp) -> bool {
        let (from, to, now) = (i64::from(self.from), i64::from(self.to), self.minute_of_day(at));
        if from < to { from <= now && now < to } else { from <= now || now < to }
    }

    /// When they begin next; this moment itself while they last.
    pub fn next(&self, at: Timestamp) -> Timestamp {
        if self.include(at) {
            return at;
        }
        let minute = at.millis().div_euclid(MINUTE);
        let wait = (i64::from(self.from) - self.minute_of_day(at)).rem_euclid(DAY);
        Timestamp::from_millis(minute * MINUTE).plus(minutes(wait))
    }

    fn minute_of_day(&self, at: Timestamp) -> i64 {
        (at.millis().div_euclid(MINUTE) + i64::from(self.ahead)).rem_euclid(DAY)
    }
}

/// Whether a region is reached at this moment: in its own hours if it has any, else in those of all others, else always.
pub fn reached(all: &[Hours], region: Option<&str>, at: Timestamp) -> bool {
    of_region(all, region).is_none_or(|hours| hours.include(at))
}

/// The hours that count for a region; none if it is reached at all times.
pub fn of_region<'a>(all: &'a [Hours], region: Option<&str>) -> Option<&'a Hours> {
    all.iter().find(|hours| hours.is_for(region)).or_else(|| all.iter().find(|hours| hours.is_for_others()))
}

fn minutes(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or(0) * 60)
}

impl FromStr for Hours {
    type Err = Error;

    /// Reads `REGION:FROM-TO`, and how far clocks there are ahead of UTC if they are, as `+01:00` or `-5`. Hours are `22` or
    /// `22:30`. Errors: `invalid-hours`.
    fn from_str(text: &str) -> Result<Self> {
        let (region, rest) = text.split_once(':').ok_or_else(invalid)?;
        let (from, rest) = rest.split_once('-').ok_or_else(invalid)?;
        let sign = rest.find(['+', '-']);
        let (to, ahead) = rest.split_at(sign.unwrap_or(rest.len()));
        let ahead = match ahead.split_at_checked(1) {
            None => 0,
            Some((sign, size)) => clock(size, FARTHEST)? * if sign == "-" { -1 } else { 1 },
        };
        let is_name = region == "*" || super::is_region(region);
        let (from, to) = (clock(from, DAY)? % DAY, clock(to, DAY)? % DAY);
        if !is_name || from == to {
            return Err(invalid());
        }
        let small = |minutes: i64| u16::try_from(minutes).map_err(|_| invalid());
        Ok(Self {
            region: region.to_owned(),
            from: small(from)?,
            to: small(to)?,
            ahead: i16::try_from(ahead).map_err(|_| invalid())?,
        })
    }
}

/// Minutes of `22` or `22:30`, at most `most`.
fn clock(text: &str, most: i64) -> Result<i64> {
    let (hours, minutes) = text.split_once(':').unwrap_or((text, "0"));
    let number = |text: &str, most: i64| {
        let is_short = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|n| is_short && *n <= most)
    };
    let found = number(hours, 24).zip(number(minutes, 59)).map(|(hours, minutes)| hours * 60 + minutes);
    found.filter(|minutes| *minutes <= most).ok_or_else(invalid)
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |minutes: u16| (minutes / 60, minutes % 60);
        let ((from, from_minute), (to, to_minute)) = (of(self.from), of(self.to));
        let (sign, (ahead, ahead_minute)) =
            (if self.ahead < 0 { '-' } else { '+' }, of(self.ahead.unsigned_abs()));
        write!(f, "{}:{from:02}:{from_minute:02}-{to:02}:{to_minute:02}", self.region)?;
        write!(f, "{sign}{ahead:02}:{ahead_minute:02}")
    }
}

impl TryFrom<String> for Hours {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.to_string()
    }
}

fn invalid() -> Error {
    let rule =
        "hours are REGION:FROM-TO by the clock there and how far it is ahead of UTC, as EMEA:22-04+01:00";
    Error::invalid("invalid-hours", rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(&format!("2026-11-{text}:00Z")).unwrap()
    }

    #[test]
    fn a_night_is_over_midnight_and_by_the_clock_there() {
        let hours: Hours = "EMEA:22-04+01:00".parse().unwrap();
        assert_eq!(hours.to_string(), "EMEA:22:00-04:00+01:00");
        for (moment, is_open) in [
            ("22T20:59", false),
            ("22T21:00", true),
            ("22T23:30", true),
            ("23T02:59", true),
            ("23T03:00", false),
        ] {
            assert_eq!(hours.include(at(moment)), is_open, "{moment}");
        }
        assert_eq!(hours.next(at("22T12:34")), at("22T21:00"));
        assert_eq!(hours.next(at("23T01:00")), at("23T01:00"));
        assert_eq!(hours.next(at("23T03:00")), at("23T21:00"));
    }

    #[test]
    fn west_of_greenwich_and_half_hours() {
        let hours: Hours = "us-west:09:30-17-8".parse().unwrap();
        assert_eq!(hours.to_string(), "us-west:09:30-17:00-08:00");
        assert!(hours.include(at("22T17:30")) && !hours.include(at("22T17:29")));
        assert!(hours.include(at("23T00:59")) && !hours.include(at("23T01:00")));
        let india: Hours = "IN:1-24+5:30".parse().unwrap();
        assert_eq!(india.to_string(), "IN:01:00-00:00+05:30");
    }

    #[test]
    fn a_region_has_its_own_hours_or_those_of_all_others() {
        let all: Vec<Hours> = ["EMEA:22-04", "*:12-13"].iter().map(|t| t.parse().unwrap()).collect();
        assert!(reached(&all, Some("emea"), at("22T23:00")) && !reached(&all, Some("EMEA"), at("22T12:30")));
        assert!(reached(&all, Some("APAC"), at("22T12:30")) && !reached(&all, None, at("22T23:00")));
        assert!(reached(&all[..1], Some("APAC"), at("22T23:00")));
    }

    #[test]
    fn what_is_no_hours_is_refused() {
        for text in [
            "",
            "EMEA",
            "EMEA:22",
            "EMEA:22-22",
            "EMEA:0-24",
            "EMEA:25-04",
            "EMEA:22-04+15",
            ":22-04",
            "E\tM:1-2",
            "EMEA:22:60-04",
            "EMEA:022-04",
            "EMEA:22-04+",
            "EMEA:22-04+01:00x",
            "EMEA:-1-4",
        ] {
            assert_eq!(text.parse::<Hours>().unwrap_err().code(), "invalid-hours", "{text:?}");
        }
    }
}
