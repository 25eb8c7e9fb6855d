//! What a device answers to requests.

use crate::enrol::capf::element::{Elements, Tag, missing, value};
use crate::error::Result;

/// The longest reason in words that is kept.
const MAX_INFO: usize = 200;

/// A reason as a device gives it: 1 is its "OK".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Its number.
    pub code: u8,
    /// What the device says of it, fit to be shown.
    pub info: ReasonInfo,
}

/// What a device says in words: bounded, and without any character that a terminal or a log would obey.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasonInfo(String);

impl Reason {
    /// Errors: `capf-message` "missing element".
    pub(super) fn read(elements: &Elements<'_>) -> Result<Self> {
        let code = elements.required_octet(Tag::Reason)?;
        Ok(Self { code, info: ReasonInfo::read(elements) })
    }

    /// Whether the device did what it was asked.
    pub fn is_ok(&self) -> bool {
        self.code == 1
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "reason {}", self.code)?;
        if self.info.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.info.0) }
    }
}

impl ReasonInfo {
    /// CAPF-59: escaped and cut.
    fn read(elements: &Elements<'_>) -> Self {
        let octets = elements.find(Tag::ReasonInfo).unwrap_or_default();
        let octets = octets.strip_suffix(&[0]).unwrap_or(octets);
        let text = octets.iter().take(MAX_INFO).flat_map(|b| std::ascii::escape_default(*b));
        Self(text.take(MAX_INFO).map(char::from).collect())
    }

    /// As it may be shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a device answers to a KeyGenerateRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyResponse {
    /// Its new key: what should be a SubjectPublicKeyInfo, not yet checked.
    Made(Vec<u8>),
    /// It made none (CAPF-46).
    Failed(Reason),
}

impl KeyResponse {
    /// Errors: `capf-message` "missing element" if there is neither a key nor a reason.
    pub(super) fn read(elements: &Elements<'_>) -> Result<Self> {
        match elements.find(Tag::PublicKey) {
            Some(key) => Ok(Self::Made(key.to_vec())),
            None => Reason::read(elements).map(Self::Failed),
        }
    }
}

/// What a device answers to a FetchCertificateRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchResponse {
    /// A certificate that it has, DER, not yet checked.
    Certificate(Vec<u8>),
    /// It has none, or gives none.
    None(Reason),
}

impl FetchResponse {
    /// Errors: `capf-message` "missing element" if there is no reason, or no certificate although it is 1;
    /// "bad certificate element".
    pub(super) fn read(elements: &Elements<'_>) -> Result<Self> {
        let reason = Reason::read(elements)?;
        match elements.find(Tag::Certificate) {
            Some(certificate) if reason.is_ok() => {
                value::certificate(certificate).map(|der| Self::Certificate(der.to_vec()))
            }
            Some(_) => Ok(Self::None(reason)),
            None if reason.is_ok() => Err(missing()),
            None => Ok(Self::None(reason)),
        }
    }
}
