//! What we write, as strict DER: signed messages with attributes, and envelopes for RSA recipients.

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use const_oid::ObjectIdentifier;
use zeroize::Zeroizing;

use super::algorithm::{ContentCipher, DigestAlgorithm};
use super::{enveloped, oid};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::random::Random;
use crate::x509::cert::Certificate;
use crate::x509::key::{self, KeyKind};
use crate::x509::{tlv, validity};

/// A signed message before its signature.
pub struct Signing<'a> {
    signer: &'a Certificate,
    digest: DigestAlgorithm,
    content: Option<&'a [u8]>,
    attributes: Vec<Vec<u8>>,
}

impl<'a> Signing<'a> {
    /// A message of type data that the key of `signer` is to sign; without `content` there is no eContent.
    /// contentType, messageDigest and signingTime are put in. Errors: `internal`.
    pub fn new(
        signer: &'a Certificate,
        digest: DigestAlgorithm,
        content: Option<&'a [u8]>,
        at: Timestamp,
    ) -> Result<Self> {
        let mut signing = Self { signer, digest, content, attributes: Vec::new() };
        signing.attribute(oid::CONTENT_TYPE, &tlv::object_identifier(&oid::DATA));
        let hash = digest.hash(content.unwrap_or_default());
        signing.attribute(oid::MESSAGE_DIGEST, &tlv::tlv(tlv::OCTET_STRING, &hash));
        let mut time = Vec::new();
        validity::push(&mut time, at)?;
        signing.attribute(oid::SIGNING_TIME, &time);
        Ok(signing)
    }

    /// One more attribute with this value (DER).
    pub fn attribute(&mut self, oid: ObjectIdentifier, value: &[u8]) {
        let set = tlv::tlv(tlv::SET, value);
        self.attributes.push(tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&oid), &set]));
        self.attributes.sort();
    }

    /// The bytes to be signed: the attributes as a DER SET.
    pub fn to_be_signed(&self) -> Vec<u8> {
        self.attributes_as(tlv::SET)
    }

    /// The ContentInfo with the signature and the signer's certificate.
    /// Errors: `internal` for a digest that we never write, or a signer whose key cannot be read.
    pub fn finish(&self, signature: &[u8]) -> Result<Vec<u8>> {
        let digest = tlv::tlv(tlv::SEQUENCE, &tlv::object_identifier(&self.digest.oid()));
        let signer_info = tlv::join(
            tlv::SEQUENCE,
            &[
                &tlv::unsigned(1),
                &issuer_and_serial(self.signer),
                &digest,
                &self.attributes_as(0xa0),
                &self.signature_algorithm()?,
                &tlv::tlv(tlv::OCTET_STRING, signature),
            ],
        );
        let content =
            self.content.map(|c| tlv::tlv(0xa0, &tlv::tlv(tlv::OCTET_STRING, c))).unwrap_or_default();
        let signed_data = tlv::join(
            tlv::SEQUENCE,
            &[
                &tlv::unsigned(1),
                &tlv::tlv(tlv::SET, &digest),
                &tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&oid::DATA), &content]),
                &tlv::tlv(0xa0, self.signer.der()),
                &tlv::tlv(tlv::SET, &signer_info),
            ],
        );
        Ok(content_info(oid::SIGNED_DATA, &signed_data))
    }

    fn attributes_as(&self, tag: u8) -> Vec<u8> {
        let parts: Vec<&[u8]> = self.attributes.iter().map(Vec::as_slice).collect();
        tlv::join(tag, &parts)
    }

    /// The bare rsaEncryption for RSA, as SCEP clients know it; the combined algorithm for ECDSA.
    fn signature_algorithm(&self) -> Result<Vec<u8>> {
        let kind = self.signer.public_key()?.kind();
        let digest = self.digest.signing().ok_or_else(|| Error::internal("SHA-1 is never signed with"))?;
        Ok(match kind {
            KeyKind::Rsa(_) => rsa_encryption(),
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => key::signature_algorithm(kind, digest),
        })
    }
}

/// An EnvelopedData (ContentInfo) around `content` for the RSA key of `recipient`, whose issuer and serial are
/// copied verbatim (SCEP-71). Errors: `cms-recipient` if its key is not RSA, `internal`.
pub fn envelop(
    recipient: &Certificate,
    cipher: ContentCipher,
    content: &[u8],
    random: &Random,
) -> Result<Vec<u8>> {
    let mut key = Zeroizing::new(vec![0; cipher.key_len()]);
    random.fill(&mut key)?;
    let mut iv = vec![0; cipher.block_len()];
    random.fill(&mut iv)?;
    let recipient_info = tlv::join(
        tlv::SEQUENCE,
        &[
            &tlv::unsigned(0),
            &issuer_and_serial(recipient),
            &rsa_encryption(),
            &tlv::tlv(tlv::OCTET_STRING, &wrap_key(recipient, &key)?),
        ],
    );
    let iv_parameter = tlv::tlv(tlv::OCTET_STRING, &iv);
    let encrypted = tlv::join(
        tlv::SEQUENCE,
        &[
            &tlv::object_identifier(&oid::DATA),
            &tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&cipher.oid()), &iv_parameter]),
            &tlv::tlv(0x80, &enveloped::seal(cipher, &key, &iv, content)?),
        ],
    );
    let enveloped_data =
        tlv::join(tlv::SEQUENCE, &[&tlv::unsigned(0), &tlv::tlv(tlv::SET, &recipient_info), &encrypted]);
    Ok(content_info(oid::ENVELOPED_DATA, &enveloped_data))
}

fn wrap_key(recipient: &Certificate, key: &[u8]) -> Result<Vec<u8>> {
    let not_rsa = || Error::invalid("cms-recipient", "the recipient's key is not an RSA key");
    let public = recipient.public_key()?;
    if !matches!(public.kind(), KeyKind::Rsa(_)) {
        return Err(not_rsa());
    }
    let public = PublicEncryptingKey::from_der(public.spki())
        .map_err(|_| not_rsa())
        .and_then(|key| Pkcs1PublicEncryptingKey::new(key).map_err(|_| not_rsa()))?;
    let mut wrapped = vec![0; public.ciphertext_size()];
    let length =
        public.encrypt(key, &mut wrapped).map_err(|_| Error::internal("RSA encryption failed"))?.len();
    wrapped.truncate(length);
    Ok(wrapped)
}

fn issuer_and_serial(certificate: &Certificate) -> Vec<u8> {
    let serial = tlv::tlv(tlv::INTEGER, certificate.serial().content());
    tlv::join(tlv::SEQUENCE, &[certificate.issuer().der(), &serial])
}

fn rsa_encryption() -> Vec<u8> {
    tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&oid::RSA_ENCRYPTION), &[tlv::NULL, 0]])
}

fn content_info(content_type: ObjectIdentifier, content: &[u8]) -> Vec<u8> {
    tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&content_type), &tlv::tlv(0xa0, content)])
}
