//! Distinguished names (RFC 5280 §4.1.2.4), their text form (RFC 4514) and comparison (§7.1).

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub mod attribute;
mod compare;
mod decode;
mod encode;
mod text;
mod unsafe_text;

pub(super) use decode::string;
pub use unsafe_text::{escape_line, unsafe_character};

/// One attribute of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its type.
    pub oid: const_oid::ObjectIdentifier,
    /// Its value as text.
    pub value: String,
}

/// A distinguished name: the DER as received (or as we wrote it), with its attributes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct Name {
    der: Vec<u8>,
    rdns: Vec<Vec<Attribute>>,
}

impl Name {
    /// The name without attributes.
    pub fn empty() -> Self {
        Self { der: vec![crate::x509::tlv::SEQUENCE, 0], rdns: Vec::new() }
    }

    /// Reads DER. Accepts PrintableString, UTF8String, IA5String, NumericString, VisibleString, TeletexString
    /// (as Latin-1), BMPString and UniversalString. Errors: `bad-name`.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        Ok(Self { rdns: decode::rdns(der)?, der: der.to_vec() })
    }

    /// Reads RFC 4514 text, as `CN=SEP001122334455,O=Acme`; the first in the text is the *last* RDN per
    /// RFC 4514. `CN=a,O=b` is encoded O=b first. Errors: `bad-name` naming the attribute and the rule.
    pub fn parse(text: &str) -> Result<Self> {
        Self::from_rdns(text::parse(text)?)
    }

    /// Encodes attributes, one RDN each, in the given order: C, serialNumber and dnQualifier as PrintableString,
    /// DC and email as IA5String, the rest UTF8String. Errors: `bad-name` over the upper bounds of RFC 5280 A.1,
    /// and for control, bidirectional and other characters that could mislead a reader.
    pub fn from_attributes(attributes: &[Attribute]) -> Result<Self> {
        Self::from_rdns(attributes.iter().map(|a| vec![a.clone()]).collect())
    }

    /// The DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The RDNs in encoded order.
    pub fn rdns(&self) -> &[Vec<Attribute>] {
        &self.rdns
    }

    /// All attributes in encoded order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.rdns.iter().flatten()
    }

    /// The last common name (the most specific).
    pub fn common_name(&self) -> Option<&str> {
        self.attributes().filter(|a| a.oid == attribute::COMMON_NAME).last().map(|a| a.value.as_str())
    }

    /// Whether it has no attribute.
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// RFC 5280 §7.1: string type, case and runs of white space do not count; order does.
    pub fn matches(&self, other: &Name) -> bool {
        self.der == other.der || compare::same(&self.rdns, &other.rdns)
    }

    fn from_rdns(rdns: Vec<Vec<Attribute>>) -> Result<Self> {
        // Read back, because DER sorts the attributes within an RDN.
        Self::from_der(&encode::rdns(&rdns)?)
    }
}

fn bad(detail: impl Into<String>) -> Error {
    Error::invalid("bad-name", detail)
}

impl std::fmt::Display for Name {
    /// RFC 4514, escaped, on a single line; control characters as `\0A`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        text::print(&self.rdns, f)
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Name({self})")
    }
}

impl TryFrom<Vec<u8>> for Name {
    type Error = Error;
    fn try_from(der: Vec<u8>) -> Result<Self> {
        Self::from_der(&der)
    }
}

impl From<Name> for Vec<u8> {
    fn from(name: Name) -> Vec<u8> {
        name.der
    }
}

#[cfg(test)]
mod tests;
