//! What certificates are looked for: one index leads, the rest is held against what it finds.

use std::fmt::Write as _;
use std::time::Duration;

use super::words::Words;
use crate::admin::api::query::Query;
use crate::admin::duration;
use crate::ca::records::{CertificateRecord, Status, serials};
use crate::ca::renewal;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{ProfileId, Serial};
use crate::store::{KeyBuilder, PRIMARY, Scan};

const KNOWN: [&str; 12] = [
    "serial",
    "fingerprint",
    "q",
    "device",
    "profile",
    "status",
    "expires_after",
    "expires_before",
    "expires_within",
    "renewal",
    "limit",
    "cursor",
];
/// Fields of a certificate that no index orders.
const UNINDEXED: [&str; 9] =
    ["ca", "subject", "san", "sans", "requester", "renews", "reason", "issued_at", "key_algorithm"];
const HINT: &str = "one of serial, fingerprint, device and q, together with profile, status, expires_after and \
                    expires_before, or expires_within; or renewal with profile; q finds words of subject and alternative names by their beginning";

/// A search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub(super) lead: Option<Lead>,
    pub(super) renewal: Option<renewal::list::Wanted>,
    profile: Option<ProfileId>,
    status: Option<Wanted>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    within: Option<Duration>,
}

/// What few certificates have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    Serial(Serial),
    Fingerprint([u8; 32]),
    Device(String),
    Words(Words),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Good,
    Revoked,
    Expired,
}

impl Filter {
    /// Reads a query. Errors: `unsupported-filter` with a hint, `unknown-parameter`, and those of each value.
    pub fn read(query: Query) -> Result<(Self, Query)> {
        if let Some(name) = query.names().find(|name| UNINDEXED.contains(name)) {
            return Err(unsupported(&format!("{name} is not a filter")));
        }
        let mut query = query.only(&KNOWN)?;
        let leads = [
            query.parsed("serial", |v| Ok(Lead::Serial(v.parse()?)))?,
            query.parsed("fingerprint", |v| Ok(Lead::Fingerprint(fingerprint(v)?)))?,
            query.parsed("device", |v| Ok(Lead::Device(v.to_lowercase())))?,
            query.parsed("q", |v| Ok(Lead::Words(Words::read(v)?)))?,
        ];
        let mut leads = leads.into_iter().flatten();
        let lead = leads.next();
        if leads.next().is_some() {
            return Err(unsupported("these filters do not combine"));
        }
        let within = query.parsed("expires_within", duration::parse)?;
        let renewal = query.parsed("renewal", renewal_state)?;
        if renewal.is_some() && lead.is_some() {
            return Err(unsupported("renewal does not combine with these filters"));
        }
        let mut filter = Self {
            lead,
            renewal,
            profile: query.parsed("profile", str::parse)?,
            status: query.parsed("status", status)?,
            after: query.parsed("expires_after", Timestamp::parse)?,
            before: query.parsed("expires_before", Timestamp::parse)?,
            within,
        };
        if within.is_some() {
            if filter.after.is_some() || filter.before.is_some() {
                return Err(unsupported("expires_within is a window of its own"));
            }
            filter.status.get_or_insert(Wanted::Good);
        }
        Ok((filter, query))
    }

    /// The same filter always in the same words, for cursors.
    pub fn canonical(&self) -> String {
        let mut text = String::from("certificates");
        let _infallible = write!(text, " {self:?}");
        text
    }

    /// The window of expiry: from the first moment, before the second.
    fn window(&self, now: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        match self.within {
            Some(within) => (Some(now), Some(now.plus(within))),
            None => (self.after, self.before),
        }
    }

