//! Every refusal in words: at which stage it stands, what it means, and what to change on which side.
//! A test holds that each code a request can be refused with has its entry, and each text of `bad-csr` too.

use crate::error::{Misfit, ProfileRule};

mod capf;
mod decision;
mod device;
mod key;
mod message;
mod profile;
mod request;
mod service;

/// How far a refused request had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The message was being read.
    Message,
    /// Its signature and its signer were being checked.
    Signature,
    /// Its envelope was being opened.
    Envelope,
    /// The PKCS#10 request was being read.
    Request,
    /// What speaks for the requester was being checked.
    Authorization,
    /// It was held against the profile and what is known of key and names.
    Policy,
    /// The certificate was being made.
    Issue,
    /// The service could not answer.
    Service,
}

impl Stage {
    /// As the API says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Signature => "signature",
            Self::Envelope => "envelope",
            Self::Request => "request",
            Self::Authorization => "authorization",
            Self::Policy => "policy",
            Self::Issue => "issue",
            Self::Service => "service",
        }
    }
}

/// Who can change what was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The device or program that asks.
    Device,
    /// The operator: profiles, challenges, decisions.
    Operator,
    /// The certificate authority itself.
    Ca,
    /// The network, and the time that comes by it.
    Network,
}

impl Side {
    /// As the API says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Operator => "operator",
            Self::Ca => "ca",
            Self::Network => "network",
        }
    }
}

/// What is to be changed, and where.
pub type Advice = (Side, &'static str);

/// The explanation of a refusal. `{rule}`, `{profile}`, `{subject}`, `{sans}`, `{key}`, `{address}`, `{ca}` and, for a
/// rule of the profile, `{part}`, `{attribute}`, `{value}`, `{allowed}` are filled in.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The stable code.
    pub code: &'static str,
    /// What the rule begins with; empty: any.
    pub said: &'static str,
    /// How far the request had come.
    pub stage: Stage,
    /// What it means.
    pub means: &'static str,
    /// What to change.
    pub advice: &'static [Advice],
}

const fn entry(
    code: &'static str,
    said: &'static str,
    stage: Stage,
    means: &'static str,
    advice: &'static [Advice],
) -> Entry {
    Entry { code, said, stage, means, advice }
}

/// The explanation of a refusal: by the profile's rule, else by its code and what was said.
pub fn find(code: &str, rule: &str, misfit: Option<&Misfit>) -> Option<&'static Entry> {
    if let Some(misfit) = misfit {
        return Some(of_rule(misfit.rule));
    }
    let mut found = all().filter(|entry| entry.code == code && rule.starts_with(entry.said));
    let first = found.next()?;
    Some(found.fold(first, |best, other| if other.said.len() > best.said.len() { other } else { best }))
}

/// Whether a request can be refused with this code.
pub fn is_known(code: &str) -> bool {
    all().any(|entry| entry.code == code)
}

/// Every explanation but those of a profile's rules.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    [
        message::ENTRIES,
        request::ENTRIES,
        key::ENTRIES,
        decision::ENTRIES,
        capf::ENTRIES,
        device::ENTRIES,
        service::ENTRIES,
    ]
    .into_iter()
    .flatten()
}

/// The explanation of a profile's rule.
pub fn of_rule(rule: ProfileRule) -> &'static Entry {
    match rule {
        ProfileRule::SubjectForbidden => &profile::SUBJECT_FORBIDDEN,
        ProfileRule::SubjectRequired => &profile::SUBJECT_REQUIRED,
        ProfileRule::SubjectRepeated => &profile::SUBJECT_REPEATED,
        ProfileRule::SubjectPattern => &profile::SUBJECT_PATTERN,
        ProfileRule::SanType => &profile::SAN_TYPE,
        ProfileRule::SanWildcard => &profile::SAN_WILDCARD,
        ProfileRule::SanPattern => &profile::SAN_PATTERN,
        ProfileRule::SanCount => &profile::SAN_COUNT,
        ProfileRule::CommonNameAmong => &profile::COMMON_NAME_AMONG,
        ProfileRule::Key => &profile::KEY,
        ProfileRule::Expression => &profile::EXPRESSION,
    }
}
