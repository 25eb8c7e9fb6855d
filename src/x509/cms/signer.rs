//! SignerInfo (RFC 5652 §5.3): who signed, and whether the signature holds.

use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
    UnparsedPublicKey,
};
use const_oid::ObjectIdentifier;

use super::algorithm::{DigestAlgorithm, algorithm_identifier};
use super::{Attributes, not_allowed, oid, unreadable};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;
use crate::x509::key::{self, Digest, KeyKind, PublicKey};
use crate::x509::tlv::{self, Broken, Reader, Tlv};
use crate::x509::validity;

/// How a message names a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateId<'a> {
    /// IssuerAndSerialNumber.
    IssuerAndSerial {
        /// The issuer's name, DER.
        issuer: &'a [u8],
        /// The content octets of the serial number, as received.
        serial: &'a [u8],
    },
    /// SubjectKeyIdentifier.
    KeyId(&'a [u8]),
}

impl<'a> CertificateId<'a> {
    pub(super) fn read(element: Tlv<'a>) -> Result<Self, Broken> {
        match element.tag {
            0x80 => Ok(Self::KeyId(element.content)),
            tlv::SEQUENCE => {
                let mut fields = Reader::new(element.content);
                let issuer = fields.expect(tlv::SEQUENCE)?.whole;
                let serial = fields.expect(tlv::INTEGER)?.content;
                fields.finish()?;
                Ok(Self::IssuerAndSerial { issuer, serial })
            }
            _ => Err(Broken),
        }
    }

    /// An IssuerAndSerialNumber that stands alone (GetCert, GetCRL). Errors: `bad-cms`.
    pub fn issuer_and_serial(der: &'a [u8]) -> Result<Self> {
        let element = tlv::single(der, tlv::SEQUENCE);
        element.and_then(Self::read).map_err(unreadable("IssuerAndSerialNumber"))
    }

    /// Whether it names this certificate.
    pub fn matches(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                certificate.issuer().der() == *issuer && certificate.serial().content() == *serial
            }
            Self::KeyId(id) => certificate.subject_key_id().is_some_and(|own| own == *id),
        }
    }
}

/// One signature with its attributes.
#[derive(Clone, Debug)]
pub struct SignerInfo<'a> {
    /// Whose certificate.
    pub id: CertificateId<'a>,
    /// The digest's identifier, known or not.
    pub digest: ObjectIdentifier,
    /// What was signed beside the content; none if absent.
    pub signed_attributes: Option<Attributes<'a>>,
    /// What was not signed: says nothing.
    pub unsigned_attributes: Option<Attributes<'a>>,
    signature_algorithm: Tlv<'a>,
    signature: &'a [u8],
}

impl<'a> SignerInfo<'a> {
    pub(super) fn read(element: Tlv<'a>) -> Result<Self> {
        let broken = unreadable("SignerInfo");
        let mut fields = Reader::new(element.content);
        fields.expect(tlv::INTEGER).map_err(&broken)?;
        let id = fields.any().and_then(CertificateId::read).map_err(&broken)?;
        let digest = fields.any().and_then(algorithm_identifier).map_err(&broken)?.0;
        let signed = fields.optional(0xa0).map_err(&broken)?;
        let signature_algorithm = fields.any().map_err(&broken)?;
        let signature = fields.expect(tlv::OCTET_STRING).map_err(&broken)?.content;
        let unsigned = fields.optional(0xa1).map_err(&broken)?;
        fields.finish().map_err(&broken)?;
        let attributes = |field: Option<Tlv<'a>>| field.map(|f| Attributes::read(f.content)).transpose();
        Ok(Self {
            id,
            digest,
            signed_attributes: attributes(signed)?,
            unsigned_attributes: attributes(unsigned)?,
            signature_algorithm,
            signature,
        })
    }

