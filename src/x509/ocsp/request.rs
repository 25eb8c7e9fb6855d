//! Reading OCSP requests (RFC 6960 §4.1.1). A signature and a requestor's name are passed over: nobody gets more by
//! them.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_SHA_1, ID_SHA_256};

use super::{CertId, IdDigest, NONCE};
use crate::error::{Error, Result};
use crate::id::Serial;
use crate::x509::cert::{Extension, parse_extensions};
use crate::x509::tlv::{self, Broken, Reader};

/// The largest request, in octets.
const MAX_LEN: usize = 16 * 1024;
/// The most certificates that one request asks about.
const MAX_IDS: usize = 64;
/// The longest serial number as it is written: what is echoed and kept is small.
const MAX_SERIAL: usize = 65;
/// Nonces that are echoed (RFC 9654 §2.1).
const ECHOED: std::ops::RangeInclusive<usize> = 16..=32;
/// The longest nonce.
const MAX_NONCE: usize = 128;

/// An OCSP request that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The certificates that are asked about, at least one.
    pub ids: Vec<CertId>,
    /// A nonce that is to be echoed.
    pub nonce: Option<Vec<u8>>,
}

impl Request {
    /// Reads DER of at most 16 KiB. Errors: `ocsp-malformed`, naming the rule.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        if der.len() > MAX_LEN {
            return Err(malformed("over 16 KiB"));
        }
        let mut fields = enter(der)?;
        let tbs = fields.expect(tlv::SEQUENCE).map_err(broken)?;
        let _signature = fields.optional(0xa0).map_err(broken)?;
        fields.finish().map_err(broken)?;
        read_tbs(Reader::new(tbs.content))
    }
}

fn enter(der: &[u8]) -> Result<Reader<'_>> {
    Ok(Reader::new(tlv::single(der, tlv::SEQUENCE).map_err(broken)?.content))
}

fn read_tbs(mut fields: Reader<'_>) -> Result<Request> {
    if let Some(version) = fields.optional(0xa0).map_err(broken)?
        && version.content != [tlv::INTEGER, 1, 0]
    {
        return Err(malformed("version is not v1"));
    }
    let _requestor = fields.optional(0xa1).map_err(broken)?;
    let list = fields.expect(tlv::SEQUENCE).map_err(broken)?;
    let extensions = fields.optional(0xa2).map_err(broken)?;
    fields.finish().map_err(broken)?;
    let nonce = match extensions {
        Some(wrapped) => nonce(&extension_list(wrapped.content)?)?,
        None => None,
    };
    Ok(Request { ids: ids(Reader::new(list.content))?, nonce })
}

fn ids(mut list: Reader<'_>) -> Result<Vec<CertId>> {
    let mut ids = Vec::new();
    while !list.is_empty() {
        if ids.len() == MAX_IDS {
            return Err(malformed("asks about more than 64 certificates"));
        }
        let mut fields = list.enter(tlv::SEQUENCE).map_err(broken)?;
        ids.push(id(fields.expect(tlv::SEQUENCE).map_err(broken)?)?);
        if let Some(wrapped) = fields.optional(0xa0).map_err(broken)?
            && extension_list(wrapped.content)?.iter().any(|e| e.critical)
        {
            return Err(malformed("an unknown critical extension"));
        }
        fields.finish().map_err(broken)?;
    }
    if ids.is_empty() { Err(malformed("asks about no certificate")) } else { Ok(ids) }
}

fn id(element: tlv::Tlv<'_>) -> Result<CertId> {
    let mut fields = Reader::new(element.content);
    let digest = digest(fields.enter(tlv::SEQUENCE).map_err(broken)?)?;
    let name_hash = fields.expect(tlv::OCTET_STRING).map_err(broken)?.content;
    let key_hash = fields.expect(tlv::OCTET_STRING).map_err(broken)?.content;
    let serial = fields.expect(tlv::INTEGER).map_err(broken)?.content;
    fields.finish().map_err(broken)?;
    let length = match digest {
        IdDigest::Sha1 => 20,
        IdDigest::Sha256 => 32,
    };
    if serial.len() > MAX_SERIAL {
        return Err(malformed("a serial number of more than 65 octets"));
    }
    if name_hash.len() != length || key_hash.len() != length {
        return Err(malformed("a hash of another length than its algorithm's"));
    }
    Ok(CertId {
        der: element.whole.to_vec(),
        digest,
        name_hash: name_hash.to_vec(),
        key_hash: key_hash.to_vec(),
        serial: Serial::from_content(canonical(serial)).map_err(|_| malformed("serial number"))?,
    })
}

fn digest(mut fields: Reader<'_>) -> Result<IdDigest> {
    let oid: ObjectIdentifier = tlv::oid(fields.any().map_err(broken)?).map_err(broken)?;
    let parameters = if fields.is_empty() { None } else { Some(fields.any().map_err(broken)?.whole) };
    fields.finish().map_err(broken)?;
    if parameters.is_some_and(|p| p != [tlv::NULL, 0]) {
        return Err(malformed("a hash algorithm with parameters"));
    }
    match oid {
        ID_SHA_1 => Ok(IdDigest::Sha1),
        ID_SHA_256 => Ok(IdDigest::Sha256),
        _ => Err(malformed("a hash algorithm other than SHA-1 and SHA-256")),
    }
}

/// An INTEGER's content without zeros that do not change it.
fn canonical(mut content: &[u8]) -> &[u8] {
    while let [0, 0..=0x7f, ..] = content {
        content = &content[1..];
    }
    content
}

fn extension_list(wrapped: &[u8]) -> Result<Vec<Extension>> {
    let list = tlv::single(wrapped, tlv::SEQUENCE).map_err(broken)?;
    parse_extensions(Reader::new(list.content)).map_err(malformed)
}

/// The nonce that is to be echoed; one of another allowed length is answered without.
fn nonce(extensions: &[Extension]) -> Result<Option<Vec<u8>>> {
    if extensions.iter().any(|e| e.critical && e.oid != NONCE) {
        return Err(malformed("an unknown critical extension"));
    }
    let Some(extension) = extensions.iter().find(|e| e.oid == NONCE) else { return Ok(None) };
    let nonce = tlv::single(&extension.value, tlv::OCTET_STRING).map_err(broken)?.content;
    if nonce.is_empty() || nonce.len() > MAX_NONCE {
        return Err(malformed("a nonce of no octets, or of more than 128"));
    }
    Ok(ECHOED.contains(&nonce.len()).then(|| nonce.to_vec()))
}

fn broken(_: Broken) -> Error {
    malformed("not the DER of an OCSP request")
}

fn malformed(why: &str) -> Error {
    Error::malformed("ocsp-malformed", why)
}