    /// The index to follow, and the part of it that counts.
    pub fn scan(&self, now: Timestamp) -> Scan {
        let all = |index| Scan::all::<CertificateRecord>(index);
        match (&self.lead, self.status) {
            (Some(Lead::Serial(serial)), _) => serials::scan(serial),
            (Some(Lead::Fingerprint(print)), _) => {
                exactly(all(CertificateRecord::BY_FINGERPRINT), &print[..16])
            }
            (Some(Lead::Device(device)), _) => {
                all(CertificateRecord::BY_DEVICE).prefix(KeyBuilder::new().text(device).build())
            }
            (Some(Lead::Words(words)), _) => all(CertificateRecord::BY_WORD).prefix(words.prefix()),
            (None, Some(status)) => self.by_status(status, now),
            (None, None) if self.after.is_some() || self.before.is_some() => {
                let key = |at: Timestamp| at.sort_key().to_vec();
                let from = self.after.map(key).unwrap_or_default();
                all(CertificateRecord::BY_EXPIRY).range(from, self.before.map(key))
            }
            (None, None) => match &self.profile {
                Some(profile) => {
                    let prefix = KeyBuilder::new().text(profile.as_str()).build();
                    all(CertificateRecord::BY_PROFILE).prefix(prefix).backward()
                }
                None => all(PRIMARY).backward(),
            },
        }
    }

    /// Whether a certificate that the index led to is wanted.
    pub fn matches(&self, record: &CertificateRecord, now: Timestamp) -> bool {
        let lead = match &self.lead {
            None => true,
            Some(Lead::Serial(serial)) => record.serial == *serial,
            Some(Lead::Fingerprint(print)) => record.fingerprint == *print,
            Some(Lead::Device(device)) => record.device.as_ref().is_some_and(|d| d.to_lowercase() == *device),
            Some(Lead::Words(words)) => words.match_all(record),
        };
        let (after, before) = self.window(now);
        lead && self.profile.as_ref().is_none_or(|p| record.profile == *p)
            && self.status.is_none_or(|s| s == status_of(record, now))
            && after.is_none_or(|at| record.not_after >= at)
            && before.is_none_or(|at| record.not_after < at)
    }

    /// A part of the order by status, then expiry.
    fn by_status(&self, status: Wanted, now: Timestamp) -> Scan {
        let (after, before) = self.window(now);
        let (byte, after, before) = match status {
            Wanted::Good => (0, Some(after.map_or(now, |at| at.max(now))), before),
            Wanted::Expired => (0, after, Some(before.map_or(now, |at| at.min(now)))),
            Wanted::Revoked => (1, after, before),
        };
        let key = |at: Timestamp| KeyBuilder::new().bytes(&[byte]).time(at).build();
        let (from, to) = (after.map_or_else(|| vec![byte], key), before.map_or_else(|| vec![byte + 1], key));
        Scan::all::<CertificateRecord>(CertificateRecord::BY_STATUS).range(from, Some(to))
    }
}

fn exactly(scan: Scan, key: &[u8]) -> Scan {
    let mut to = key.to_vec();
    to.push(0);
    scan.range(key.to_vec(), Some(to))
}

fn status_of(record: &CertificateRecord, now: Timestamp) -> Wanted {
    match record.status {
        Status::Revoked { .. } => Wanted::Revoked,
        Status::Good if record.not_after < now => Wanted::Expired,
        Status::Good => Wanted::Good,
    }
}

fn status(word: &str) -> Result<Wanted> {
    match word {
        "good" => Ok(Wanted::Good),
        "revoked" => Ok(Wanted::Revoked),
        "expired" => Ok(Wanted::Expired),
        _ => Err(Error::invalid("invalid-status", "status is one of good, revoked, expired")),
    }
}

fn renewal_state(word: &str) -> Result<renewal::list::Wanted> {
    match word {
        "due" => Ok(renewal::list::Wanted::Due),
        "late" => Ok(renewal::list::Wanted::Late),
        "vanished" => Ok(renewal::list::Wanted::Vanished),
        _ => Err(Error::invalid("invalid-renewal", "renewal is one of due, late, vanished")),
    }
}

/// Reads a SHA-256 fingerprint, with or without colons.
pub(super) fn fingerprint(text: &str) -> Result<[u8; 32]> {
    let bad = || {
        Error::invalid(
            "invalid-fingerprint",
            "a fingerprint is the SHA-256 of a certificate, 64 hexadecimal digits",
        )
    };
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(bad());
    }
    let mut out = [0; 32];
    for (byte, i) in out.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&digits[i..i + 2], 16).map_err(|_| bad())?;
    }
    Ok(out)
}

fn unsupported(what: &str) -> Error {
    Error::invalid("unsupported-filter", format!("{what}; what combines is {HINT}"))
}