    /// The signer's certificate out of `certificates`.
    /// Errors: `cms-signature` if none fits, or several different ones (SCEP-44).
    pub fn certificate<'c>(&self, certificates: &'c [Certificate]) -> Result<&'c Certificate> {
        let mut found = certificates.iter().filter(|c| self.id.matches(c));
        let Some(first) = found.next() else {
            return Err(bad_signature("the signer's certificate is not in the message"));
        };
        if found.any(|other| other != first) {
            return Err(bad_signature("ambiguous signer"));
        }
        Ok(first)
    }

    /// When it was signed, as the signer says; none if it does not. Errors: `bad-cms`, `cms-attribute`.
    pub fn signing_time(&self) -> Result<Option<Timestamp>> {
        let Some(attributes) = &self.signed_attributes else { return Ok(None) };
        let value = attributes.single(oid::SIGNING_TIME)?;
        value.map(validity::decode).transpose().map_err(unreadable("signingTime"))
    }

    /// Holds the signature, over the signed attributes as received, and the digest of `content` in them.
    /// Errors: `cms-signature`, `cms-algorithm`.
    pub fn verify(
        &self,
        key: &PublicKey,
        digest: DigestAlgorithm,
        content_type: ObjectIdentifier,
        content: &[u8],
    ) -> Result<()> {
        let Some(attributes) = &self.signed_attributes else {
            return Err(bad_signature("signedAttrs missing"));
        };
        let expected = tlv::tlv(tlv::OCTET_STRING, &digest.hash(content));
        if attributes.single(oid::MESSAGE_DIGEST)?.is_none_or(|value| value.whole != expected) {
            return Err(bad_signature("messageDigest does not fit the content"));
        }
        let expected = tlv::object_identifier(&content_type);
        if attributes.single(oid::CONTENT_TYPE)?.is_none_or(|value| value.whole != expected) {
            return Err(bad_signature("contentType does not fit the content"));
        }
        self.verify_bytes(key, digest, &attributes.signed_bytes())
    }

    /// RSA by PKCS#1 v1.5 or PSS (RFC 4056), or ECDSA.
    fn verify_bytes(&self, key: &PublicKey, digest: DigestAlgorithm, message: &[u8]) -> Result<()> {
        let unfit = || not_allowed("the signature algorithm does not fit the key and the digest");
        let (oid, _) = algorithm_identifier(self.signature_algorithm).map_err(|_| unfit())?;
        if oid == oid::RSASSA_PSS {
            let stated = key::pss_digest(self.signature_algorithm.whole).ok_or_else(unfit)?;
            if digest.signing() != Some(stated) {
                return Err(unfit());
            }
            let verified = key.verify(self.signature_algorithm.whole, message, self.signature);
            return verified.map_err(|_| bad_signature("signature invalid"));
        }
        if !digest.fits_signature(oid, key.kind()) {
            return Err(unfit());
        }
        verify_bytes(key, digest, message, self.signature)
    }
}

fn verify_bytes(key: &PublicKey, digest: DigestAlgorithm, message: &[u8], signature: &[u8]) -> Result<()> {
    let modern =
        |digest| key.verify(&key::signature_algorithm(key.kind(), digest), message, signature).is_ok();
    let valid = match digest {
        DigestAlgorithm::Sha256 => modern(Digest::Sha256),
        DigestAlgorithm::Sha384 => modern(Digest::Sha384),
        DigestAlgorithm::Sha512 => modern(Digest::Sha512),
        // Proofs of old devices, where a profile lists the digest; `fits_signature` lets only RSA keys come here.
        DigestAlgorithm::Sha1 => {
            let primitive = match key.kind() {
                KeyKind::Rsa(1024) => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
                KeyKind::Rsa(_) | KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => {
                    &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY
                }
            };
            UnparsedPublicKey::new(primitive, key.spki()).verify(message, signature).is_ok()
        }
        #[cfg(feature = "legacy")]
        DigestAlgorithm::Md5 => key::old::verify(key, key::old::OldDigest::Md5, message, signature),
        #[cfg(not(feature = "legacy"))]
        DigestAlgorithm::Md5 => false,
    };
    if valid { Ok(()) } else { Err(bad_signature("signature invalid")) }
}

fn bad_signature(detail: &str) -> Error {
    Error::invalid("cms-signature", detail)
}
