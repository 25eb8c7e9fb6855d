//! Distinguished names (RFC 5280 §4.1.2.4), their text form (RFC 4514) and comparison (§7.1).

use serde::{Deserialize, Serialize};

use crate::error::Result;

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
        todo!()
    }
    /// Reads DER. Accepts PrintableString, UTF8String, IA5String, TeletexString (as Latin-1) and
    /// BMPString. Errors: `bad-name`.
    pub fn from_der(_der: &[u8]) -> Result<Self> {
        todo!()
    }
    /// Reads RFC 4514 text, as `CN=SEP001122334455,O=Acme`; the first in the text is the *last* RDN per
    /// RFC 4514. `CN=a,O=b` is encoded O=b first. Errors: `bad-name` naming the attribute and the rule.
    pub fn parse(_text: &str) -> Result<Self> {
        todo!()
    }
    /// Encodes attributes, one RDN each, in the given order: C, serialNumber and dnQualifier as PrintableString,
    /// DC and email as IA5String, the rest UTF8String. Errors: `bad-name` over the upper bounds of RFC 5280 A.1.
    pub fn from_attributes(_attributes: &[Attribute]) -> Result<Self> {
        todo!()
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
        todo!()
    }
    /// Whether it has no attribute.
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }
    /// RFC 5280 §7.1: string type, case and runs of white space do not count; order does.
    pub fn matches(&self, _other: &Name) -> bool {
        todo!()
    }
    /// The attribute values for search: lower-case, each value whole and its words
    /// (split at anything but letters and digits), without repeats, at most 32.
    pub fn words(&self) -> Vec<String> {
        todo!()
    }
}

impl std::fmt::Display for Name {
    /// RFC 4514, escaped, on a single line; control characters as `\0A`.
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Name({self})")
    }
}

impl TryFrom<Vec<u8>> for Name {
    type Error = crate::error::Error;
    fn try_from(der: Vec<u8>) -> Result<Self> {
        Self::from_der(&der)
    }
}

impl From<Name> for Vec<u8> {
    fn from(name: Name) -> Vec<u8> {
        name.der
    }
}
