//! A certificate as a phone reads it.

use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    UnparsedPublicKey,
};
use der::asn1::UintRef;
use der::{Decode, Encode, Sequence};

use super::header::minimal;
use super::{Fault, Outcome};

/// RFC 8017 A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// A certificate.
#[derive(Clone, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    parsed: x509_cert::Certificate,
}

impl Certificate {
    /// Reads DER.
    pub fn read(der: &[u8]) -> Outcome<Self> {
        let parsed = x509_cert::Certificate::from_der(der)
            .map_err(|e| Fault::new(format!("a certificate cannot be read: {e}")))?;
        Ok(Self { der: der.to_vec(), parsed })
    }

    /// Its DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its serial number, minimal.
    pub fn serial(&self) -> &[u8] {
        minimal(self.parsed.tbs_certificate().serial_number().as_bytes())
    }

    /// Its SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> Outcome<Vec<u8>> {
        let spki = self.parsed.tbs_certificate().subject_public_key_info().to_der();
        spki.map_err(|e| Fault::new(format!("a key cannot be read: {e}")))
    }

    /// The size of its RSA key; none for another key.
    pub fn rsa_bits(&self) -> Option<usize> {
        let key = self.parsed.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
        let key = RsaPublicKey::from_der(key).ok()?;
        let modulus = minimal(key.modulus.as_bytes());
        modulus.first().map(|first| modulus.len() * 8 - first.leading_zeros() as usize)
    }

    /// Its subject, for people.
    pub fn subject(&self) -> String {
        self.parsed.tbs_certificate().subject().to_string()
    }

    /// Whether it is in date, in seconds since 1970.
    pub fn is_valid_at(&self, now: i64) -> bool {
        let validity = self.parsed.tbs_certificate().validity();
        let secs = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
        u64::try_from(now)
            .is_ok_and(|now| secs(validity.not_before) <= now && now <= secs(validity.not_after))
    }

    pub fn verify_rsa_sha1(&self, signed: &[u8], signature: &[u8]) -> Outcome<()> {
        self.verify_rsa(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, signed, signature)
    }

    pub fn verify_rsa_sha512(&self, signed: &[u8], signature: &[u8]) -> Outcome<()> {
        self.verify_rsa(&RSA_PKCS1_2048_8192_SHA512, signed, signature)
    }

    fn verify_rsa(&self, by: &'static RsaParameters, signed: &[u8], signature: &[u8]) -> Outcome<()> {
        let key = self.parsed.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
        let key = UnparsedPublicKey::new(by, key);
        key.verify(signed, signature).map_err(|_| Fault::new("the signature is not the signer's"))
    }
}
