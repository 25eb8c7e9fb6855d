//! Writing what is to be signed: strict DER (RFC 5280 §4.1.2).

use super::Extension;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::Serial;
use crate::x509::name::Name;
use crate::x509::tlv;
use crate::x509::validity;

/// What is to be signed as a certificate.
#[derive(Clone, Debug)]
pub struct Tbs {
    /// Serial number.
    pub serial: Serial,
    /// DER AlgorithmIdentifier of the signature to come.
    pub signature_algorithm: Vec<u8>,
    /// The issuer's subject, byte for byte.
    pub issuer: Name,
    /// First moment (whole seconds).
    pub not_before: Timestamp,
    /// Last moment (whole seconds).
    pub not_after: Timestamp,
    /// Subject.
    pub subject: Name,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// Extensions in order.
    pub extensions: Vec<Extension>,
}

impl Tbs {
    /// The DER to be signed: v3, UTCTime through 2049, then GeneralizedTime.
    /// Errors: `internal` for a serial that is not positive, minimal and at most 20 octets, or a time out of range.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        let mut validity = Vec::with_capacity(34);
        validity::push(&mut validity, self.not_before)?;
        validity::push(&mut validity, self.not_after)?;
        Ok(tlv::join(
            tlv::SEQUENCE,
            &[
                &[0xa0, 3, tlv::INTEGER, 1, 2], // v3
                &tlv::tlv(tlv::INTEGER, serial(&self.serial)?),
                &self.signature_algorithm,
                self.issuer.der(),
                &tlv::tlv(tlv::SEQUENCE, &validity),
                self.subject.der(),
                &self.spki,
                &extensions(0xa3, &self.extensions),
            ],
        ))
    }
}

/// SEQUENCE { tbs, algorithm, BIT STRING signature }: a certificate, or a CRL or CSR in the same shape.
pub fn assemble(tbs: &[u8], signature_algorithm: &[u8], signature: &[u8]) -> Result<Vec<u8>> {
    Ok(tlv::join(tlv::SEQUENCE, &[tbs, signature_algorithm, &tlv::bits(signature)]))
}

/// `[tag] EXPLICIT Extensions`; nothing if there are none.
pub(in crate::x509) fn extensions(tag: u8, extensions: &[Extension]) -> Vec<u8> {
    if extensions.is_empty() {
        return Vec::new();
    }
    let mut list = Vec::with_capacity(512);
    for extension in extensions {
        let critical: &[u8] = if extension.critical { &[tlv::BOOLEAN, 1, 0xff] } else { &[] };
        let oid = tlv::object_identifier(&extension.oid);
        let value = tlv::tlv(tlv::OCTET_STRING, &extension.value);
        list.extend(tlv::join(tlv::SEQUENCE, &[&oid, critical, &value]));
    }
    tlv::tlv(tag, &tlv::tlv(tlv::SEQUENCE, &list))
}

/// Checklist D: positive, at most 20 octets.
fn serial(serial: &Serial) -> Result<&[u8]> {
    match serial.content() {
        [] | [0] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..] => {
            Err(Error::internal("a serial number to be written must be positive and minimal"))
        }
        content if content.len() > 20 => {
            Err(Error::internal("a serial number to be written has at most 20 octets"))
        }
        content => Ok(content),
    }
}
