//! CSR-04 to CSR-24: signatures and keys.

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Resize};
use signet::x509::key::{Digest, KeyKind, PublicKey, signature_algorithm};
use signet::x509::tlv::{self, join, tlv};

use super::build::*;

/// An RSA SPKI from the content octets of both INTEGERs.
fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = join(tlv::SEQUENCE, &[&tlv(tlv::INTEGER, modulus), &tlv(tlv::INTEGER, exponent)]);
    let algorithm = join(tlv::SEQUENCE, &[&oid("1.2.840.113549.1.1.1"), &[tlv::NULL, 0]]);
    join(tlv::SEQUENCE, &[&algorithm, &tlv::bits(&key)])
}

fn ec(curve: &[u8], point: &[u8]) -> Vec<u8> {
    let algorithm = join(tlv::SEQUENCE, &[&oid("1.2.840.10045.2.1"), curve]);
    join(tlv::SEQUENCE, &[&algorithm, &tlv::bits(point)])
}

fn good_modulus() -> Vec<u8> {
    [&[0], rsa_key().public_key().modulus().big_endian_without_leading_zero()].concat()
}

fn point() -> Vec<u8> {
    ec_key().public_key().as_ref().to_vec()
}

const E: &[u8] = &[1, 0, 1];
const P256: &str = "1.2.840.10045.3.1.7";
/// n of P-256 (SEC 2 §2.4.2).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The content octets of 2^n - 1, a Mersenne prime for 1279 and 2203.
fn mersenne(n: u32) -> BoxedUint {
    BoxedUint::one_with_precision(4096)
        .shl_vartime(n)
        .unwrap()
        .wrapping_sub(BoxedUint::one_with_precision(4096))
}

fn content(n: &BoxedUint) -> Vec<u8> {
    let bytes = n.to_be_bytes();
    let first = bytes.iter().position(|b| *b != 0).unwrap();
    let sign: &[u8] = if bytes[first] >= 0x80 { &[0] } else { &[] };
    [sign, &bytes[first..]].concat()
}

fn key_refusal(spki: Vec<u8>) -> String {
    Request::new().spki(spki).refusal()
}

#[test]
fn csr_04_signature_invalid() {
    let good = Request::new().sign();
    let other = Request::new().subject(common_name(tlv::UTF8_STRING, b"device-2")).info();
    let algorithm = signature_algorithm(KeyKind::P256, Digest::Sha256);
    let signature = &good[good.len() - 64..];
    assert_eq!(refusal(&assemble(&other, &algorithm, signature)), "proof of possession failed");
    let mut flipped = rsa_request();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(refusal(&flipped), "proof of possession failed");
    // A signature under another digest than the one that is named.
    let named = signature_algorithm(KeyKind::Rsa(2048), Digest::Sha256);
    let request = Request::new().spki(rsa_spki()).sign_rsa(&named, &RSA_PKCS1_SHA384);
    assert_eq!(refusal(&request), "proof of possession failed");
}

#[test]
fn csr_04_sha1_and_unfitting_algorithms_are_refused() {
    for oid_text in ["1.2.840.113549.1.1.5", "1.2.840.113549.1.1.4", "1.3.14.3.2.29"] {
        let algorithm = join(tlv::SEQUENCE, &[&oid(oid_text), &[tlv::NULL, 0]]);
        let request = Request::new().spki(rsa_spki()).sign_rsa(&algorithm, &RSA_PKCS1_SHA256);
        assert_eq!(refusal(&request), "signature algorithm not allowed");
    }
    let request = Request::new();
    let sha1 = tlv(tlv::SEQUENCE, &oid("1.2.840.10045.4.1"));
    assert_eq!(refusal(&assemble(&request.info(), &sha1, &[0; 70])), "signature algorithm not allowed");
    let rsa_named = signature_algorithm(KeyKind::Rsa(2048), Digest::Sha256);
    assert_eq!(
        refusal(&assemble(&request.info(), &rsa_named, &[0; 256])),
        "signature algorithm does not fit the key"
    );
}

#[test]
fn csr_06_ecdsa_r_or_s_out_of_range() {
    let request = Request::new();
    let algorithm = signature_algorithm(KeyKind::P256, Digest::Sha256);
    let n = [&[0][..], &P256_ORDER].concat();
    for (r, s) in [(&[0][..], &[1][..]), (&[1], &[0]), (&n, &[1]), (&[1], &n), (&[0xff], &[1])] {
        let signature = join(tlv::SEQUENCE, &[&tlv(tlv::INTEGER, r), &tlv(tlv::INTEGER, s)]);
        assert_eq!(refusal(&assemble(&request.info(), &algorithm, &signature)), "proof of possession failed");
    }
}

