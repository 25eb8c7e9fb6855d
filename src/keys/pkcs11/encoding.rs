//! Between PKCS#11's forms and X.509's: public keys, DigestInfo, ECDSA signatures.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{
    ID_EC_PUBLIC_KEY, ID_SHA_256, ID_SHA_384, ID_SHA_512, RSA_ENCRYPTION, SECP_256_R_1, SECP_384_R_1,
    SECP_521_R_1,
};
use cryptoki::object::{Attribute, AttributeType, KeyType};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::x509::key::{Digest, KeyAlgorithm};
use crate::x509::tlv;

/// The curve of an EC key type; none for RSA.
pub(super) fn curve(algorithm: KeyAlgorithm) -> Option<ObjectIdentifier> {
    match algorithm {
        KeyAlgorithm::P256 => Some(SECP_256_R_1),
        KeyAlgorithm::P384 => Some(SECP_384_R_1),
        KeyAlgorithm::P521 => Some(SECP_521_R_1),
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => None,
    }
}

/// CKA_KEY_TYPE.
pub(super) fn key_type(algorithm: KeyAlgorithm) -> KeyType {
    if algorithm.is_rsa() { KeyType::RSA } else { KeyType::EC }
}

/// CKA_EC_PARAMS of a curve: its identifier, DER.
pub(super) fn curve_parameters(curve: &ObjectIdentifier) -> Vec<u8> {
    tlv::object_identifier(curve)
}

/// The attributes that a public key of `algorithm` is read from.
pub(super) fn public_parts(algorithm: KeyAlgorithm) -> &'static [AttributeType] {
    if algorithm.is_rsa() {
        &[AttributeType::Modulus, AttributeType::PublicExponent]
    } else {
        &[AttributeType::EcPoint]
    }
}

/// The SubjectPublicKeyInfo of a public key of `algorithm` with these attributes; none if one is missing.
pub(super) fn spki(algorithm: KeyAlgorithm, attributes: &[Attribute]) -> Option<Vec<u8>> {
    let (mut modulus, mut exponent, mut point) = (None, None, None);
    for attribute in attributes {
        match attribute {
            Attribute::Modulus(bytes) => modulus = Some(bytes),
            Attribute::PublicExponent(bytes) => exponent = Some(bytes),
            Attribute::EcPoint(bytes) => point = Some(bytes),
            _ => {}
        }
    }
    let Some(curve) = curve(algorithm) else {
        let key = tlv::join(tlv::SEQUENCE, &[&unsigned(modulus?), &unsigned(exponent?)]);
        let identifier = [tlv::object_identifier(&RSA_ENCRYPTION), vec![tlv::NULL, 0]].concat();
        return Some(tlv::join(tlv::SEQUENCE, &[&tlv::tlv(tlv::SEQUENCE, &identifier), &tlv::bits(&key)]));
    };
    let point = point?;
    // DER of an OCTET STRING (PKCS#11 3.0 §2.3.3); some modules give the point itself.
    let point = tlv::single(point, tlv::OCTET_STRING).map_or(point.as_slice(), |wrapped| wrapped.content);
    let identifier = [tlv::object_identifier(&ID_EC_PUBLIC_KEY), tlv::object_identifier(&curve)].concat();
    Some(tlv::join(tlv::SEQUENCE, &[&tlv::tlv(tlv::SEQUENCE, &identifier), &tlv::bits(point)]))
}

/// The digest of a message.
pub(super) fn hash(digest: Digest, message: &[u8]) -> Vec<u8> {
    match digest {
        Digest::Sha256 => Sha256::digest(message).to_vec(),
        Digest::Sha384 => Sha384::digest(message).to_vec(),
        Digest::Sha512 => Sha512::digest(message).to_vec(),
    }
}

/// DigestInfo (RFC 8017 §9.2), which CKM_RSA_PKCS pads and signs.
pub(super) fn digest_info(digest: Digest, message: &[u8]) -> Vec<u8> {
    let oid = match digest {
        Digest::Sha256 => ID_SHA_256,
        Digest::Sha384 => ID_SHA_384,
        Digest::Sha512 => ID_SHA_512,
    };
    let identifier = [tlv::object_identifier(&oid), vec![tlv::NULL, 0]].concat();
    let octets = tlv::tlv(tlv::OCTET_STRING, &hash(digest, message));
    tlv::join(tlv::SEQUENCE, &[&tlv::tlv(tlv::SEQUENCE, &identifier), &octets])
}

/// `Ecdsa-Sig-Value` (RFC 3279 §2.2.3) of r and s side by side, as CKM_ECDSA gives them; none if they are not two.
pub(super) fn ecdsa_value(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.is_empty() || !raw.len().is_multiple_of(2) {
        return None;
    }
    let (r, s) = raw.split_at(raw.len() / 2);
    Some(tlv::join(tlv::SEQUENCE, &[&unsigned(r), &unsigned(s)]))
}

/// An INTEGER of big-endian octets that are not negative.
fn unsigned(octets: &[u8]) -> Vec<u8> {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    let rest = octets.get(zeros..).unwrap_or_default();
    match rest.first() {
        None => tlv::tlv(tlv::INTEGER, &[0]),
        Some(first) if *first >= 0x80 => tlv::join(tlv::INTEGER, &[&[0], rest]),
        Some(_) => tlv::tlv(tlv::INTEGER, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_and_s_become_minimal_integers() {
        let mut raw = vec![0; 64];
        raw[31] = 0x7f;
        raw[32] = 0x80;
        let value = ecdsa_value(&raw).unwrap();
        assert_eq!(value[..7], [0x30, 38, 2, 1, 0x7f, 2, 33]);
        assert_eq!(value[7..9], [0, 0x80]);
        assert_eq!(ecdsa_value(&[0; 2]).unwrap(), [0x30, 6, 2, 1, 0, 2, 1, 0]);
        assert!(ecdsa_value(&[]).is_none() && ecdsa_value(&[1; 63]).is_none());
    }

    #[test]
    fn a_digest_info_is_that_of_rfc_8017() {
        let prefix = [
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
            0x00, 0x04, 0x20,
        ];
        let made = digest_info(Digest::Sha256, b"to be signed");
        assert_eq!(made[..19], prefix);
        assert_eq!(made[19..], Sha256::digest(b"to be signed")[..]);
    }

    #[test]
    fn a_point_is_read_with_its_octet_string_and_without() {
        let point = [&[4u8][..], &[7; 64]].concat();
        let wrapped = tlv::tlv(tlv::OCTET_STRING, &point);
        let spki = |point: &[u8]| spki(KeyAlgorithm::P256, &[Attribute::EcPoint(point.to_vec())]).unwrap();
        assert_eq!(spki(&point), spki(&wrapped));
        assert!(super::spki(KeyAlgorithm::Rsa2048, &[Attribute::Modulus(vec![1])]).is_none());
    }
}
