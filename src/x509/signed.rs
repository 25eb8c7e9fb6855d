//! The frame that certificates, requests and CRLs share: SEQUENCE { what is signed, algorithm, signature }.

use crate::x509::cert::{Extension, parse_extensions};
use crate::x509::tlv::{self, Broken, Reader, Tlv};

/// A signed structure in parts, as received.
pub(super) struct Signed<'a> {
    /// What is signed, tag and length included.
    pub(super) tbs: Tlv<'a>,
    /// The AlgorithmIdentifier beside the signature.
    pub(super) algorithm: &'a [u8],
    /// The signature's octets.
    pub(super) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Reads the frame.
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Broken> {
        let mut fields = Reader::new(tlv::single(der, tlv::SEQUENCE)?.content);
        let tbs = fields.expect(tlv::SEQUENCE)?;
        let algorithm = fields.expect(tlv::SEQUENCE)?.whole;
        let signature = tlv::bit_string(fields.any()?)?;
        fields.finish()?;
        Ok(Self { tbs, algorithm, signature })
    }
}

/// The extensions in an optional `[tag] EXPLICIT Extensions`. The fault says which rule is broken.
pub(super) fn wrapped_extensions(wrapped: Option<Tlv<'_>>) -> Result<Vec<Extension>, &'static str> {
    let Some(wrapped) = wrapped else { return Ok(Vec::new()) };
    let list = tlv::single(wrapped.content, tlv::SEQUENCE).map_err(|_| "malformed extension")?;
    parse_extensions(Reader::new(list.content))
}
