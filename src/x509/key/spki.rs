//! SubjectPublicKeyInfo (RFC 5280 §4.1.2.7, RFC 3279 §2.3.1, RFC 5480), with the checks of the CSR rows.

use std::cell::RefCell;
use std::sync::Arc;

use aws_lc_rs::signature::ParsedPublicKey;
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_EC_PUBLIC_KEY, RSA_ENCRYPTION};

use super::KeyKind;
use super::ec::{self, Curve};
use super::rsa;
use super::scheme;
use crate::error::{Error, Result};
use crate::x509::der_guard;
use crate::x509::tlv::{self, Broken, Reader, Tlv};

/// The largest SubjectPublicKeyInfo that is looked at: RSA-8192 takes 1,062 octets.
const MAX_LEN: usize = 4096;

thread_local! {
    /// The RSA keys that passed last, newest first. A certificate keeps its own key; this is for the rest, so that an
    /// envelope sent again and again with another's request in it is read in the same time as one that does not open.
    static GOOD_RSA: RefCell<Vec<Checked>> = const { RefCell::new(Vec::new()) };
}

/// How many keys each thread remembers.
const REMEMBERED: usize = 32;

/// A key that passed.
#[derive(Clone)]
pub(super) struct Checked {
    /// The SubjectPublicKeyInfo as it is to be stored.
    pub(super) spki: Vec<u8>,
    /// Its kind.
    pub(super) kind: KeyKind,
    /// The key, ready to verify by [`super::scheme::usual`].
    pub(super) parsed: Arc<ParsedPublicKey>,
}

/// The parts of a SubjectPublicKeyInfo as they stand.
struct Parts<'a> {
    algorithm: ObjectIdentifier,
    parameters: Option<Tlv<'a>>,
    bits: &'a [u8],
}

/// Checks a SubjectPublicKeyInfo. `also` is an RSA size below the least that is allowed all the same.
pub(super) fn check(der: &[u8], also: Option<u32>) -> Result<Checked> {
    der_guard::scan(der, MAX_LEN).map_err(|fault| match fault {
        der_guard::Fault::MalformedOid => Error::bad_csr("malformed OID"),
        der_guard::Fault::TooLarge | der_guard::Fault::TooDeep | der_guard::Fault::Malformed => malformed(),
    })?;
    let parts = read(der).map_err(|_| malformed())?;
    match parts.algorithm {
        RSA_ENCRYPTION => check_rsa(der, &parts, also),
        ID_EC_PUBLIC_KEY => check_ec(&parts),
        _ => Err(Error::bad_csr("key type not allowed")),
    }
}

/// See [`super::is_quick`].
pub(super) fn is_quick(der: &[u8]) -> bool {
    /// RSAPublicKey of 2048 bits with the longest exponent that is allowed.
    const RSA_2048: usize = 272;
    let curve = |parts: &Parts<'_>| tlv::oid(parts.parameters?).ok().and_then(Curve::named);
    read(der).is_ok_and(|parts| match parts.algorithm {
        RSA_ENCRYPTION => parts.bits.len() <= RSA_2048,
        ID_EC_PUBLIC_KEY => matches!(curve(&parts), Some(Curve::P256)),
        _ => true,
    })
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

fn check_rsa(der: &[u8], parts: &Parts<'_>, also: Option<u32>) -> Result<Checked> {
    // RFC 3279 §2.3.1: the parameters MUST be NULL (CSR-24).
    if parts.parameters.map(|p| p.whole) != Some(&[tlv::NULL, 0]) {
        return Err(malformed());
    }
    if let Some(known) = remembered(der) {
        return Ok(known);
    }
    let (modulus, exponent) = rsa::read(parts.bits).map_err(|_| malformed())?;
    let bits = rsa::check(modulus, exponent, also)?;
    let kind = KeyKind::Rsa(bits);
    let parsed = ParsedPublicKey::new(scheme::usual(kind), parts.bits).map_err(|_| malformed())?;
    let checked = Checked { spki: der.to_vec(), kind, parsed: Arc::new(parsed) };
    // What was an exception here is none for whoever reads it next.
    if also != Some(bits) {
        remember(checked.clone());
    }
    Ok(checked)
}

fn remembered(der: &[u8]) -> Option<Checked> {
    GOOD_RSA.with_borrow_mut(|keys| {
        let place = keys.iter().position(|key| key.spki == der)?;
        keys[..=place].rotate_right(1);
        keys.first().cloned()
    })
}

fn remember(key: Checked) {
    GOOD_RSA.with_borrow_mut(|keys| {
        keys.truncate(REMEMBERED - 1);
        keys.insert(0, key);
    });
}

/// A point off the curve or with a coordinate not below p is refused: aws-lc checks both when it reads a key.
fn check_ec(parts: &Parts<'_>) -> Result<Checked> {
    let parameters = parts.parameters.ok_or_else(malformed)?;
    // Explicit parameters are a SEQUENCE: such a curve is listed nowhere (RFC 5480 §2.1.1).
    let curve = tlv::oid(parameters).ok().and_then(Curve::named);
    let curve = curve.ok_or_else(|| Error::bad_csr("curve not allowed"))?;
    let point = ec::uncompressed(curve, parts.bits)?;
    let identifier = tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&parts.algorithm), parameters.whole]);
    let spki = tlv::join(tlv::SEQUENCE, &[&identifier, &tlv::bits(&point)]);
    let kind = curve.kind();
    let parsed = ParsedPublicKey::new(scheme::usual(kind), &spki).map_err(|_| ec::invalid())?;
    Ok(Checked { spki, kind, parsed: Arc::new(parsed) })
}

fn malformed() -> Error {
    Error::bad_csr("malformed SPKI")
}
