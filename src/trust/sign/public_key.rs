//! The public key of a certificate as records carry it.

use std::borrow::Cow;

use const_oid::db::rfc5912::RSA_ENCRYPTION;

use crate::error::{Error, Result};
use crate::x509::cert::Certificate;
use crate::x509::tlv::{self, Broken, Reader};

/// The octets of a public key: an RSAPublicKey (DER) or an EC point.
pub struct PublicKeyBits<'a> {
    is_rsa: bool,
    octets: &'a [u8],
}

impl<'a> PublicKeyBits<'a> {
    /// Of a SubjectPublicKeyInfo, with no more checks than reading it takes: it is trusted because somebody listed its
    /// certificate, and it may be older than our rules. Errors: `bad-certificate`.
    pub fn of(spki: &'a [u8]) -> Result<Self> {
        Self::read(spki)
            .map_err(|_| Error::malformed("bad-certificate", "the certificate's public key cannot be read"))
    }

    /// Those of a certificate as a record carries them: a point that is compressed in the certificate is not so there.
    /// Errors: `bad-certificate`; `bad-csr` if a compressed point is none of its curve.
    pub fn in_record(certificate: &'a Certificate) -> Result<Cow<'a, [u8]>> {
        let own = Self::of(certificate.spki())?;
        match own.octets.first() {
            Some(2 | 3) if !own.is_rsa => Ok(certificate.public_key()?.bits().to_vec().into()),
            _ => Ok(own.octets.into()),
        }
    }

    /// Of the public key of a record that has no certificate: an RSAPublicKey, else a point.
    pub fn of_record(octets: &'a [u8]) -> Self {
        Self { is_rsa: octets.first() == Some(&tlv::SEQUENCE), octets }
    }

    /// As they stand in a record.
    pub fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The size of an RSA key; none for another key.
    pub fn rsa_bits(&self) -> Option<usize> {
        if !self.is_rsa {
            return None;
        }
        let mut fields = Reader::new(tlv::single(self.octets, tlv::SEQUENCE).ok()?.content);
        let modulus = tlv::integer(fields.any().ok()?).ok()?;
        let modulus = super::super::tlv::serial::minimal(modulus);
        let first = modulus.first()?;
        Some(8 * modulus.len() - first.leading_zeros() as usize)
    }

    fn read(spki: &'a [u8]) -> Result<Self, Broken> {
        let mut fields = Reader::new(tlv::single(spki, tlv::SEQUENCE)?.content);
        let algorithm = tlv::oid(fields.enter(tlv::SEQUENCE)?.any()?)?;
        let octets = tlv::bit_string(fields.any()?)?;
        fields.finish()?;
        Ok(Self { is_rsa: algorithm == RSA_ENCRYPTION, octets })
    }
}
