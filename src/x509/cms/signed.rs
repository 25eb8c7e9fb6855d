//! SignedData (RFC 5652 §5.1).

use const_oid::ObjectIdentifier;

use super::algorithm::algorithm_identifier;
use super::signer::SignerInfo;
use super::{oid, unreadable};
use crate::error::{Error, Result};
use crate::x509::tlv::{self, Broken, Reader, Tlv};

/// More certificates than any chain has.
const MAX_CERTIFICATES: usize = 16;

/// A signed message.
#[derive(Clone, Debug)]
pub struct SignedData<'a> {
    /// What digestAlgorithms lists.
    pub digest_algorithms: Vec<ObjectIdentifier>,
    /// The type of the content.
    pub content_type: ObjectIdentifier,
    /// The content's octets; none if absent.
    pub content: Option<&'a [u8]>,
    /// X.509 certificates, DER, in the order received.
    pub certificates: Vec<&'a [u8]>,
    /// The only signature.
    pub signer: SignerInfo<'a>,
}

impl<'a> SignedData<'a> {
    /// Reads a ContentInfo (DER framing). Errors: `bad-cms`, also for no signer or several.
    pub fn read(der: &'a [u8]) -> Result<Self> {
        let (content_type, content) = content_info(der).map_err(unreadable("ContentInfo"))?;
        if content_type != oid::SIGNED_DATA {
            return Err(Error::malformed("bad-cms", "outer content must be signedData"));
        }
        let broken = unreadable("SignedData");
        let mut fields =
            tlv::single(content, tlv::SEQUENCE).map(|s| Reader::new(s.content)).map_err(&broken)?;
        fields.expect(tlv::INTEGER).map_err(&broken)?;
        let digest_algorithms = fields.enter(tlv::SET).and_then(identifiers).map_err(&broken)?;
        let (content_type, content) = fields.enter(tlv::SEQUENCE).and_then(encapsulated).map_err(&broken)?;
        let certificates = fields.optional(0xa0).and_then(certificates).map_err(&broken)?;
        fields.optional(0xa1).map_err(&broken)?;
        let signer = only_signer(fields.enter(tlv::SET).map_err(&broken)?)?;
        fields.finish().map_err(&broken)?;
        Ok(Self { digest_algorithms, content_type, content, certificates, signer })
    }
}

/// The type and content of a ContentInfo.
pub(super) fn content_info(der: &[u8]) -> Result<(ObjectIdentifier, &[u8]), Broken> {
    let mut fields = Reader::new(tlv::single(der, tlv::SEQUENCE)?.content);
    let content_type = tlv::oid(fields.expect(tlv::OID)?)?;
    let content = fields.expect(0xa0)?.content;
    fields.finish()?;
    Ok((content_type, content))
}

fn identifiers(mut set: Reader<'_>) -> Result<Vec<ObjectIdentifier>, Broken> {
    let mut found = Vec::new();
    while !set.is_empty() && found.len() < 8 {
        found.push(algorithm_identifier(set.any()?)?.0);
    }
    set.finish().map(|()| found)
}

fn encapsulated(mut fields: Reader<'_>) -> Result<(ObjectIdentifier, Option<&[u8]>), Broken> {
    let content_type = tlv::oid(fields.expect(tlv::OID)?)?;
    let content = match fields.optional(0xa0)? {
        Some(explicit) => Some(tlv::single(explicit.content, tlv::OCTET_STRING)?.content),
        None => None,
    };
    fields.finish().map(|()| (content_type, content))
}

fn certificates(field: Option<Tlv<'_>>) -> Result<Vec<&[u8]>, Broken> {
    let (mut set, mut found) = (Reader::new(field.map_or(&[][..], |f| f.content)), Vec::new());
    while !set.is_empty() {
        let element = set.any()?;
        // Other choices (attribute certificates) are of no use here.
        if element.tag == tlv::SEQUENCE {
            found.push(element.whole);
        }
        if found.len() > MAX_CERTIFICATES {
            return Err(Broken);
        }
    }
    Ok(found)
}

fn only_signer(mut set: Reader<'_>) -> Result<SignerInfo<'_>> {
    let broken = unreadable("SignerInfo");
    if set.is_empty() {
        return Err(Error::malformed("bad-cms", "unsigned message"));
    }
    let signer = SignerInfo::read(set.expect(tlv::SEQUENCE).map_err(&broken)?)?;
    if !set.is_empty() {
        return Err(Error::malformed("bad-cms", "exactly one SignerInfo is expected"));
    }
    Ok(signer)
}
