//! Reading certificates leniently: what foreign issuers wrote is kept as it is (RFC 5280 §4.1).

use super::{Certificate, CheckedKey, Extension, bad};
use crate::error::Result;
use crate::id::Serial;
use crate::x509::der_guard;
use crate::x509::name::Name;
use crate::x509::signed::{Signed, wrapped_extensions};
use crate::x509::tlv::{self, Broken, Reader};
use crate::x509::validity;

/// The largest certificate, in octets.
const MAX_LEN: usize = 64 << 10;
/// The most extensions of a certificate or request.
const MAX_EXTENSIONS: usize = 64;

/// Reads a certificate.
pub(super) fn certificate(der: &[u8]) -> Result<Certificate> {
    der_guard::scan(der, MAX_LEN).map_err(|fault| {
        bad(match fault {
            der_guard::Fault::TooLarge => "over 64 KiB",
            der_guard::Fault::TooDeep => "nested too deeply",
            der_guard::Fault::Malformed => "not a DER certificate",
            der_guard::Fault::MalformedOid => "malformed OID",
        })
    })?;
    let signed = Signed::read(der).map_err(malformed)?;
    let mut fields = Reader::new(signed.tbs.content);
    check_version(fields.optional(0xa0).map_err(malformed)?.map(|t| t.content))?;
    let serial = fields.expect(tlv::INTEGER).map_err(malformed)?;
    let inner_algorithm = fields.expect(tlv::SEQUENCE).map_err(malformed)?;
    let issuer = fields.expect(tlv::SEQUENCE).map_err(malformed)?;
    let mut validity = fields.enter(tlv::SEQUENCE).map_err(malformed)?;
    let not_before = validity.any().and_then(validity::decode).map_err(malformed)?;
    let not_after = validity.any().and_then(validity::decode).map_err(malformed)?;
    validity.finish().map_err(malformed)?;
    let subject = fields.expect(tlv::SEQUENCE).map_err(malformed)?;
    let spki = fields.expect(tlv::SEQUENCE).map_err(malformed)?;
    Ok(Certificate {
        der: der.to_vec(),
        tbs: signed.tbs.whole.to_vec(),
        signature_algorithm: signed.algorithm.to_vec(),
        signature: signed.signature.to_vec(),
        inner_algorithm: inner_algorithm.whole.to_vec(),
        serial: Serial::from_content(serial.content).map_err(|e| bad(e.detail()))?,
        issuer: Name::from_der(issuer.whole).map_err(|e| bad(format!("issuer: {}", e.detail())))?,
        subject: Name::from_der(subject.whole).map_err(|e| bad(format!("subject: {}", e.detail())))?,
        not_before,
        not_after,
        spki: spki.whole.to_vec(),
        extensions: trailing(fields)?,
        key: CheckedKey::default(),
    })
}

/// An `Extensions` SEQUENCE: no type twice, at most 64. The fault says which rule is broken.
pub(in crate::x509) fn extensions(mut list: Reader<'_>) -> Result<Vec<Extension>, &'static str> {
    const MALFORMED: &str = "malformed extension";
    let mut found: Vec<Extension> = Vec::new();
    while !list.is_empty() {
        let mut fields = list.enter(tlv::SEQUENCE).map_err(|_| MALFORMED)?;
        let oid = fields.any().and_then(tlv::oid).map_err(|_| MALFORMED)?;
        let critical = fields.optional(tlv::BOOLEAN).map_err(|_| MALFORMED)?;
        let value = fields.expect(tlv::OCTET_STRING).map_err(|_| MALFORMED)?.content.to_vec();
        fields.finish().map_err(|_| MALFORMED)?;
        let critical = match critical.map(|t| t.content) {
            None | Some([0]) => false,
            Some([_]) => true,
            Some(_) => return Err(MALFORMED),
        };
        if found.len() == MAX_EXTENSIONS {
            return Err("more than 64 extensions");
        }
        if found.iter().any(|e| e.oid == oid) {
            return Err("duplicate extension");
        }
        found.push(Extension { oid, critical, value });
    }
    Ok(found)
}

/// v1 is absent, v2 is 1, v3 is 2.
fn check_version(version: Option<&[u8]>) -> Result<()> {
    match version {
        None | Some([tlv::INTEGER, 1, 0..=2]) => Ok(()),
        Some(_) => Err(bad("unknown certificate version")),
    }
}

/// The unique identifiers, which nobody uses, and the extensions.
fn trailing(mut fields: Reader<'_>) -> Result<Vec<Extension>> {
    for tag in [0x81, 0x82, 0xa1, 0xa2] {
        fields.optional(tag).map_err(malformed)?;
    }
    let wrapped = fields.optional(0xa3).map_err(malformed)?;
    fields.finish().map_err(malformed)?;
    wrapped_extensions(wrapped).map_err(bad)
}

fn malformed(_: Broken) -> crate::error::Error {
    bad("not a DER certificate")
}
