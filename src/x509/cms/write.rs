//! What we write, as strict DER: signed messages with attributes, envelopes, lists of one CRL.

use const_oid::ObjectIdentifier;

use super::algorithm::DigestAlgorithm;
use super::oid;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;
use crate::x509::key::{self, KeyKind};
use crate::x509::{tlv, validity};

mod envelope;
mod password;

pub use envelope::{To, envelop, wrap_key};

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
        match (kind, self.digest.signing()) {
            (KeyKind::Rsa(_), _) => Ok(rsa_encryption()),
            (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, Some(digest)) => {
                Ok(key::signature_algorithm(kind, digest))
            }
            (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, None) => {
                Err(Error::internal("an EC key signs with SHA-2 alone"))
            }
        }
    }
}

/// A degenerate SignedData (ContentInfo) that holds one CRL and nothing else (RFC 8894 §3.4).
pub fn crl_only(crl: &[u8]) -> Vec<u8> {
    let signed_data = tlv::join(
        tlv::SEQUENCE,
        &[
            &tlv::unsigned(1),
            &tlv::tlv(tlv::SET, &[]),
            &tlv::tlv(tlv::SEQUENCE, &tlv::object_identifier(&oid::DATA)),
            &tlv::tlv(0xa1, crl),
            &tlv::tlv(tlv::SET, &[]),
        ],
    );
    content_info(oid::SIGNED_DATA, &signed_data)
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
