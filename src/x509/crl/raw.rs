//! The entries of a CRL of ours as they stand in it, without reading what they say.

use crate::error::{Error, Result};
use crate::x509::signed::Signed;
use crate::x509::tlv::{self, Broken, Reader};

/// One entry, borrowed from the CRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawEntry<'a> {
    /// The content of its serial number.
    pub serial: &'a [u8],
    /// Serial number and date, encoded.
    pub head: &'a [u8],
    /// All of it, encoded.
    pub der: &'a [u8],
}

/// The entries of a CRL (DER) that was signed here. Errors: `bad-crl`.
pub fn raw_entries(crl: &[u8]) -> Result<Vec<RawEntry<'_>>> {
    read(crl).map_err(|_| Error::malformed("bad-crl", "not a DER CRL"))
}

fn read(crl: &[u8]) -> Result<Vec<RawEntry<'_>>, Broken> {
    let mut fields = Reader::new(Signed::read(crl)?.tbs.content);
    fields.expect(tlv::INTEGER)?;
    fields.expect(tlv::SEQUENCE)?;
    fields.expect(tlv::SEQUENCE)?;
    fields.any()?;
    fields.any()?;
    let mut list = match fields.optional(tlv::SEQUENCE)? {
        Some(list) => Reader::new(list.content),
        None => return Ok(Vec::new()),
    };
    let mut entries = Vec::new();
    while !list.is_empty() {
        let entry = list.expect(tlv::SEQUENCE)?;
        let mut fields = Reader::new(entry.content);
        let serial = fields.expect(tlv::INTEGER)?;
        let head = serial.whole.len() + fields.any()?.whole.len();
        let head = entry.content.get(..head).ok_or(Broken)?;
        entries.push(RawEntry { serial: serial.content, head, der: entry.whole });
    }
    Ok(entries)
}
