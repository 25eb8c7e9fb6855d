//! What old devices have (feature `legacy`): RSA signatures, PKCS#1 v1.5, with MD5 or SHA-1, and RSA keys of 1024 bits.
//! Public keys only.

use const_oid::db::rfc5912::{
    MD_5_WITH_RSA_ENCRYPTION as MD5_WITH_RSA_ENCRYPTION, SHA_1_WITH_RSA_ENCRYPTION,
};
use md5::Digest as _;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::PaddingScheme as _;
use rsa::{Pkcs1v15Encrypt, RsaPublicKey};
use spki::DecodePublicKey;

use super::PublicKey;
use crate::error::{Error, Result};
use crate::random::Random;
use crate::x509::tlv::{self, Reader};

/// A digest that only old devices still sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldDigest {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
}

impl OldDigest {
    /// The digest of an RSA signature's AlgorithmIdentifier (DER), if it is one of these.
    pub fn of_signature(algorithm: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(tlv::single(algorithm, tlv::SEQUENCE).ok()?.content);
        match tlv::oid(fields.any().ok()?).ok()? {
            MD5_WITH_RSA_ENCRYPTION => Some(Self::Md5),
            SHA_1_WITH_RSA_ENCRYPTION => Some(Self::Sha1),
            _ => None,
        }
    }

    /// The DigestInfo of `message` (RFC 8017 §9.2, note 1).
    fn digest_info(self, message: &[u8]) -> Vec<u8> {
        let (prefix, hash): (&[u8], Vec<u8>) = match self {
            Self::Md5 => (&MD5_PREFIX, md5::Md5::digest(message).to_vec()),
            Self::Sha1 => (&SHA1_PREFIX, sha1::Sha1::digest(message).to_vec()),
        };
        [prefix, &hash].concat()
    }
}

const MD5_PREFIX: [u8; 18] = *b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10";
const SHA1_PREFIX: [u8; 15] = *b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";

/// Whether `signature` over `message` holds under an RSA key. Not for EC keys.
pub fn verify(key: &PublicKey, digest: OldDigest, message: &[u8], signature: &[u8]) -> bool {
    RsaPublicKey::from_public_key_der(key.spki()).is_ok_and(|key| {
        key.verify(Pkcs1v15Sign::new_unprefixed(), &digest.digest_info(message), signature).is_ok()
    })
}

/// The size of the RSA keys of old devices, in bits.
const OLD_BITS: u32 = 1024;

/// As [`PublicKey::from_spki`], but an RSA key may have 1024 bits too; everything else is held against it alike.
/// Errors: `bad-csr` with the catalogue's text.
pub fn read(spki: &[u8]) -> Result<PublicKey> {
    super::spki::check(spki, Some(OLD_BITS)).map(PublicKey::checked)
}

/// A content key, encrypted to an RSA key of 1024 bits (RFC 8017 §7.2), which aws-lc does not do.
/// Errors: `internal`.
pub fn wrap(key: &PublicKey, content_key: &[u8], random: &Random) -> Result<Vec<u8>> {
    let failed = || Error::internal("RSA encryption failed");
    let key = RsaPublicKey::from_public_key_der(key.spki()).map_err(|_| failed())?;
    Pkcs1v15Encrypt.encrypt(&mut Source(random), &key, content_key).map_err(|_| failed())
}

/// Our randomness as the `rsa` crate asks for it.
struct Source<'a>(&'a Random);

impl TryRng for Source<'_> {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32> {
        self.0.bytes().map(u32::from_le_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64> {
        self.0.bytes().map(u64::from_le_bytes)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<()> {
        self.0.fill(out)
    }
}

impl TryCryptoRng for Source<'_> {}

#[cfg(test)]
mod tests {
    use openssl::bn::BigNum;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::rsa::{Padding, Rsa};
    use openssl::sign::Signer;

    use super::*;
    use crate::x509::key::{Digest, KeyKind, signature_algorithm};

    fn spki(bits: u32, exponent: u32) -> Vec<u8> {
        let exponent = BigNum::from_u32(exponent).unwrap();
        Rsa::generate_with_e(bits, &exponent).unwrap().public_key_to_der().unwrap()
    }

    #[test]
    fn of_the_small_keys_only_1024_bits_are_read_and_only_here() {
        let key = read(&spki(1024, 65_537)).unwrap();
        assert_eq!((key.kind(), key.algorithm()), (KeyKind::Rsa(1024), None));
        let refused = PublicKey::from_spki(key.spki()).unwrap_err();
        assert_eq!(refused.detail(), "RSA key below 2048 bits");
        for bits in [768, 1016, 1032, 1536] {
            assert_eq!(read(&spki(bits, 65_537)).unwrap_err().detail(), "RSA key below 2048 bits");
        }
        assert_eq!(read(&spki(2048, 65_537)).unwrap().kind(), KeyKind::Rsa(2048));
    }

    #[test]
    fn an_old_key_passes_every_other_check() {
        assert_eq!(read(&spki(1024, 3)).unwrap_err().detail(), "RSA exponent not allowed");
        let mut even = spki(1024, 65_537);
        // The modulus ends before the exponent: INTEGER, 3 octets.
        let last = even.len() - 6;
        even[last] &= 0xfe;
        assert_eq!(read(&even).unwrap_err().detail(), "invalid RSA modulus");
    }

    /// OpenSSL signs and decrypts.
    #[test]
    fn signatures_of_an_old_key_hold_and_what_is_wrapped_for_it_opens() {
        let private = Rsa::generate(1024).unwrap();
        let key = read(&private.public_key_to_der().unwrap()).unwrap();
        let pair = PKey::from_rsa(private.clone()).unwrap();
        for (digest, by, known) in [
            (Digest::Sha256, MessageDigest::sha256(), true),
            (Digest::Sha384, MessageDigest::sha384(), false),
            (Digest::Sha512, MessageDigest::sha512(), true),
        ] {
            let signature = Signer::new(by, &pair).unwrap().sign_oneshot_to_vec(b"message").unwrap();
            let named = signature_algorithm(key.kind(), digest);
            assert_eq!(key.verify(&named, b"message", &signature).is_ok(), known);
            assert!(key.verify(&named, b"another", &signature).is_err());
        }
        let wrapped = wrap(&key, &[7; 32], &Random::system()).unwrap();
        let mut opened = vec![0; 128];
        let length = private.private_decrypt(&wrapped, &mut opened, Padding::PKCS1).unwrap();
        assert_eq!(opened[..length], [7; 32]);
    }
}
