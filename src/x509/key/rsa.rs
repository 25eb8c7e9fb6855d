//! RSA public keys (RFC 8017 §A.1.1): sizes, exponents, and moduli that are broken on sight.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};

use crate::error::{Error, Result};
use crate::x509::tlv::{self, Broken, Reader};

mod fermat;
mod small_factors;

/// The smallest modulus, in bits.
const MIN_BITS: u32 = 2048;
/// The largest modulus, in bits (checklist G).
const MAX_BITS: u32 = 8192;

/// Reads RSAPublicKey: the content octets of modulus and exponent.
pub(super) fn read(der: &[u8]) -> Result<(&[u8], &[u8]), Broken> {
    let mut fields = Reader::new(tlv::single(der, tlv::SEQUENCE)?.content);
    let modulus = tlv::integer(fields.any()?)?;
    let exponent = tlv::integer(fields.any()?)?;
    fields.finish()?;
    Ok((modulus, exponent))
}

/// Checks CSR-08, -10, -11 and -14; returns the size in bits, which may be `also` too. About 55 us for 2048 bits: no
/// primality test.
pub(super) fn check(modulus: &[u8], exponent: &[u8], also: Option<u32>) -> Result<u32> {
    if modulus[0] >= 0x80 {
        return Err(invalid_modulus());
    }
    let bits = bit_len(modulus);
    if bits < MIN_BITS && also != Some(bits) {
        return Err(Error::bad_csr("RSA key below 2048 bits"));
    }
    if bits > MAX_BITS {
        return Err(Error::bad_csr("RSA key above 8192 bits"));
    }
    check_exponent(exponent)?;
    let n = BoxedUint::from_be_slice_vartime(modulus);
    if modulus.last().is_none_or(|last| last % 2 == 0) || small_factors::has_one(n.as_words()) {
        return Err(invalid_modulus());
    }
    if fermat::primes_are_close(&n) {
        return Err(Error::bad_csr("close-prime RSA modulus"));
    }
    Ok(bits)
}

/// Fermat's test to the base 2: a composite that passes it is far rarer than a broken machine.
pub(super) fn refuse_prime_modulus(rsa_public_key: &[u8]) -> Result<()> {
    let (modulus, _) = read(rsa_public_key).map_err(|_| invalid_modulus())?;
    let n = BoxedUint::from_be_slice_vartime(modulus);
    let odd = Odd::new(n.clone()).into_option().ok_or_else(invalid_modulus)?;
    let params = BoxedMontyParams::new_vartime(odd);
    let one = BoxedMontyForm::one(&params);
    let exponent = n.wrapping_sub(BoxedUint::one_with_precision(n.bits_precision()));
    if one.double().pow(&exponent) == one { Err(invalid_modulus()) } else { Ok(()) }
}

/// CSR-11: odd, from 65537 to 2^33.
fn check_exponent(content: &[u8]) -> Result<()> {
    let value = match content {
        [0x80..=0xff, ..] => 0,
        _ if content.len() > 8 => u64::MAX,
        _ => content.iter().fold(0u64, |n, &b| (n << 8) | u64::from(b)),
    };
    if value % 2 == 1 && (65_537..=1 << 33).contains(&value) {
        return Ok(());
    }
    Err(Error::bad_csr("RSA exponent not allowed"))
}

/// The bits of a positive INTEGER's content octets.
fn bit_len(content: &[u8]) -> u32 {
    let skip = usize::from(content[0] == 0);
    let octets = &content[skip..];
    octets.first().map_or(0, |first| 8 * octets.len() as u32 - first.leading_zeros())
}

fn invalid_modulus() -> Error {
    Error::bad_csr("invalid RSA modulus")
}
