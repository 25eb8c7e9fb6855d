//! EnvelopedData (RFC 5652 §6): who can open it, and what comes out.

mod cbc_mode;

use subtle::Choice;
use zeroize::Zeroizing;

pub(super) use cbc_mode::{encrypt, seal};

use super::algorithm::{ContentCipher, Transport};
use super::signed::content_info;
use super::signer::CertificateId;
use super::{not_allowed, oid, unreadable};
use crate::error::{Error, Result};
use crate::x509::tlv::{self, Broken, Reader, Tlv};

/// More recipients than any client writes.
const MAX_RECIPIENTS: usize = 16;

/// One way to the content key.
#[derive(Clone, Debug)]
pub enum Recipient<'a> {
    /// KeyTransRecipientInfo.
    KeyTransport {
        /// Whose key opens it.
        id: CertificateId<'a>,
        /// How; none if it is not one of ours.
        transport: Option<Transport>,
        /// The wrapped content key.
        encrypted_key: &'a [u8],
    },
    /// PasswordRecipientInfo.
    Password {
        /// The wrapped content key.
        encrypted_key: &'a [u8],
    },
    /// Any other sort.
    Other,
}

/// An encrypted message.
#[derive(Clone, Debug)]
pub struct EnvelopedData<'a> {
    /// The ways to the content key.
    pub recipients: Vec<Recipient<'a>>,
    /// The content cipher.
    pub cipher: ContentCipher,
    iv: &'a [u8],
    encrypted_content: Vec<u8>,
}

impl<'a> EnvelopedData<'a> {
    /// Reads a ContentInfo (DER framing).
    /// Errors: `bad-cms`; `cms-algorithm` for a content cipher that is not one of ours, and for AEAD.
    pub fn read(der: &'a [u8]) -> Result<Self> {
        let (content_type, content) = content_info(der).map_err(unreadable("the envelope"))?;
        match content_type {
            oid::ENVELOPED_DATA => {}
            oid::AUTH_ENVELOPED_DATA => return Err(not_allowed("algorithm forbidden")),
            _ => return Err(Error::malformed("bad-cms", "the content must be envelopedData")),
        }
        let broken = unreadable("EnvelopedData");
        let mut fields =
            tlv::single(content, tlv::SEQUENCE).map(|s| Reader::new(s.content)).map_err(&broken)?;
        fields.expect(tlv::INTEGER).map_err(&broken)?;
        fields.optional(0xa0).map_err(&broken)?;
        let recipients = fields.enter(tlv::SET).and_then(recipients).map_err(&broken)?;
        let mut encrypted = fields.enter(tlv::SEQUENCE).map_err(&broken)?;
        fields.optional(0xa1).map_err(&broken)?;
        fields.finish().map_err(&broken)?;
        encrypted.expect(tlv::OID).map_err(&broken)?;
        let (cipher, iv) = ContentCipher::read(encrypted.any().map_err(&broken)?)?;
        let encrypted_content = encrypted_content(encrypted).map_err(&broken)?;
        Ok(Self { recipients, cipher, iv, encrypted_content })
    }

    /// The content, if `key` opens it and the padding is right; the time does not tell which byte was wrong.
    pub fn open(&self, key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (content, good) = self.open_blindly(key);
        bool::from(good).then_some(content)
    }

    /// As [`EnvelopedData::open`], but what came out is there also where the padding is wrong, so that the caller can
    /// do the same with it either way.
    pub fn open_blindly(&self, key: &[u8]) -> (Zeroizing<Vec<u8>>, Choice) {
        cbc_mode::open(self.cipher, key, self.iv, &self.encrypted_content)
    }
}

fn recipients(mut set: Reader<'_>) -> Result<Vec<Recipient<'_>>, Broken> {
    let mut found = Vec::new();
    while !set.is_empty() {
        if found.len() == MAX_RECIPIENTS {
            return Err(Broken);
        }
        found.push(recipient(set.any()?)?);
    }
    Ok(found)
}

fn recipient(element: Tlv<'_>) -> Result<Recipient<'_>, Broken> {
    let mut fields = Reader::new(element.content);
    match element.tag {
        tlv::SEQUENCE => {
            fields.expect(tlv::INTEGER)?;
            let id = CertificateId::read(fields.any()?)?;
            let transport = Transport::read(fields.any()?);
            let encrypted_key = fields.expect(tlv::OCTET_STRING)?.content;
            fields.finish()?;
            Ok(Recipient::KeyTransport { id, transport, encrypted_key })
        }
        0xa3 => {
            fields.expect(tlv::INTEGER)?;
            fields.optional(0xa0)?;
            fields.expect(tlv::SEQUENCE)?;
            let encrypted_key = fields.expect(tlv::OCTET_STRING)?.content;
            fields.finish()?;
            Ok(Recipient::Password { encrypted_key })
        }
        _ => Ok(Recipient::Other),
    }
}

/// `[0] IMPLICIT OCTET STRING`: primitive, or constructed as Go clients send it.
fn encrypted_content(mut fields: Reader<'_>) -> Result<Vec<u8>, Broken> {
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let element = fields.any()?;
    fields.finish()?;
    match element.tag {
        0x80 => Ok(element.content.to_vec()),
        0xa0 => {
            let (mut parts, mut content) = (Reader::new(element.content), Vec::new());
            while !parts.is_empty() {
                content.extend_from_slice(parts.expect(tlv::OCTET_STRING)?.content);
            }
            Ok(content)
        }
        _ => Err(Broken),
    }
}
