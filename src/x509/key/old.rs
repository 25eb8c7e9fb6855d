//! Signatures of old devices (feature `legacy`): RSA, PKCS#1 v1.5, with MD5 or SHA-1. Public keys only.

use const_oid::db::rfc5912::{
    MD_5_WITH_RSA_ENCRYPTION as MD5_WITH_RSA_ENCRYPTION, SHA_1_WITH_RSA_ENCRYPTION,
};
use md5::Digest as _;
use rsa::RsaPublicKey;
use rsa::pkcs1v15::Pkcs1v15Sign;
use spki::DecodePublicKey;

use super::PublicKey;
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
