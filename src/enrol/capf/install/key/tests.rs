use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;

use super::*;
use crate::x509::tlv;

fn rsa() -> Vec<u8> {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    key.public_key().as_der().unwrap().as_ref().to_vec()
}

fn ec(point: &[u8]) -> Vec<u8> {
    let mut spki = vec![0x30, 0, 0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    spki.extend([6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
    spki.extend([3, u8::try_from(point.len() + 1).unwrap(), 0]);
    spki.extend(point);
    spki[1] = u8::try_from(spki.len() - 2).unwrap();
    spki
}

/// The base point of P-256 (SEC 2 §2.4.2).
fn point() -> Vec<u8> {
    let x = "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296";
    let y = "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5";
    let octet = |at: usize| u8::from_str_radix(&[x, y].concat()[at..at + 2], 16).unwrap();
    std::iter::once(4).chain((0..128).step_by(2).map(octet)).collect()
}

fn refusal(spki: &[u8], wanted: DeviceKey) -> String {
    let refused = fits(spki, wanted).unwrap_err();
    assert_eq!(refused.code(), "capf-message");
    refused.detail().to_owned()
}

#[test]
fn the_key_that_was_asked_for_is_taken() {
    assert!(fits(&rsa(), DeviceKey::Rsa2048).is_ok());
    assert!(fits(&ec(&point()), DeviceKey::P256).is_ok());
}

#[test]
fn capf_47_what_is_no_public_key_is_refused() {
    let whole = rsa();
    // PKCS#1: what stands in the bit string, behind 4 + 15 + 5 octets.
    let pkcs1 = &whole[24..];
    assert_eq!(pkcs1[0], tlv::SEQUENCE);
    let trailing = [whole.as_slice(), &[0]].concat();
    for bad in [&[][..], b"-----BEGIN PUBLIC KEY-----", pkcs1, &trailing, &whole[..whole.len() - 1]] {
        let said = refusal(bad, DeviceKey::Rsa2048);
        assert!(said.starts_with("bad public key"), "{said}");
    }
}

#[test]
fn capf_49_a_key_that_was_not_asked_for_is_refused() {
    let (rsa, ec) = (rsa(), ec(&point()));
    assert_eq!(refusal(&ec, DeviceKey::Rsa2048), "key does not match request");
    assert_eq!(refusal(&rsa, DeviceKey::P256), "key does not match request");
    assert_eq!(refusal(&rsa, DeviceKey::Rsa3072), "key does not match request");
}

/// Who was asked for 2048 bits makes no 1024, and who was asked for 1024 makes neither 2048 nor 768.
#[cfg(feature = "legacy")]
#[test]
fn capf_49_a_key_of_1024_bits_is_taken_from_who_was_asked_for_it_alone() {
    let made = |bits| openssl::rsa::Rsa::generate(bits).unwrap().public_key_to_der().unwrap();
    assert!(fits(&made(1024), DeviceKey::Rsa1024).is_ok());
    assert_eq!(refusal(&made(1024), DeviceKey::Rsa2048), "bad public key: RSA key below 2048 bits");
    assert_eq!(refusal(&made(768), DeviceKey::Rsa1024), "bad public key: RSA key below 2048 bits");
    assert_eq!(refusal(&rsa(), DeviceKey::Rsa1024), "key does not match request");
}

#[test]
fn capf_50_points_off_the_curve_at_infinity_compressed_or_of_another_curve_are_refused() {
    let good = point();
    let mut off = good.clone();
    off[64] ^= 1;
    let compressed = [&[3], &good[1..33]].concat();
    let mut other_curve = ec(&good);
    // secp256r1 becomes prime192v2.
    other_curve[22] = 2;
    for bad in [ec(&off), ec(&[0]), ec(&compressed), other_curve] {
        assert_eq!(refusal(&bad, DeviceKey::P256), "invalid EC point");
    }
    assert_eq!(refusal(&ec(&good), DeviceKey::P384), "invalid EC point");
}
