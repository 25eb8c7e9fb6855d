//! A certificate as a phone reads it, and the keys that sign lists and files.

use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RsaParameters, UnparsedPublicKey,
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

    /// Its issuer's signature.
    pub fn signature(&self) -> &[u8] {
        self.parsed.signature().raw_bytes()
    }

    /// Its SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> Outcome<Vec<u8>> {
        let spki = self.parsed.tbs_certificate().subject_public_key_info().to_der();
        spki.map_err(|e| Fault::new(format!("a key cannot be read: {e}")))
    }

    /// Its key as it would be if it were RSA.
    pub fn key(&self) -> RsaKey<'_> {
        RsaKey(self.parsed.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes())
    }
}

/// An RSAPublicKey, DER; it may be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RsaKey<'a>(pub &'a [u8]);

impl RsaKey<'_> {
    /// Its size; none for what is no RSA key.
    pub fn bits(self) -> Option<usize> {
        let key = RsaPublicKey::from_der(self.0).ok()?;
        let modulus = minimal(key.modulus.as_bytes());
        modulus.first().map(|first| modulus.len() * 8 - first.leading_zeros() as usize)
    }

    pub fn verify_sha1(self, signed: &[u8], signature: &[u8]) -> Outcome<()> {
        self.verify(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, signed, signature)
    }

    pub fn verify_sha512(self, signed: &[u8], signature: &[u8]) -> Outcome<()> {
        self.verify(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, signed, signature)
    }

    fn verify(self, by: &'static RsaParameters, signed: &[u8], signature: &[u8]) -> Outcome<()> {
        let key = UnparsedPublicKey::new(by, self.0);
        key.verify(signed, signature).map_err(|_| Fault::new("the signature is not the signer's"))
    }
}
