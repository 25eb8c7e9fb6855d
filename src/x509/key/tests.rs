use super::*;
use crate::x509::tlv;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair};

fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> (EcdsaKeyPair, PublicKey) {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let key = PublicKey::from_spki(pair.public_key().as_der().unwrap().as_ref()).unwrap();
    (pair, key)
}

#[test]
fn each_curve_verifies_its_signatures_and_no_others() {
    for (algorithm, kind, digest) in [
        (&signature::ECDSA_P256_SHA256_ASN1_SIGNING, KeyKind::P256, Digest::Sha256),
        (&signature::ECDSA_P384_SHA384_ASN1_SIGNING, KeyKind::P384, Digest::Sha384),
        (&signature::ECDSA_P521_SHA512_ASN1_SIGNING, KeyKind::P521, Digest::Sha512),
        (&signature::ECDSA_P521_SHA256_ASN1_SIGNING, KeyKind::P521, Digest::Sha256),
    ] {
        let (pair, key) = ec(algorithm);
        assert_eq!(key.kind(), kind);
        let signed = pair.sign(&SystemRandom::new(), b"message").unwrap();
        let named = signature_algorithm(kind, digest);
        assert!(key.verify(&named, b"message", signed.as_ref()).is_ok());
        assert_eq!(key.verify(&named, b"another", signed.as_ref()).unwrap_err().code(), "signature-invalid");
        let rsa = signature_algorithm(KeyKind::Rsa(2048), digest);
        assert_eq!(key.verify(&rsa, b"message", signed.as_ref()).unwrap_err().code(), "signature-algorithm");
    }
}

#[test]
fn compressed_points_of_every_curve_are_recoded() {
    for algorithm in [
        &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
    ] {
        let (_, key) = ec(algorithm);
        let point = spki::key_bits(key.spki());
        let field = point.len() / 2;
        let compressed = [&[2 + (point[2 * field] & 1)], &point[1..=field]].concat();
        let outer = tlv::single(key.spki(), tlv::SEQUENCE).unwrap();
        let identifier = tlv::Reader::new(outer.content).any().unwrap();
        let spki = tlv::join(tlv::SEQUENCE, &[identifier.whole, &tlv::bits(&compressed)]);
        assert_eq!(PublicKey::from_spki(&spki).unwrap(), key);
    }
}

#[test]
fn identifiers_are_as_the_rfcs_define_them() {
    let (_, key) = ec(&signature::ECDSA_P256_SHA256_ASN1_SIGNING);
    let hash: [u8; 32] = sha2::Sha256::digest(&key.spki()[26..]).into();
    assert_eq!(key.key_id(), hash[..20]);
    let whole: [u8; 32] = sha2::Sha256::digest(key.spki()).into();
    assert_eq!(key.fingerprint(), whole);
    assert_eq!(key.algorithm(), Some(KeyAlgorithm::P256));
    assert_eq!(
        signature_algorithm(KeyKind::P256, Digest::Sha256),
        *b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
    );
    let rsa = signature_algorithm(KeyKind::Rsa(2048), Digest::Sha512);
    assert_eq!(rsa, *b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00");
}

#[test]
fn a_bad_rsa_key_after_a_good_one_is_still_refused() {
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let rsa =
        [&tlv::object_identifier(&const_oid::db::rfc5912::RSA_ENCRYPTION)[..], &[tlv::NULL, 0]].concat();
    let spki = |bits: &[u8]| tlv::join(tlv::SEQUENCE, &[&tlv::tlv(tlv::SEQUENCE, &rsa), &tlv::bits(bits)]);
    let good = spki(pair.public_key().as_ref());
    let mut even = pair.public_key().as_ref().to_vec();
    even[9 + 255] &= 0xfe;
    for _ in 0..2 {
        assert_eq!(PublicKey::from_spki(&good).unwrap().kind(), KeyKind::Rsa(2048));
        assert_eq!(PublicKey::from_spki(&spki(&even)).unwrap_err().detail(), "invalid RSA modulus");
    }
}
