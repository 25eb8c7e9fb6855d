//! The subject's attributes: string types and upper bounds (RFC 5280 §4.1.2.4 and appendix A.1).

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc3280, rfc4519};
use der::asn1::{Ia5StringRef, PrintableStringRef};
use der::{Decode, Tag};

use super::broken;
use super::read::{Element, Elements, oid};
use crate::error::Result;

const FIELD: &str = "subject";

/// Holds the RDNs; returns whether there is one.
pub fn hold(rdns: &[u8]) -> Result<bool> {
    let mut sets = Elements::new(rdns, FIELD);
    while !sets.is_empty() {
        let mut attributes = Elements::new(sets.next(Tag::Set)?.content, FIELD);
        if attributes.is_empty() {
            return Err(broken(FIELD, "has an empty RDN"));
        }
        while !attributes.is_empty() {
            attribute(attributes.next(Tag::Sequence)?.content)?;
        }
    }
    Ok(!rdns.is_empty())
}

fn attribute(content: &[u8]) -> Result<()> {
    let mut fields = Elements::new(content, FIELD);
    let kind = oid(fields.next(Tag::ObjectIdentifier)?.content, FIELD)?;
    let value = fields.any()?;
    fields.finish()?;
    let text = text(kind, value)?;
    let length = text.chars().count();
    if kind == rfc4519::C && length != 2 {
        return Err(broken(FIELD, "has a country of other than two letters"));
    }
    if length == 0 || length > upper_bound(kind) {
        return Err(broken(
            FIELD,
            format_args!("has {kind} of {length} characters, not 1 to {}", upper_bound(kind)),
        ));
    }
    Ok(())
}

/// The text of a value whose string type fits its attribute.
fn text(kind: ObjectIdentifier, value: Element<'_>) -> Result<&str> {
    let bad = |e: der::Error| {
        broken(FIELD, format_args!("has characters in {kind} that its type forbids")).because(e)
    };
    let fits = match kind {
        rfc4519::C | rfc4519::SERIAL_NUMBER | rfc4519::DN_QUALIFIER => value.tag == Tag::PrintableString,
        rfc4519::DC | rfc3280::EMAIL_ADDRESS => value.tag == Tag::Ia5String,
        _ => matches!(value.tag, Tag::PrintableString | Tag::Utf8String),
    };
    match value.tag {
        Tag::PrintableString if fits => PrintableStringRef::from_der(value.whole).map_err(bad)?,
        Tag::Ia5String if fits => {
            return Ok(Ia5StringRef::from_der(value.whole).map_err(bad)?.as_str());
        }
        Tag::Utf8String if fits => {
            return std::str::from_utf8(value.content).map_err(|_| broken(FIELD, "is not UTF-8"));
        }
        other => return Err(broken(FIELD, format_args!("has {kind} as {other}"))),
    };
    // PrintableString was checked above: it is ASCII.
    std::str::from_utf8(value.content).map_err(|_| broken(FIELD, "is not ASCII"))
}

/// The most characters of an attribute.
fn upper_bound(kind: ObjectIdentifier) -> usize {
    match kind {
        rfc4519::C => 2,
        rfc4519::L | rfc4519::ST => 128,
        rfc3280::EMAIL_ADDRESS => 255,
        rfc4519::CN | rfc4519::O | rfc4519::OU | rfc4519::SERIAL_NUMBER | rfc4519::TITLE => 64,
        rfc4519::SN | rfc4519::GIVEN_NAME | rfc4519::NAME => 32_768,
        _ => 256,
    }
}