#[test]
fn csr_07_pss_parameters_are_bounded() {
    let hash = |text: &str| join(tlv::SEQUENCE, &[&oid(text), &[tlv::NULL, 0]]);
    let mgf = |digest: &[u8]| join(tlv::SEQUENCE, &[&oid("1.2.840.113549.1.1.8"), digest]);
    let parameters = |digest: &[u8], mask: &[u8], salt: &[u8]| {
        let salt = tlv(tlv::INTEGER, salt);
        join(tlv::SEQUENCE, &[&tlv(0xa0, digest), &tlv(0xa1, mask), &tlv(0xa2, &salt)])
    };
    let sha256 = hash("2.16.840.1.101.3.4.2.1");
    let sha1 = hash("1.3.14.3.2.26");
    let good = parameters(&sha256, &mgf(&sha256), &[32]);
    assert_eq!(read(&pss_request(&good)).public_key().kind(), KeyKind::Rsa(2048));
    let odd = [
        parameters(&sha256, &mgf(&sha256), &[0, 0x80, 0, 0, 0]),
        parameters(&sha256, &mgf(&sha256), &[20]),
        parameters(&sha256, &mgf(&sha256), &[0xff]),
        parameters(&sha256, &mgf(&sha1), &[32]),
        parameters(&sha1, &mgf(&sha1), &[20]),
        tlv(tlv::SEQUENCE, &[]),
        vec![tlv::NULL, 0],
        Vec::new(),
    ];
    for parameters in odd {
        assert_eq!(refusal(&pss_request(&parameters)), "signature algorithm not allowed");
    }
}

#[test]
fn csr_08_rsa_sizes() {
    for bytes in [64, 128, 255] {
        assert_eq!(key_refusal(rsa(&vec![0x7f; bytes], E)), "RSA key below 2048 bits");
    }
    assert_eq!(key_refusal(rsa(&[0x7f; 1026], E)), "RSA key above 8192 bits");
}

#[test]
fn csr_10_modulus_even_negative_or_with_a_small_factor() {
    let good = good_modulus();
    let mut even = good.clone();
    *even.last_mut().unwrap() &= 0xfe;
    assert_eq!(key_refusal(rsa(&even, E)), "invalid RSA modulus");
    assert_eq!(key_refusal(rsa(&good[1..], E)), "invalid RSA modulus");
    for factor in [3u64, 5, 251, 257, 7919, 65_521] {
        let multiple = mersenne(2203).wrapping_mul(BoxedUint::from(factor));
        assert_eq!(key_refusal(rsa(&content(&multiple), E)), "invalid RSA modulus", "{factor}");
    }
}

#[test]
fn csr_10_a_prime_modulus_is_refused_by_the_strict_option() {
    let prime = PublicKey::from_spki(&rsa(&content(&mersenne(2203)), E)).unwrap();
    assert_eq!(prime.refuse_prime_modulus().unwrap_err().detail(), "invalid RSA modulus");
    assert!(read(&rsa_request()).public_key().refuse_prime_modulus().is_ok());
    assert!(read(&Request::new().sign()).public_key().refuse_prime_modulus().is_ok());
}

#[test]
fn csr_11_exponents() {
    let n = good_modulus();
    let refused: [&[u8]; 10] = [
        &[1],
        &[3],
        &[17],
        &[1, 0, 0],
        &[0],
        &[0xff],
        &[2, 0, 0, 0, 1],
        &[2, 0, 0, 0, 0],
        &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ];
    for e in refused {
        assert_eq!(key_refusal(rsa(&n, e)), "RSA exponent not allowed", "{e:02x?}");
    }
    assert!(PublicKey::from_spki(&rsa(&n, &[1, 0xff, 0xff, 0xff, 0xff])).is_ok());
}

#[test]
fn csr_14_close_primes() {
    let p = mersenne(1279).resize(1280);
    let product = |distance: BoxedUint| {
        // The next number above p + distance that makes a modulus without a small factor.
        let mut q = p.wrapping_add(distance).wrapping_add(BoxedUint::from(2u64));
        loop {
            let spki = rsa(&content(&p.concatenating_mul(&q)), E);
            match PublicKey::from_spki(&spki) {
                Err(e) if e.detail() == "invalid RSA modulus" => {
                    q = q.wrapping_add(BoxedUint::from(2u64));
                }
                outcome => return outcome.map(|_| ()).map_err(|e| e.detail().to_owned()),
            }
        }
    };
    let power = |n: u32| BoxedUint::one_with_precision(1280).shl_vartime(n).unwrap();
    assert_eq!(product(BoxedUint::from(2u64)), Err("close-prime RSA modulus".into()));
    // (p - q)² / 8√n is about the round that finds them: 32 and 512.
    assert_eq!(product(power(643)), Err("close-prime RSA modulus".into()));
    assert_eq!(product(power(646)), Ok(()));
}

