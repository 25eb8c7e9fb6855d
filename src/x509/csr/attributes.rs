//! The attributes of a request: challengePassword and the extension requests (RFC 2985 §5.4).

use const_oid::ObjectIdentifier;
use zeroize::Zeroizing;

use super::not_a_request;
use crate::error::{Error, Result};
use crate::x509::cert::{Extension, parse_extensions};
use crate::x509::name::string;
use crate::x509::tlv::{self, Broken, Reader, Tlv};

const CHALLENGE_PASSWORD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.7");
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
/// Microsoft's older name for the same thing.
const MS_CERT_EXTENSIONS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.14");

/// RFC 2985: pkcs-9-ub-challengePassword.
const MAX_CHALLENGE: usize = 255;
/// The most attributes of a request.
const MAX_ATTRIBUTES: usize = 64;

/// What a request asks besides subject and key.
pub(super) struct Attributes {
    pub(super) challenge: Option<Zeroizing<String>>,
    pub(super) extensions: Vec<Extension>,
}

/// The values of the attributes that are looked at; all others are ignored.
#[derive(Default)]
struct Found<'a> {
    challenge: Option<&'a [u8]>,
    pkcs9: Option<&'a [u8]>,
    microsoft: Option<&'a [u8]>,
}

/// Reads the content of `[0] Attributes`.
pub(super) fn read(attributes: Reader<'_>) -> Result<Attributes> {
    let found = find(attributes)?;
    let pkcs9 = found.pkcs9.map(only_request).transpose()?;
    let microsoft = found.microsoft.map(only_request).transpose()?;
    let request = match (pkcs9, microsoft) {
        (Some(a), Some(b)) if a.whole != b.whole => return Err(conflicting()),
        (a, b) => a.or(b),
    };
    let extensions = match request {
        Some(list) => parse_extensions(Reader::new(list.content)).map_err(Error::bad_csr)?,
        None => Vec::new(),
    };
    Ok(Attributes { challenge: found.challenge.map(challenge).transpose()?, extensions })
}

fn find(mut attributes: Reader<'_>) -> Result<Found<'_>> {
    let mut found = Found::default();
    let mut count = 0;
    while !attributes.is_empty() {
        let (oid, values) = attribute(&mut attributes).map_err(|_| not_a_request())?;
        count += 1;
        if count > MAX_ATTRIBUTES {
            return Err(Error::bad_csr("more than 64 attributes"));
        }
        let place = match oid {
            CHALLENGE_PASSWORD => &mut found.challenge,
            EXTENSION_REQUEST => &mut found.pkcs9,
            MS_CERT_EXTENSIONS => &mut found.microsoft,
            _ => continue,
        };
        if place.replace(values).is_some() {
            return Err(Error::bad_csr("duplicate attribute"));
        }
    }
    Ok(found)
}

fn attribute<'a>(attributes: &mut Reader<'a>) -> Result<(ObjectIdentifier, &'a [u8]), Broken> {
    let mut fields = attributes.enter(tlv::SEQUENCE)?;
    let oid = tlv::oid(fields.any()?)?;
    let values = fields.expect(tlv::SET)?.content;
    fields.finish()?;
    Ok((oid, values))
}

/// The one Extensions value of an extension request (CSR-28).
fn only_request(values: &[u8]) -> Result<Tlv<'_>> {
    let mut values = Reader::new(values);
    let list = values.expect(tlv::SEQUENCE).map_err(|_| not_a_request())?;
    values.finish().map_err(|_| conflicting())?;
    Ok(list)
}

fn challenge(values: &[u8]) -> Result<Zeroizing<String>> {
    let mut values = Reader::new(values);
    let value = values.any().map_err(|_| not_a_request())?;
    values.finish().map_err(|_| Error::bad_csr("challengePassword must be single-valued"))?;
    let text = Zeroizing::new(
        string(value).map_err(|e| Error::bad_csr(format!("challengePassword: {}", e.detail())))?,
    );
    if text.chars().count() > MAX_CHALLENGE {
        return Err(Error::bad_csr("challengePassword over 255 characters"));
    }
    Ok(text)
}

fn conflicting() -> Error {
    Error::bad_csr("conflicting extension requests")
}
