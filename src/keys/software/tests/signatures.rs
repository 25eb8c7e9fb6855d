//! Signatures by every algorithm, judged by the RustCrypto crates and by openssl.

use std::process::Command;

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::pkcs1v15::Pkcs1v15Sign;
use sha2::{Sha384, Sha512};
use spki::DecodePublicKey;

use super::*;
use crate::x509::key::Digest;

const MESSAGE: &[u8] = b"to be signed";

fn hash(digest: Digest) -> Vec<u8> {
    match digest {
        Digest::Sha256 => Sha256::digest(MESSAGE).to_vec(),
        Digest::Sha384 => Sha384::digest(MESSAGE).to_vec(),
        Digest::Sha512 => Sha512::digest(MESSAGE).to_vec(),
    }
}

/// Whether the RustCrypto crate of the key's type finds the signature good.
fn verifies(algorithm: KeyAlgorithm, spki: &[u8], digest: Digest, signature: &[u8]) -> bool {
    let hash = hash(digest);
    match algorithm {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
            let scheme = match digest {
                Digest::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                Digest::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                Digest::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
            };
            rsa::RsaPublicKey::from_public_key_der(spki).unwrap().verify(scheme, &hash, signature).is_ok()
        }
        KeyAlgorithm::P256 => {
            let key = p256::ecdsa::VerifyingKey::from_public_key_der(spki).unwrap();
            key.verify_prehash(&hash, &p256::ecdsa::Signature::from_der(signature).unwrap()).is_ok()
        }
        KeyAlgorithm::P384 => {
            let key = p384::ecdsa::VerifyingKey::from_public_key_der(spki).unwrap();
            key.verify_prehash(&hash, &p384::ecdsa::Signature::from_der(signature).unwrap()).is_ok()
        }
        KeyAlgorithm::P521 => {
            let key = p521::ecdsa::VerifyingKey::from_public_key_der(spki).unwrap();
            key.verify_prehash(&hash, &p521::ecdsa::Signature::from_der(signature).unwrap()).is_ok()
        }
    }
}

/// Whether `openssl dgst -verify` finds the signature good.
fn openssl_verifies(dir: &Path, spki: &[u8], digest: Digest, signature: &[u8]) -> bool {
    let (key, sig, text) = (dir.join("key.der"), dir.join("sig"), dir.join("text"));
    fs::write(&key, spki).unwrap();
    fs::write(&sig, signature).unwrap();
    fs::write(&text, MESSAGE).unwrap();
    let name = match digest {
        Digest::Sha256 => "-sha256",
        Digest::Sha384 => "-sha384",
        Digest::Sha512 => "-sha512",
    };
    let mut judge = Command::new("openssl");
    judge.args(["dgst", name, "-keyform", "DER", "-verify"]).arg(key).arg("-signature").arg(sig).arg(text);
    judge.output().unwrap().status.success()
}

/// The digests that a key signs with, its default first.
fn digests(algorithm: KeyAlgorithm) -> &'static [Digest] {
    match algorithm {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
            &[Digest::Sha256, Digest::Sha384, Digest::Sha512]
        }
        KeyAlgorithm::P256 => &[Digest::Sha256],
        KeyAlgorithm::P384 => &[Digest::Sha384],
        KeyAlgorithm::P521 => &[Digest::Sha512, Digest::Sha384, Digest::Sha256],
    }
}

#[test]
fn every_algorithm_signs_as_others_verify() {
    let (dir, vault) = vault();
    for algorithm in KeyAlgorithm::ALL {
        let key = id(algorithm.as_str());
        vault.generate(&key, algorithm).unwrap();
        // Read back, so that what is judged is what was stored.
        let vault = open(dir.path(), PASSWORD).unwrap();
        let signer = vault.signer(&key).unwrap();
        let spki = signer.public_key().spki();
        assert_eq!(signer.public_key().algorithm(), Some(algorithm));
        assert_eq!(signer.default_digest(), digests(algorithm)[0]);
        for digest in [Digest::Sha256, Digest::Sha384, Digest::Sha512] {
            let signed = signer.sign(digest, MESSAGE);
            if !digests(algorithm).contains(&digest) {
                assert_eq!(signed.unwrap_err().code(), "digest-not-supported");
                continue;
            }
            let mut signature = signed.unwrap();
            assert!(verifies(algorithm, spki, digest, &signature), "{algorithm} {digest:?}");
            assert!(openssl_verifies(dir.path(), spki, digest, &signature), "{algorithm} {digest:?}");
            *signature.last_mut().unwrap() ^= 1;
            assert!(!verifies(algorithm, spki, digest, &signature));
            assert!(!openssl_verifies(dir.path(), spki, digest, &signature));
        }
    }
}
