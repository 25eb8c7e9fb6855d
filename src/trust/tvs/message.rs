//! Questions and answers.

use super::frame::{Command, Element, Header, elements, message};
use super::malformed;
use crate::error::Result;
use crate::trust::role::Role;

/// The first byte of a device name.
const DEVICE: u8 = 1;
const MAX_DEVICE: usize = 128;
const MAX_NAME: usize = 4096;
const MAX_SERIAL: usize = 64;

mod tag {
    pub(super) const DEVICE: u8 = 1;
    pub(super) const CERTIFICATE: u8 = 2;
    pub(super) const SUBJECT: u8 = 3;
    pub(super) const ISSUER: u8 = 4;
    pub(super) const SERIAL: u8 = 5;
    pub(super) const STATUS: u8 = 7;
    pub(super) const ROLES: u8 = 8;
    pub(super) const TTL: u8 = 9;
}

/// Who asks, as it calls itself: nothing proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker<'a>(&'a str);

impl<'a> Asker<'a> {
    /// The whole text, as `CP-8845-SEP0123456789AB`.
    pub fn text(self) -> &'a str {
        self.0
    }

    /// The device: what follows the last hyphen of a name with a model, else all of it.
    pub fn device(self) -> &'a str {
        self.parts().map_or(self.0, |(_, device)| device)
    }

    /// The model, as `8845`, if it says one.
    pub fn model(self) -> Option<&'a str> {
        self.parts().map(|(model, _)| model)
    }

    /// `CP-<model>-<device>`, `DP-` of a 9800 phone.
    fn parts(self) -> Option<(&'a str, &'a str)> {
        let rest = self.0.strip_prefix("CP-").or_else(|| self.0.strip_prefix("DP-"))?;
        rest.split_once('-').filter(|(model, device)| !model.is_empty() && !device.is_empty())
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question<'a> {
    /// Whether this certificate may be trusted.
    Verify {
        /// Who asks.
        asker: Asker<'a>,
        /// The certificate, DER as it came; it may be anything.
        certificate: &'a [u8],
    },
    /// Which certificate that is.
    Query {
        /// Who asks.
        asker: Asker<'a>,
        /// Its subject, as a list or a file's header says it.
        subject: &'a str,
        /// Its issuer.
        issuer: &'a str,
        /// Its serial number, without leading zero bytes.
        serial: &'a [u8],
    },
}

impl<'a> Question<'a> {
    /// Reads what followed a header. Elements that belong to no question are passed over; one that comes twice, is
    /// missing or is not what it must be is an error. Errors: `bad-tvs-message`.
    pub fn read(header: &Header, body: &'a [u8]) -> Result<Self> {
        let elements = elements(body)?;
        let one = |tag| one(&elements, tag);
        match header.command {
            Command::VerifyRequest => {
                let certificate = one(tag::CERTIFICATE)?;
                if certificate.is_empty() {
                    return Err(malformed("the certificate is empty"));
                }
                Ok(Self::Verify { asker: asker(one(tag::DEVICE)?)?, certificate })
            }
            Command::QueryRequest => Ok(Self::Query {
                asker: asker(one(tag::DEVICE)?)?,
                subject: text(one(tag::SUBJECT)?)?,
                issuer: text(one(tag::ISSUER)?)?,
                serial: serial(one(tag::SERIAL)?)?,
            }),
            Command::VerifyResponse | Command::QueryResponse => {
                Err(malformed("an answer came where a question was expected"))
            }
        }
    }

    /// Who asks.
    pub fn asker(&self) -> Asker<'a> {
        match self {
            Self::Verify { asker, .. } | Self::Query { asker, .. } => *asker,
        }
    }

    /// `verify` or `query`, for the metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Verify { .. } => "verify",
            Self::Query { .. } => "query",
        }
    }
}

/// What is said of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It may be trusted for these roles.
    Valid {
        /// The certificate, DER.
        certificate: &'a [u8],
        /// Its roles.
        roles: &'a [Role],
        /// For how many seconds that may be remembered.
        ttl: u32,
    },
    /// It may not.
    Invalid,
}

impl Verdict<'_> {
    /// The message that answers `question`. Errors: `bad-tvs-message` if the certificate is too long for one.
    pub fn answer(&self, question: &Question<'_>, session: u32) -> Result<Vec<u8>> {
        let (command, with_certificate) = match question {
            Question::Verify { .. } => (Command::VerifyResponse, false),
            Question::Query { .. } => (Command::QueryResponse, true),
        };
        match self {
            Self::Invalid => message(command, session, &[Element { tag: tag::STATUS, value: &[1] }]),
            Self::Valid { certificate, roles, ttl } => {
                let (roles, ttl) = (roles.iter().map(|r| r.code()).collect::<Vec<_>>(), ttl.to_be_bytes());
                let status = Element { tag: tag::STATUS, value: &[0] };
                let certificate = Element { tag: tag::CERTIFICATE, value: certificate };
                let roles = Element { tag: tag::ROLES, value: &roles };
                let ttl = Element { tag: tag::TTL, value: &ttl };
                if with_certificate {
                    message(command, session, &[status, certificate, roles, ttl])
                } else {
                    message(command, session, &[status, roles, ttl])
                }
            }
        }
    }
}

fn one<'a>(elements: &[Element<'a>], tag: u8) -> Result<&'a [u8]> {
    let mut of_tag = elements.iter().filter(|element| element.tag == tag);
    match (of_tag.next(), of_tag.next()) {
        (Some(only), None) => Ok(only.value),
        (None, _) => Err(malformed(&format!("element {tag} is missing"))),
        (Some(_), Some(_)) => Err(malformed(&format!("element {tag} comes twice"))),
    }
}

fn asker(value: &[u8]) -> Result<Asker<'_>> {
    let bad = || {
        malformed("the device name is not 1 and then 1 to 128 letters, digits, dots, underscores and hyphens")
    };
    let name = value.strip_prefix(&[DEVICE]).ok_or_else(bad)?;
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if !(1..=MAX_DEVICE).contains(&name.len()) || !name.iter().all(allowed) {
        return Err(bad());
    }
    std::str::from_utf8(name).map(Asker).map_err(|_| bad())
}

fn text(value: &[u8]) -> Result<&str> {
    let bad = || malformed("a name is UTF-8 text of at most 4,096 bytes that ends in one NUL");
    let text = value.strip_suffix(&[0]).filter(|text| text.len() <= MAX_NAME).ok_or_else(bad)?;
    let text = std::str::from_utf8(text).map_err(|_| bad())?;
    if text.contains('\0') { Err(bad()) } else { Ok(text) }
}

/// Without the sign byte that DER may have, whoever wrote it.
fn serial(value: &[u8]) -> Result<&[u8]> {
    if !(1..=MAX_SERIAL).contains(&value.len()) {
        return Err(malformed("a serial number has 1 to 64 bytes"));
    }
    Ok(minimal(value))
}

/// The number's bytes without leading zeros; zero itself keeps one.
fn minimal(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number
        && !rest.is_empty()
    {
        number = rest;
    }
    number
}

#[cfg(test)]
mod tests;
