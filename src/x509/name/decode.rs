//! Reading names: every string type becomes text (CSR-50, CSR-51).

use super::unsafe_text::is_noncharacter;
use super::{Attribute, bad};
use crate::error::Result;
use crate::x509::tlv::{self, Broken, Reader, Tlv};

/// The largest name that is read, in octets.
const MAX_LEN: usize = 16 << 10;
/// The most attributes in a name.
const MAX_ATTRIBUTES: usize = 64;

/// The RDNs of a Name.
pub(super) fn rdns(der: &[u8]) -> Result<Vec<Vec<Attribute>>> {
    if der.len() > MAX_LEN {
        return Err(bad("the name is over 16 KiB"));
    }
    let malformed = |_: Broken| bad("malformed name");
    let mut sets = Reader::new(tlv::single(der, tlv::SEQUENCE).map_err(malformed)?.content);
    let mut rdns = Vec::new();
    let mut count = 0;
    while !sets.is_empty() {
        let rdn = rdn(sets.enter(tlv::SET).map_err(malformed)?)?;
        count += rdn.len();
        if count > MAX_ATTRIBUTES {
            return Err(bad("the name has more than 64 attributes"));
        }
        rdns.push(rdn);
    }
    Ok(rdns)
}

/// The text of a string element. Errors: `bad-name` "string type", "invalid UTF-8".
pub(in crate::x509) fn string(element: Tlv<'_>) -> Result<String> {
    let content = element.content;
    let text = match element.tag {
        tlv::UTF8_STRING => {
            let text = std::str::from_utf8(content).map_err(|_| bad("invalid UTF-8"))?;
            if text.chars().any(is_noncharacter) {
                return Err(bad("invalid UTF-8: a noncharacter"));
            }
            Some(text.to_owned())
        }
        tlv::PRINTABLE_STRING | tlv::IA5_STRING | tlv::NUMERIC_STRING | tlv::VISIBLE_STRING => {
            content.is_ascii().then(|| content.iter().copied().map(char::from).collect())
        }
        tlv::TELETEX_STRING => Some(content.iter().copied().map(char::from).collect()),
        tlv::BMP_STRING => wide::<2>(content),
        tlv::UNIVERSAL_STRING => wide::<4>(content),
        _ => None,
    };
    text.ok_or_else(|| bad("string type of an attribute not allowed, or its octets do not fit it"))
}

fn rdn(mut attributes: Reader<'_>) -> Result<Vec<Attribute>> {
    let malformed = |_: Broken| bad("malformed name");
    let mut rdn = Vec::with_capacity(1);
    while !attributes.is_empty() {
        let mut fields = attributes.enter(tlv::SEQUENCE).map_err(malformed)?;
        let oid = tlv::oid(fields.any().map_err(malformed)?).map_err(|_| bad("malformed OID"))?;
        let value = string(fields.any().map_err(malformed)?)?;
        fields.finish().map_err(malformed)?;
        rdn.push(Attribute { oid, value });
    }
    if rdn.is_empty() { Err(bad("malformed name")) } else { Ok(rdn) }
}

/// Characters of `N` octets each; none for a surrogate, a noncharacter or half a character.
fn wide<const N: usize>(content: &[u8]) -> Option<String> {
    let (units, rest) = content.as_chunks::<N>();
    let character = |unit: &[u8; N]| {
        let code = unit.iter().fold(0u32, |n, &b| (n << 8) | u32::from(b));
        char::from_u32(code).filter(|c| !is_noncharacter(*c))
    };
    rest.is_empty().then(|| units.iter().map(character).collect())?
}
