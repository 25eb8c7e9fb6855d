//! Reading extension values (RFC 5280 §4.2).

use const_oid::ObjectIdentifier;

use crate::x509::tlv::{self, Broken, Reader};

/// The most purposes of one extension.
const MAX_PURPOSES: usize = 100;

/// BasicConstraints: (cA, pathLenConstraint). A path length over 255 does not constrain less than 255.
pub(in crate::x509) fn basic_constraints(value: &[u8]) -> Result<(bool, Option<u8>), Broken> {
    let mut fields = Reader::new(tlv::single(value, tlv::SEQUENCE)?.content);
    let ca = match fields.optional(tlv::BOOLEAN)?.map(|t| t.content) {
        None | Some([0]) => false,
        Some([_]) => true,
        Some(_) => return Err(Broken),
    };
    let path_len = match fields.optional(tlv::INTEGER)?.map(tlv::integer).transpose()? {
        None => None,
        Some([len @ 0..=0x7f]) | Some([0, len]) => Some(*len),
        Some([0x80..=0xff, ..]) => return Err(Broken),
        Some(_) => Some(u8::MAX),
    };
    fields.finish()?;
    Ok((ca, path_len))
}

/// KeyUsage: 9 bits, bit 0 (digitalSignature) lowest.
pub(in crate::x509) fn key_usage(value: &[u8]) -> Result<u16, Broken> {
    let content = tlv::single(value, tlv::BIT_STRING)?.content;
    match *content {
        [0..=7, first] => Ok(u16::from(first.reverse_bits())),
        [0..=7, first, second] => {
            Ok(u16::from(first.reverse_bits()) | u16::from(second.reverse_bits() & 1) << 8)
        }
        _ => Err(Broken),
    }
}

/// ExtKeyUsageSyntax: at least one purpose (a peer panicked on none: CVE-2026-40097).
pub(in crate::x509) fn extended_key_usage(value: &[u8]) -> Result<Vec<ObjectIdentifier>, Broken> {
    let mut list = Reader::new(tlv::single(value, tlv::SEQUENCE)?.content);
    let mut purposes = Vec::new();
    while !list.is_empty() {
        purposes.push(tlv::oid(list.any()?)?);
    }
    if (1..=MAX_PURPOSES).contains(&purposes.len()) { Ok(purposes) } else { Err(Broken) }
}

/// The octets of an OCTET STRING, as SubjectKeyIdentifier is one.
pub(in crate::x509) fn octets(value: &[u8]) -> Result<Vec<u8>, Broken> {
    tlv::single(value, tlv::OCTET_STRING).map(|t| t.content.to_vec())
}

/// The keyIdentifier of an AuthorityKeyIdentifier.
pub(in crate::x509) fn authority_key_id(value: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
    let mut fields = Reader::new(tlv::single(value, tlv::SEQUENCE)?.content);
    Ok(fields.optional(0x80)?.map(|t| t.content.to_vec()))
}
