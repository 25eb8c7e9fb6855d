//! The signatures of a proof: by RSA with PKCS#1 type 1 padding around a bare hash (no DigestInfo), or by ECDSA.
//!
//! aws-lc does neither, so the public-key operations of `rsa`, `p256`, `p384` and `p521` are used. The padding is made
//! anew for the expected hash and compared whole: who looks for the hash at an end of the block believes signatures
//! that nobody made, if the exponent is small (CVE-2006-4339).

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::{RsaPublicKey, traits::PublicKeyParts as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha512};
use spki::DecodePublicKey as _;

use super::Unproven;
use crate::x509::key::{KeyKind, PublicKey};

/// The digest type of element 20 that is asked for.
const TYPE_SHA512: u8 = 3;

/// A digest of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    /// SHA-1: element 6, and part 1 of the SUDI data.
    Sha1,
    /// SHA-512: element 20, and part 3 of the SUDI data.
    Sha512,
}

impl Digest {
    fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// The signature in element 20: `digest type:u8 length:u16 signature`, with SHA-512.
pub(super) fn sha512_signature(element: Option<&[u8]>) -> Result<&[u8], Unproven> {
    match element.ok_or(Unproven::Sha512Missing)? {
        [kind, high, low, signature @ ..] => {
            if signature.len() != usize::from(u16::from_be_bytes([*high, *low])) {
                return Err(Unproven::Sha512Malformed);
            }
            if *kind == TYPE_SHA512 { Ok(signature) } else { Err(Unproven::OtherDigest) }
        }
        [] | [_] | [_, _] => Err(Unproven::Sha512Malformed),
    }
}

/// Holds a signature over `message` against a key. Errors: `Sha1Signature`, `Sha512Signature`.
pub(super) fn check(
    key: &PublicKey,
    digest: Digest,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Unproven> {
    let hash = digest.of(message);
    let holds = match key.kind() {
        KeyKind::Rsa(_) => {
            RsaPublicKey::from_public_key_der(key.spki()).is_ok_and(|key| rsa_holds(&key, &hash, signature))
        }
        KeyKind::P256 => {
            let parts = (
                p256::ecdsa::VerifyingKey::from_public_key_der(key.spki()),
                p256::ecdsa::Signature::from_der(signature),
            );
            matches!(parts, (Ok(key), Ok(signature)) if key.verify_prehash(&hash, &signature).is_ok())
        }
        KeyKind::P384 => {
            let parts = (
                p384::ecdsa::VerifyingKey::from_public_key_der(key.spki()),
                p384::ecdsa::Signature::from_der(signature),
            );
            matches!(parts, (Ok(key), Ok(signature)) if key.verify_prehash(&hash, &signature).is_ok())
        }
        KeyKind::P521 => {
            let parts = (
                p521::ecdsa::VerifyingKey::from_public_key_der(key.spki()),
                p521::ecdsa::Signature::from_der(signature),
            );
            matches!(parts, (Ok(key), Ok(signature)) if key.verify_prehash(&hash, &signature).is_ok())
        }
    };
    match (holds, digest) {
        (true, _) => Ok(()),
        (false, Digest::Sha1) => Err(Unproven::Sha1Signature),
        (false, Digest::Sha512) => Err(Unproven::Sha512Signature),
    }
}

/// Whether the public operation yields `00 01 FF … FF 00 hash`, octet for octet, with as many `FF` as fill the modulus.
fn rsa_holds(key: &RsaPublicKey, hash: &[u8], signature: &[u8]) -> bool {
    signature.len() == key.size() && key.verify(Pkcs1v15Sign::new_unprefixed(), hash, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use crypto_bigint::{BoxedUint, U2048};

    use super::*;

    /// A modulus of 2048 bits whose factors nobody here knows, with exponent 3.
    fn exponent_three() -> RsaPublicKey {
        let modulus = BoxedUint::from_be_slice_vartime(&[&[0xd1; 128][..], &[0xc3; 127], &[0x65]].concat());
        RsaPublicKey::new(modulus, BoxedUint::from(3u8)).unwrap()
    }

    fn cubed(s: &U2048) -> U2048 {
        s.wrapping_mul(s).wrapping_mul(s)
    }

    /// `s` whose cube ends in the hash, which must be odd: bit by bit, as adding 2^i to an odd number changes bit i of
    /// its cube and none below.
    fn ending_in(hash: &[u8]) -> U2048 {
        let wanted = U2048::from_be_slice(&[&vec![0; 256 - hash.len()][..], hash].concat());
        let (mut s, bits) = (U2048::ONE, hash.len() * 8);
        for bit in 1..bits as u32 {
            if cubed(&s).bit_vartime(bit) != wanted.bit_vartime(bit) {
                s = s.wrapping_add(&U2048::ONE.shl_vartime(bit));
            }
        }
        s
    }

    /// `s` whose cube begins as a padded hash, with garbage behind it.
    fn beginning_with(hash: &[u8]) -> U2048 {
        let start = [&[0, 1][..], &[0xff; 8], &[0], hash].concat();
        let garbage = vec![0xff; 256 - start.len()];
        let most = U2048::from_be_slice(&[&start[..], &garbage].concat());
        let mut s = U2048::ZERO;
        for bit in (0..680u32).rev() {
            let next = s.wrapping_add(&U2048::ONE.shl_vartime(bit));
            if cubed(&next) <= most {
                s = next;
            }
        }
        s
    }

    #[test]
    fn capf_42_garbage_around_the_hash_is_no_signature_by_a_key_of_exponent_three() {
        let key = exponent_three();
        // A message whose hash is odd, as a forger would look for one.
        let hash = (0u8..).map(|n| Digest::Sha1.of(&[n])).find(|hash| hash[19] % 2 == 1).unwrap();
        let tail = ending_in(&hash);
        assert_eq!(cubed(&tail).to_be_bytes()[236..], hash[..], "who compares the tail alone believes it");
        assert!(!rsa_holds(&key, &hash, &tail.to_be_bytes()));
        let head = beginning_with(&hash);
        let block = cubed(&head).to_be_bytes();
        assert_eq!(block[..11], [&[0, 1][..], &[0xff; 8], &[0]].concat()[..]);
        assert_eq!(block[11..31], hash[..], "who reads from the start believes it");
        assert!(!rsa_holds(&key, &hash, &head.to_be_bytes()));
    }

    #[test]
    fn a_key_of_exponent_three_is_not_even_read() {
        use spki::EncodePublicKey as _;
        let spki = exponent_three().to_public_key_der().unwrap();
        assert_eq!(PublicKey::from_spki(spki.as_bytes()).unwrap_err().detail(), "RSA exponent not allowed");
    }

    #[test]
    fn capf_43_element_20_names_sha_512_and_its_length() {
        assert_eq!(sha512_signature(Some(&[3, 0, 2, 7, 8])), Ok(&[7, 8][..]));
        assert_eq!(sha512_signature(None), Err(Unproven::Sha512Missing));
        for other in [0, 1, 2, 4] {
            assert_eq!(sha512_signature(Some(&[other, 0, 1, 7])), Err(Unproven::OtherDigest));
        }
        for malformed in
            [&[][..], &[3], &[3, 0], &[3, 0, 1], &[3, 0, 3, 7, 8], &[3, 0, 1, 7, 8], &[3, 1, 0, 7]]
        {
            assert_eq!(sha512_signature(Some(malformed)), Err(Unproven::Sha512Malformed));
        }
    }
}
