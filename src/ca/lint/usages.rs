//! KeyUsage and ExtendedKeyUsage against the key and the role (RFC 5280 §4.2.1.3 and §4.2.1.12).

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{ANY_EXTENDED_KEY_USAGE, ID_KP_OCSP_SIGNING};
use der::Tag;

use super::broken;
use super::read::{Elements, Ext, oid, single};
use crate::error::Result;

/// Key usages as bits, bit 0 (digitalSignature) lowest.
const KEY_ENCIPHERMENT: u16 = 1 << 2;
const DATA_ENCIPHERMENT: u16 = 1 << 3;
const KEY_AGREEMENT: u16 = 1 << 4;
const KEY_CERT_SIGN: u16 = 1 << 5;
const CRL_SIGN: u16 = 1 << 6;
const ENCIPHER_OR_DECIPHER_ONLY: u16 = 3 << 7;

/// Holds KeyUsage, which must be there.
pub fn key_usage(extension: Option<&Ext<'_>>, is_ca: bool, is_rsa: bool) -> Result<()> {
    let field = "keyUsage";
    let extension = extension.ok_or_else(|| broken(field, "is missing"))?;
    if !extension.critical {
        return Err(broken(field, "must be critical"));
    }
    let bits = key_usage_bits(single(extension.value, Tag::BitString, field)?)?;
    if is_ca && bits & (KEY_CERT_SIGN | CRL_SIGN) != KEY_CERT_SIGN | CRL_SIGN {
        return Err(broken(field, "of a CA must hold keyCertSign and cRLSign"));
    }
    if !is_ca && bits & (KEY_CERT_SIGN | CRL_SIGN) != 0 {
        return Err(broken(field, "of a leaf must not hold keyCertSign or cRLSign"));
    }
    if !is_rsa && bits & (KEY_ENCIPHERMENT | DATA_ENCIPHERMENT) != 0 {
        return Err(broken(field, "of an EC key must not hold keyEncipherment or dataEncipherment"));
    }
    if is_rsa && bits & (KEY_AGREEMENT | ENCIPHER_OR_DECIPHER_ONLY) != 0 {
        return Err(broken(field, "of an RSA key must not hold keyAgreement"));
    }
    if bits & ENCIPHER_OR_DECIPHER_ONLY != 0 && bits & KEY_AGREEMENT == 0 {
        return Err(broken(field, "holds encipherOnly or decipherOnly without keyAgreement"));
    }
    Ok(())
}

/// The named bits; DER drops trailing zero bits, so none may stand there.
fn key_usage_bits(content: &[u8]) -> Result<u16> {
    let bad = || broken("keyUsage", "is not a minimal BIT STRING with at least one bit");
    let (&[unused, first], rest) = content.split_first_chunk::<2>().ok_or_else(bad)?;
    let last = *rest.first().unwrap_or(&first);
    let minimal = unused < 8 && rest.len() <= 1 && last.trailing_zeros() == u32::from(unused);
    if !minimal {
        return Err(bad());
    }
    let second = rest.first().map_or(0, |b| u16::from(b.reverse_bits()) << 8);
    let bits = u16::from(first.reverse_bits()) | second;
    Ok(bits)
}

/// Holds ExtendedKeyUsage if it is there; returns whether it is OCSPSigning.
pub fn extended_key_usage(extension: Option<&Ext<'_>>) -> Result<bool> {
    let field = "extKeyUsage";
    let Some(extension) = extension else { return Ok(false) };
    if extension.critical {
        return Err(broken(field, "must not be critical"));
    }
    let mut elements = Elements::new(single(extension.value, Tag::Sequence, field)?, field);
    let mut purposes: Vec<ObjectIdentifier> = Vec::with_capacity(4);
    while !elements.is_empty() {
        let purpose = oid(elements.next(Tag::ObjectIdentifier)?.content, field)?;
        if purposes.contains(&purpose) {
            return Err(broken(field, format_args!("holds {purpose} twice")));
        }
        purposes.push(purpose);
    }
    let signs_ocsp = purposes.contains(&ID_KP_OCSP_SIGNING);
    if purposes.is_empty() {
        return Err(broken(field, "is empty"));
    }
    if purposes.contains(&ANY_EXTENDED_KEY_USAGE) {
        return Err(broken(field, "must never be anyExtendedKeyUsage"));
    }
    if signs_ocsp && purposes.len() > 1 {
        return Err(broken(field, "must hold OCSPSigning alone"));
    }
    Ok(signs_ocsp)
}
