//! Writing names: strict DER, bounded, in the string types of RFC 5280.

use super::attribute::{self, Encoding};
use super::unsafe_text::unsafe_character;
use super::{Attribute, bad};
use crate::error::Result;
use crate::x509::tlv;

/// The DER of a Name.
pub(super) fn rdns(rdns: &[Vec<Attribute>]) -> Result<Vec<u8>> {
    let mut content = Vec::with_capacity(128);
    for rdn in rdns {
        let mut values = rdn.iter().map(value).collect::<Result<Vec<_>>>()?;
        values.sort(); // DER: a SET OF is sorted by its encodings (X.690 §11.6)
        tlv::push(&mut content, tlv::SET, &values.concat());
    }
    Ok(tlv::tlv(tlv::SEQUENCE, &content))
}

fn value(attribute: &Attribute) -> Result<Vec<u8>> {
    let known = attribute::by_oid(&attribute.oid);
    let name = || attribute::name_of(&attribute.oid);
    let (encoding, max) = known.map_or((Encoding::Utf8, attribute::MAX_OTHER), |t| (t.encoding, t.max));
    let text = attribute.value.as_str();
    let count = text.chars().count();
    if count == 0 || count > max {
        return Err(bad(format!("{} must have 1 to {max} characters", name())));
    }
    if text.chars().any(unsafe_character) {
        return Err(bad(format!("{} holds a control or invisible character", name())));
    }
    if known.is_some_and(|t| t.name == "C")
        && !(text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()))
    {
        return Err(bad("C must be a country code of two letters"));
    }
    let tag = match encoding {
        Encoding::Utf8 => tlv::UTF8_STRING,
        Encoding::Printable if text.bytes().all(is_printable) => tlv::PRINTABLE_STRING,
        Encoding::Printable => {
            return Err(bad(format!("{} holds a character that PrintableString does not have", name())));
        }
        Encoding::Ia5 if text.is_ascii() => tlv::IA5_STRING,
        Encoding::Ia5 => return Err(bad(format!("{} must be ASCII", name()))),
    };
    Ok(tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&attribute.oid), &tlv::tlv(tag, text.as_bytes())]))
}

/// X.680 §41.4.
fn is_printable(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b)
}
