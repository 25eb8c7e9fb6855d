//! When notices are given, and to whom: `policies/notices.toml`, validated as a whole.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::ca::profile::duration;
use crate::error::{Error, Kind, Result};

mod target;

pub use target::{MailOptions, SyslogOptions, Target, WebhookOptions};

/// The file within the policies folder.
pub const FILE: &str = "notices.toml";
const SHIPPED: &str = include_str!("../../policies/notices.toml");
const MOST_CHANNELS: usize = 16;
const MOST_STEPS: usize = 16;
/// Ten years.
const LONGEST_STEP: u16 = 3660;
const MOST_LISTED: u16 = 500;

/// When notices are given, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticePolicy {
    /// So many days before a certificate expires, most first.
    pub days: Vec<u16>,
    /// So many days before a CA expires, most first.
    pub ca_days: Vec<u16>,
    /// The time from one look to the next.
    pub every: Duration,
    /// So many certificates stand in a message.
    pub listed: usize,
    /// To whom, by name.
    pub channels: Vec<ChannelPolicy>,
}

/// One that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPolicy {
    /// Its name.
    pub name: String,
    /// Whether it is used.
    pub enabled: bool,
    /// Where it leads.
    pub target: Target,
    /// The line it begins at, for faults of the files that it names.
    pub(super) line: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    days: Option<Spanned<Vec<u16>>>,
    ca_days: Option<Spanned<Vec<u16>>>,
    every: Option<Spanned<String>>,
    listed: Option<Spanned<u16>>,
    #[serde(default)]
    channels: BTreeMap<String, target::RawChannel>,
}

impl NoticePolicy {
    /// The policy that is compiled in: everything is listed, nobody is told.
    pub fn shipped() -> Result<Self, Vec<Error>> {
        Self::parse(SHIPPED)
    }

    /// Writes the shipped file into `policies` (a folder), leaving an existing one alone. Errors: `policies`.
    pub fn write_shipped(policies: &Path) -> Result<()> {
        use std::io::Write as _;
        let path = policies.join(FILE);
        let failed =
            |e| Error::new(Kind::Storage, "policies", format!("cannot write {}", path.display())).because(e);
        match std::fs::File::create_new(&path) {
            Ok(mut file) => file.write_all(SHIPPED.as_bytes()).map_err(failed),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(failed(e)),
        }
    }

    /// Reads `notices.toml` below `policies`; the shipped one if there is none. Errors: every fault found
    /// (`bad-notices`), each with `file:line` as its field.
    pub fn load(policies: &Path) -> Result<Self, Vec<Error>> {
        match std::fs::read_to_string(policies.join(FILE)) {
            Ok(text) => Self::parse(&text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Self::shipped(),
            Err(e) => Err(vec![bad(1, "the file cannot be read").because(e)]),
        }
    }

    /// Reads and validates a whole policy. Errors: as [`NoticePolicy::load`].
    pub fn parse(text: &str) -> Result<Self, Vec<Error>> {
        let file: File = toml::from_str(text).map_err(|e| {
            let reason = e.message().lines().collect::<Vec<_>>().join(" ");
            vec![bad(e.span().map_or(1, |span| line_of(text, span.start)), &reason)]
        })?;
        let mut faults = Faults { text, found: Vec::new() };
        let policy = Self {
            days: faults.steps("days", file.days, &[30, 14, 7, 1]),
            ca_days: faults.steps("ca_days", file.ca_days, &[365, 180, 90, 30, 14, 7, 1]),
            every: faults.every(file.every),
            listed: faults.listed(file.listed),
            channels: faults.channels(file.channels),
        };
        if faults.found.is_empty() { Ok(policy) } else { Err(faults.found) }
    }
}

/// Collects what is wrong with the file.
pub(super) struct Faults<'a> {
    text: &'a str,
    found: Vec<Error>,
}

