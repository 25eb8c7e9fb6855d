//! CertRep (RFC 8894 §3.3.2): signed by the RA; a success is enveloped for the request's signer alone.

use const_oid::ObjectIdentifier;

use crate::clock::Timestamp;
use crate::enrol::scep::attributes::{
    Echo, FAIL_INFO, FAIL_INFO_TEXT, MESSAGE_TYPE, PKI_STATUS, RECIPIENT_NONCE, SENDER_NONCE, TRANSACTION_ID,
};
use crate::enrol::scep::refusal::Refusal;
use crate::enrol::scep_ra::Ra;
use crate::error::{Error, Result};
use crate::random::Random;
use crate::x509::cms::write::{Signing, To, envelop};
use crate::x509::cms::{ContentCipher, DigestAlgorithm};
use crate::x509::key::Digest;
use crate::x509::tlv;

/// More text than a device shows.
const MAX_TEXT: usize = 250;

/// What the reply says.
#[derive(Debug)]
pub enum Status {
    /// What was asked for: a degenerate SignedData with the certificates, leaf first, or with the CRL.
    Success(Vec<u8>),
    /// Refused.
    Failure(Refusal),
    /// An operator must decide.
    Pending,
}

/// Writes a reply.
pub struct Reply<'a> {
    /// Who signs.
    pub ra: &'a Ra,
    /// What is repeated.
    pub echo: &'a Echo,
    /// Whom a success is encrypted to; none if the request had no signer that could be told.
    pub recipient: Option<To<'a>>,
    /// The digest.
    pub digest: DigestAlgorithm,
    /// The content cipher.
    pub cipher: ContentCipher,
    /// signingTime.
    pub now: Timestamp,
}

impl Reply<'_> {
    /// The CertRep, DER. CPU-bound. Errors: `cms-recipient`, `internal`.
    pub fn write(&self, status: &Status, random: &Random) -> Result<Vec<u8>> {
        let content = self.content(status, random)?;
        // No envelope is an empty eContent, not an absent one: OpenSSL's PKCS7_verify (certmonger) takes that for a
        // detached signature and finds nothing to verify.
        let content = content.as_deref().unwrap_or_default();
        let mut signing = Signing::new(&self.ra.signing, self.digest, Some(content), self.now)?;
        let printable = |signing: &mut Signing<'_>, oid: ObjectIdentifier, text: &str| {
            signing.attribute(oid, &tlv::tlv(tlv::PRINTABLE_STRING, text.as_bytes()));
        };
        printable(&mut signing, MESSAGE_TYPE, "3");
        printable(&mut signing, TRANSACTION_ID, &self.echo.transaction_id);
        printable(&mut signing, PKI_STATUS, status_number(status));
        if let Status::Failure(refusal) = status {
            printable(&mut signing, FAIL_INFO, refusal.fail_info.as_str());
            let text: String = refusal.text.chars().take(MAX_TEXT).collect();
            signing.attribute(FAIL_INFO_TEXT, &tlv::tlv(tlv::UTF8_STRING, text.as_bytes()));
        }
        let nonce: [u8; 16] = random.bytes()?;
        signing.attribute(SENDER_NONCE, &tlv::tlv(tlv::OCTET_STRING, &nonce));
        if let Some(nonce) = &self.echo.sender_nonce {
            signing.attribute(RECIPIENT_NONCE, &tlv::tlv(tlv::OCTET_STRING, nonce));
        }
        signing.finish(&self.sign(&signing.to_be_signed())?)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signer = &self.ra.signer;
        match self.digest {
            DigestAlgorithm::Md5 => Err(Error::internal("MD5 is never signed with")),
            DigestAlgorithm::Sha1 => signer.sign_sha1(message),
            DigestAlgorithm::Sha256 => signer.sign(Digest::Sha256, message),
            DigestAlgorithm::Sha384 => signer.sign(Digest::Sha384, message),
            DigestAlgorithm::Sha512 => signer.sign(Digest::Sha512, message),
        }
    }

    /// The envelope of a success; FAILURE and PENDING carry none.
    fn content(&self, status: &Status, random: &Random) -> Result<Option<Vec<u8>>> {
        let Status::Success(list) = status else { return Ok(None) };
        let recipient =
            self.recipient.ok_or_else(|| Error::internal("a success without anyone to encrypt it to"))?;
        envelop(recipient, self.cipher, list, random).map(Some)
    }
}

fn status_number(status: &Status) -> &'static str {
    match status {
        Status::Success(_) => "0",
        Status::Failure(_) => "2",
        Status::Pending => "3",
    }
}