#[test]
fn csr_18_invalid_points() {
    let good = point();
    let mut off_curve = good.clone();
    off_curve[64] ^= 1;
    let mut over_p = good.clone();
    over_p[1..33].fill(0xff);
    let mut hybrid = good.clone();
    hybrid[0] = 6 + (good[64] & 1);
    let mut no_root = vec![2; 33];
    while p256::PublicKey::from_sec1_bytes(&no_root).is_ok() {
        no_root[32] += 1;
    }
    let curve = oid(P256);
    for bad in [off_curve, over_p, hybrid, vec![0], vec![0; 65], good[..64].to_vec(), vec![], no_root] {
        assert_eq!(key_refusal(ec(&curve, &bad)), "invalid EC point", "{bad:02x?}");
    }
    // A good point of another curve.
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
    assert_eq!(key_refusal(ec(&curve, p384.public_key().as_ref())), "invalid EC point");
}

#[test]
fn csr_18_points_agree_with_an_independent_judge() {
    let curve = oid(P256);
    for i in 0..64u8 {
        let mut tried = point();
        tried[1 + usize::from(i)] ^= i % 3;
        let ours = PublicKey::from_spki(&ec(&curve, &tried)).is_ok();
        assert_eq!(ours, p256::PublicKey::from_sec1_bytes(&tried).is_ok());
    }
}

#[test]
fn csr_20_unlisted_curves() {
    let explicit = tlv(tlv::SEQUENCE, &tlv::unsigned(1));
    for curve in ["1.2.840.10045.3.1.1", "1.3.132.0.10", "1.3.36.3.3.2.8.1.1.7", "1.3.132.0.33"].map(oid) {
        assert_eq!(key_refusal(ec(&curve, &point())), "curve not allowed");
    }
    assert_eq!(key_refusal(ec(&explicit, &point())), "curve not allowed");
    assert_eq!(key_refusal(ec(&[], &point())), "malformed SPKI");
}

#[test]
fn csr_21_a_compressed_point_is_recoded() {
    let full = point();
    let compressed = [&[2 + (full[64] & 1)], &full[1..33]].concat();
    let request = Request::new().spki(ec(&oid(P256), &compressed)).sign();
    let csr = read(&request);
    assert_eq!(csr.public_key().spki(), ec_spki());
    assert_eq!(csr.public_key().fingerprint(), PublicKey::from_spki(&ec_spki()).unwrap().fingerprint());
    assert_eq!(csr.der(), request);
}

#[test]
fn csr_23_other_key_types() {
    // DSA, DH, X25519, Ed25519, RSASSA-PSS, ECMQV, unknown
    for kind in [
        "1.2.840.10040.4.1",
        "1.2.840.113549.1.3.1",
        "1.3.101.110",
        "1.3.101.112",
        "1.2.840.113549.1.1.10",
        "1.3.132.1.13",
        "1.2.3.4",
    ] {
        let spki = join(tlv::SEQUENCE, &[&tlv(tlv::SEQUENCE, &oid(kind)), &tlv::bits(&[4; 32])]);
        assert_eq!(key_refusal(spki), "key type not allowed", "{kind}");
    }
}

#[test]
fn csr_24_rsa_parameters_and_structure() {
    let key = rsa_key().public_key().as_ref().to_vec();
    let with = |parameters: &[u8], bits: &[u8]| {
        let algorithm = join(tlv::SEQUENCE, &[&oid("1.2.840.113549.1.1.1"), parameters]);
        join(tlv::SEQUENCE, &[&algorithm, bits])
    };
    let trailing = [&key[..], &[0]].concat();
    let padded = rsa(&[&[0], &good_modulus()[..]].concat(), E);
    for spki in [
        with(&[], &tlv::bits(&key)),
        with(&[tlv::NULL, 0, tlv::NULL, 0], &tlv::bits(&key)),
        with(&tlv::unsigned(5), &tlv::bits(&key)),
        with(&[tlv::NULL, 0], &tlv::bits(&trailing)),
        with(&[tlv::NULL, 0], &join(tlv::BIT_STRING, &[&[1], &key])),
        with(&[tlv::NULL, 0], &tlv(tlv::OCTET_STRING, &key)),
        padded,
    ] {
        assert_eq!(key_refusal(spki), "malformed SPKI");
    }
}
