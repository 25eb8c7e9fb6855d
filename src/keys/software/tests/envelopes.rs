//! Key transport, encrypted by the `rsa` crate, and what must not be told apart.

use std::convert::Infallible;

use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Oaep, Pkcs1v15Encrypt, RsaPublicKey};
use spki::DecodePublicKey;

use super::*;
use crate::keys::KeyTransport;

struct Rng(Random);

impl TryRng for Rng {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.0.bytes().unwrap()))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.0.bytes().unwrap()))
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out).unwrap();
        Ok(())
    }
}

impl TryCryptoRng for Rng {}

fn decrypter(algorithm: KeyAlgorithm) -> (TempDir, Arc<dyn Decrypter>, RsaPublicKey) {
    let (dir, vault) = vault();
    vault.generate(&id("ra"), algorithm).unwrap();
    let decrypter = vault.decrypter(&id("ra")).unwrap();
    let public = RsaPublicKey::from_public_key_der(decrypter.public_key().spki()).unwrap();
    (dir, decrypter, public)
}

fn encrypt(public: &RsaPublicKey, transport: KeyTransport, key: &[u8]) -> Vec<u8> {
    let mut rng = Rng(Random::system());
    match transport {
        KeyTransport::Pkcs1 => public.encrypt(&mut rng, Pkcs1v15Encrypt, key),
        KeyTransport::OaepSha1 => public.encrypt(&mut rng, Oaep::<sha1::Sha1>::new(), key),
        KeyTransport::OaepSha256 => public.encrypt(&mut rng, Oaep::<Sha256>::new(), key),
    }
    .unwrap()
}

/// RSA without padding, for messages that no honest sender makes (e = 65537).
fn encrypt_raw(public: &RsaPublicKey, message: &[u8]) -> Vec<u8> {
    let m = BoxedUint::from_be_slice(message, public.n().bits_precision()).unwrap();
    let power = (0..16).fold(m.clone(), |x, _| x.mul_mod(&x, public.n()));
    power.mul_mod(&m, public.n()).to_be_bytes().to_vec()
}

#[test]
fn what_was_encrypted_to_the_key_opens() {
    for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa3072] {
        let (_dir, decrypter, public) = decrypter(algorithm);
        for transport in [KeyTransport::Pkcs1, KeyTransport::OaepSha1, KeyTransport::OaepSha256] {
            for len in [8, 16, 24, 32, 64] {
                let key: Vec<u8> = (0..len).map(|n| n as u8 ^ 0x5a).collect();
                let ciphertext = encrypt(&public, transport, &key);
                assert_eq!(*decrypter.open_key(transport, &ciphertext, len), key, "{transport:?} {len}");
            }
        }
    }
}

/// A well-formed PKCS#1 v1.5 message: 00 02 PS 00 key.
fn padded(key: &[u8]) -> Vec<u8> {
    let mut message = vec![0xa5; 256];
    message[..2].copy_from_slice(&[0, 2]);
    let start = 256 - key.len();
    message[start - 1] = 0;
    message[start..].copy_from_slice(key);
    message
}

#[test]
fn scep_52_every_bad_envelope_yields_only_a_random_key_of_the_right_length() {
    let (_dir, decrypter, public) = decrypter(KeyAlgorithm::Rsa2048);
    let key = [0x33; 16];
    let good = padded(&key);
    let opened = decrypter.open_key(KeyTransport::Pkcs1, &encrypt_raw(&public, &good), 16);
    assert_eq!(*opened, key, "the set is built on a message that opens");

    let change = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut message = good.clone();
        change(&mut message);
        encrypt_raw(&public, &message)
    };
    let bad = [
        change(&|m| m[0] = 1),
        change(&|m| m[1] = 1),
        change(&|m| m[1] = 3),
        change(&|m| m[1] = 0),
        change(&|m| m[256 - 17] = 0xa5),
        change(&|m| m[2] = 0),
        change(&|m| m[9] = 0),
        change(&|m| m[2..].fill(0xa5)),
        change(&|m| m.fill(0)),
        encrypt_raw(&public, &padded(&[])),
        encrypt_raw(&public, &padded(&[0x33; 15])),
        encrypt_raw(&public, &padded(&[0x33; 17])),
        encrypt_raw(&public, &padded(&[0x33; 245])),
        encrypt(&public, KeyTransport::OaepSha256, &key),
        vec![],
        vec![0xff; 256],
        vec![1; 255],
        vec![1; 257],
    ];
    let mut seen = std::collections::HashSet::new();
    for (n, ciphertext) in bad.iter().enumerate() {
        let opened = decrypter.open_key(KeyTransport::Pkcs1, ciphertext, 16);
        assert_eq!(opened.len(), 16, "case {n}");
        assert_ne!(*opened, key, "case {n}");
        assert!(opened.iter().any(|b| *b != opened[0]), "case {n} is no pattern");
        assert!(seen.insert(opened.to_vec()), "case {n} repeats another's key");
        // A probe that is sent twice learns nothing from a difference.
        assert_eq!(*decrypter.open_key(KeyTransport::Pkcs1, ciphertext, 16), *opened, "case {n}");
    }
}

#[test]
fn scep_57_an_oaep_failure_is_alike() {
    let (_dir, decrypter, public) = decrypter(KeyAlgorithm::Rsa2048);
    let key = [0x44; 32];
    for (sent, read) in [
        (KeyTransport::OaepSha1, KeyTransport::OaepSha256),
        (KeyTransport::OaepSha256, KeyTransport::OaepSha1),
        (KeyTransport::Pkcs1, KeyTransport::OaepSha256),
    ] {
        let opened = decrypter.open_key(read, &encrypt(&public, sent, &key), 32);
        assert_eq!(opened.len(), 32);
        assert_ne!(*opened, key);
    }
    let short =
        decrypter.open_key(KeyTransport::OaepSha256, &encrypt(&public, KeyTransport::OaepSha256, &key), 16);
    assert_eq!(short.len(), 16);
    assert_ne!(*short, key[..16]);
}

#[test]
fn the_stand_in_of_a_bad_envelope_is_another_after_a_restart() {
    let (dir, decrypter, _) = decrypter(KeyAlgorithm::Rsa2048);
    let again = open(dir.path(), PASSWORD).unwrap().decrypter(&id("ra")).unwrap();
    let bad = vec![1; 256];
    assert_ne!(
        *decrypter.open_key(KeyTransport::Pkcs1, &bad, 32),
        *again.open_key(KeyTransport::Pkcs1, &bad, 32)
    );
}

#[test]
fn a_content_key_is_bounded_and_an_ec_key_opens_nothing() {
    let (_dir, vault) = vault();
    vault.generate(&id("rsa"), KeyAlgorithm::Rsa2048).unwrap();
    vault.generate(&id("ec"), KeyAlgorithm::P256).unwrap();
    let decrypter = vault.decrypter(&id("rsa")).unwrap();
    assert_eq!(decrypter.open_key(KeyTransport::Pkcs1, &[1; 256], usize::MAX).len(), 64);
    assert_eq!(decrypter.open_key(KeyTransport::Pkcs1, &[1; 256], 0).len(), 0);
    assert_eq!(vault.decrypter(&id("ec")).unwrap_err().code(), "key-not-rsa");
}
