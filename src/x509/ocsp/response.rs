//! Writing OCSP answers (RFC 6960 §4.2.1).

use const_oid::ObjectIdentifier;

use super::{ARCHIVE_CUTOFF, Failure, NONCE, Said, Status};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::x509::cert::{Extension, extension_list};
use crate::x509::crl::Reason;
use crate::x509::tlv;
use crate::x509::validity;

/// id-pkix-ocsp-basic.
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");

/// What is to be signed as a basic response.
#[derive(Clone, Debug)]
pub struct TbsResponse<'a> {
    /// SHA-1 of the responder's key, without tag, length and unused bits (ResponderID byKey).
    pub responder: [u8; 20],
    /// When it is made; every answer in it is as of then.
    pub this_update: Timestamp,
    /// When a newer one is there at the latest.
    pub next_update: Timestamp,
    /// Each CertID as received, with what is said of it.
    pub answers: Vec<(&'a [u8], Said)>,
    /// The request's nonce.
    pub nonce: Option<&'a [u8]>,
}

impl TbsResponse<'_> {
    /// The DER of ResponseData. Errors: `internal` for a time out of range.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        let mut made = Vec::with_capacity(17);
        validity::push_generalized(&mut made, self.this_update)?;
        let mut next = Vec::with_capacity(17);
        validity::push_generalized(&mut next, self.next_update)?;
        let next = tlv::tlv(0xa0, &next);
        let mut singles = Vec::with_capacity(self.answers.len() * 128);
        for (id, said) in &self.answers {
            let (status, more) = (status_of(said.status)?, single_extensions(said)?);
            singles.extend(tlv::join(tlv::SEQUENCE, &[id, &status, &made, &next, &more]));
        }
        let extensions = match self.nonce {
            Some(nonce) => {
                let value = tlv::tlv(tlv::OCTET_STRING, nonce);
                extension_list(0xa1, &[Extension { oid: NONCE, critical: false, value }])
            }
            None => Vec::new(),
        };
        let responder = tlv::tlv(0xa2, &tlv::tlv(tlv::OCTET_STRING, &self.responder));
        let singles = tlv::tlv(tlv::SEQUENCE, &singles);
        Ok(tlv::join(tlv::SEQUENCE, &[&responder, &made, &singles, &extensions]))
    }
}

/// A signed answer: the response data, its AlgorithmIdentifier and signature, and the responder's certificate.
pub fn success(tbs: &[u8], algorithm: &[u8], signature: &[u8], responder: &[u8]) -> Vec<u8> {
    let certificates = tlv::tlv(0xa0, &tlv::tlv(tlv::SEQUENCE, responder));
    let basic = tlv::join(tlv::SEQUENCE, &[tbs, algorithm, &tlv::bits(signature), &certificates]);
    let bytes =
        tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&BASIC), &tlv::tlv(tlv::OCTET_STRING, &basic)]);
    tlv::join(tlv::SEQUENCE, &[&[tlv::ENUMERATED, 1, 0], &tlv::tlv(0xa0, &bytes)])
}

/// An answer without a signature.
pub fn failure(failure: Failure) -> [u8; 5] {
    [tlv::SEQUENCE, 3, tlv::ENUMERATED, 1, failure.code()]
}

fn single_extensions(said: &Said) -> Result<Vec<u8>> {
    let Some(cutoff) = said.archive_cutoff else { return Ok(Vec::new()) };
    let mut value = Vec::with_capacity(17);
    validity::push_generalized(&mut value, cutoff)?;
    Ok(extension_list(0xa1, &[Extension { oid: ARCHIVE_CUTOFF, critical: false, value }]))
}

fn status_of(status: Status) -> Result<Vec<u8>> {
    match status {
        Status::Good => Ok(vec![0x80, 0]),
        Status::Unknown => Ok(vec![0x82, 0]),
        Status::Revoked { at, reason } => {
            let mut info = Vec::with_capacity(22);
            validity::push_generalized(&mut info, at)?;
            // RFC 5280 §5.3.1: unspecified is said by leaving it out.
            if reason != Reason::Unspecified {
                tlv::push(&mut info, 0xa0, &[tlv::ENUMERATED, 1, reason.code()]);
            }
            Ok(tlv::tlv(0xa1, &info))
        }
    }
}
