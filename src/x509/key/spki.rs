//! SubjectPublicKeyInfo (RFC 5280 §4.1.2.7, RFC 3279 §2.3.1, RFC 5480), with the checks of the CSR rows.

use std::cell::RefCell;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_EC_PUBLIC_KEY, RSA_ENCRYPTION};

use super::KeyKind;
use super::ec::{self, Curve};
use super::rsa;
use crate::error::{Error, Result};
use crate::x509::der_guard;
use crate::x509::tlv::{self, Broken, Reader, Tlv};

/// The largest SubjectPublicKeyInfo that is looked at: RSA-8192 takes 1,062 octets.
const MAX_LEN: usize = 4096;

thread_local! {
    /// The RSA keys that passed last, newest first, with their bits: a SCEP message brings the same key in its
    /// signer's certificate and in the request, the RA's key comes back with every reply, and the arithmetic is
    /// most of what reading a key costs.
    static GOOD_RSA: RefCell<Vec<(Vec<u8>, u32)>> = const { RefCell::new(Vec::new()) };
}

/// How many keys each thread remembers.
const REMEMBERED: usize = 32;

/// The parts of a SubjectPublicKeyInfo as they stand.
struct Parts<'a> {
    algorithm: ObjectIdentifier,
    parameters: Option<Tlv<'a>>,
    bits: &'a [u8],
}

/// Checks a SubjectPublicKeyInfo; returns it as it is to be stored, with its kind.
pub(super) fn check(der: &[u8]) -> Result<(Vec<u8>, KeyKind)> {
    der_guard::scan(der, MAX_LEN).map_err(|fault| match fault {
        der_guard::Fault::MalformedOid => Error::bad_csr("malformed OID"),
        der_guard::Fault::TooLarge | der_guard::Fault::TooDeep | der_guard::Fault::Malformed => malformed(),
    })?;
    let parts = read(der).map_err(|_| malformed())?;
    match parts.algorithm {
        RSA_ENCRYPTION => check_rsa(der, &parts),
        ID_EC_PUBLIC_KEY => check_ec(&parts),
        _ => Err(Error::bad_csr("key type not allowed")),
    }
}

/// The octets of the key's bit string in an SPKI that passed [`check`].
pub(super) fn key_bits(spki: &[u8]) -> &[u8] {
    read(spki).map(|parts| parts.bits).unwrap_or_default()
}

fn read(der: &[u8]) -> Result<Parts<'_>, Broken> {
    let mut fields = Reader::new(tlv::single(der, tlv::SEQUENCE)?.content);
    let mut identifier = fields.enter(tlv::SEQUENCE)?;
    let bits = tlv::bit_string(fields.any()?)?;
    fields.finish()?;
    let algorithm = tlv::oid(identifier.any()?)?;
    let parameters = if identifier.is_empty() { None } else { Some(identifier.any()?) };
    identifier.finish()?;
    Ok(Parts { algorithm, parameters, bits })
}

fn check_rsa(der: &[u8], parts: &Parts<'_>) -> Result<(Vec<u8>, KeyKind)> {
    // RFC 3279 §2.3.1: the parameters MUST be NULL (CSR-24).
    if parts.parameters.map(|p| p.whole) != Some(&[tlv::NULL, 0]) {
        return Err(malformed());
    }
    let bits = match remembered(der) {
        Some(bits) => bits,
        None => {
            let (modulus, exponent) = rsa::read(parts.bits).map_err(|_| malformed())?;
            let bits = rsa::check(modulus, exponent)?;
            remember(der, bits);
            bits
        }
    };
    Ok((der.to_vec(), KeyKind::Rsa(bits)))
}

fn remembered(der: &[u8]) -> Option<u32> {
    GOOD_RSA.with_borrow_mut(|keys| {
        let place = keys.iter().position(|(key, _)| key == der)?;
        keys[..=place].rotate_right(1);
        Some(keys[0].1)
    })
}

fn remember(der: &[u8], bits: u32) {
    GOOD_RSA.with_borrow_mut(|keys| {
        keys.truncate(REMEMBERED - 1);
        keys.insert(0, (der.to_vec(), bits));
    });
}

fn check_ec(parts: &Parts<'_>) -> Result<(Vec<u8>, KeyKind)> {
    let parameters = parts.parameters.ok_or_else(malformed)?;
    // Explicit parameters are a SEQUENCE: such a curve is listed nowhere (RFC 5480 §2.1.1).
    let curve = tlv::oid(parameters).ok().and_then(Curve::named);
    let curve = curve.ok_or_else(|| Error::bad_csr("curve not allowed"))?;
    let point = ec::uncompressed(curve, parts.bits)?;
    let identifier = tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&parts.algorithm), parameters.whole]);
    let spki = tlv::join(tlv::SEQUENCE, &[&identifier, &tlv::bits(&point)]);
    ec::check_on_curve(curve, &spki)?;
    Ok((spki, curve.kind()))
}

fn malformed() -> Error {
    Error::bad_csr("malformed SPKI")
}