impl Faults<'_> {
    /// Notes the rule that what stands at an offset breaks.
    pub(super) fn note(&mut self, offset: usize, reason: &str) {
        self.found.push(bad(line_of(self.text, offset), reason));
    }

    /// The value that stands at an offset, or its fault noted.
    pub(super) fn take<T>(&mut self, key: &str, offset: usize, read: Result<T>) -> Option<T> {
        read.map_err(|fault| self.note(offset, &format!("{key}: {}", fault.detail()))).ok()
    }

    fn steps(&mut self, key: &str, given: Option<Spanned<Vec<u16>>>, usual: &[u16]) -> Vec<u16> {
        let Some(given) = given else { return usual.to_vec() };
        let at = given.span().start;
        let mut steps = given.into_inner();
        let in_range = steps.iter().all(|days| (1..=LONGEST_STEP).contains(days));
        steps.sort_unstable_by(|a, b| b.cmp(a));
        let before = steps.len();
        steps.dedup();
        if !in_range || steps.len() > MOST_STEPS || steps.len() != before {
            let rule =
                format!("{key} are at most {MOST_STEPS} numbers of days from 1 to {LONGEST_STEP}, each once");
            self.note(at, &rule);
        }
        steps
    }

    fn every(&mut self, given: Option<Spanned<String>>) -> Duration {
        let usual = Duration::from_hours(24);
        let Some(given) = given else { return usual };
        let every = self.take("every", given.span().start, duration::parse(given.get_ref())).unwrap_or(usual);
        if !(Duration::from_hours(1)..=usual).contains(&every) {
            self.note(given.span().start, "every is from 1h to 24h");
        }
        every
    }

    fn listed(&mut self, given: Option<Spanned<u16>>) -> usize {
        let Some(given) = given else { return 50 };
        if !(1..=MOST_LISTED).contains(given.get_ref()) {
            self.note(given.span().start, &format!("listed is from 1 to {MOST_LISTED}"));
        }
        usize::from(given.into_inner())
    }

    fn channels(&mut self, given: BTreeMap<String, target::RawChannel>) -> Vec<ChannelPolicy> {
        if given.len() > MOST_CHANNELS {
            self.note(0, &format!("there are at most {MOST_CHANNELS} channels"));
        }
        given.into_iter().filter_map(|(name, raw)| self.channel(name, raw)).collect()
    }

    fn channel(&mut self, name: String, raw: target::RawChannel) -> Option<ChannelPolicy> {
        let at = raw.offset();
        self.take("the channel's name", at, name.parse::<crate::id::ProfileId>())?;
        let line = line_of(self.text, at);
        let enabled = raw.is_enabled();
        Some(ChannelPolicy { name, enabled, target: target::read(raw, self)?, line })
    }
}

/// A fault of the file at a line.
pub(super) fn bad(line: usize, reason: &str) -> Error {
    Error::invalid("bad-notices", reason).at(format!("{FILE}:{line}"))
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        NoticePolicy::parse(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_shipped_policy_lists_and_tells_nobody_and_so_does_an_empty_one() {
        let shipped = NoticePolicy::shipped().unwrap();
        assert!(shipped.channels.is_empty());
        assert_eq!(shipped.days, [30, 14, 7, 1]);
        assert_eq!(NoticePolicy::parse("").unwrap(), shipped);
    }

    #[test]
    fn what_is_shown_as_an_example_is_sound() {
        let lines = SHIPPED.lines().map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || rest.split(' ').nth(1) == Some("=") => rest,
            Some(_) => "",
            None => line,
        });
        let policy = NoticePolicy::parse(&lines.collect::<Vec<_>>().join("\n")).unwrap();
        let names: Vec<&str> = policy.channels.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["log", "operations", "tickets"]);
        assert!(policy.channels.iter().all(|channel| channel.enabled));
    }

    #[test]
    fn every_fault_is_said_with_its_line_and_reason() {
        for (text, line, reason) in [
            ("days = [0]", 1, "days are at most"),
            ("days = [7, 7]", 1, "days are at most"),
            ("\nca_days = [4000]", 2, "ca_days are at most"),
            ("every = \"1m\"", 1, "every is from 1h to 24h"),
            ("every = \"daily\"", 1, "every: a duration is"),
            ("listed = 0", 1, "listed is from 1 to 500"),
            ("days = [-1]", 1, "invalid value"),
            ("# x\nday = [1]", 2, "unknown field `day`"),
            ("[channels.a]\ntype = \"pager\"", 2, "unknown variant `pager`"),
            ("[channels.A]\ntype = \"udp\"", 2, "unknown variant"),
            (
                "[channels.\"a b\"]\ntype = \"syslog\"\nserver = \"x\"\ntransport = \"udp\"",
                2,
                "the channel's name: a name is",
            ),
        ] {
            let found = faults(text);
            assert!(found[0].starts_with(&format!("notices.toml:{line}: {reason}")), "{text}: {found:?}");
        }
        assert_eq!(faults("days = [0]\nlisted = 0\nevery = \"9d\"").len(), 3);
    }
}
