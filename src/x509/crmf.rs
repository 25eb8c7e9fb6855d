//! Certificate request messages (RFC 4211): what a CA elsewhere is asked for in the name of a device that sent a key alone.
//!
//! Written only. Proof of possession is `raVerified` (§4): whoever sends the message answers for the device, because a
//! device that sends its key without a signature cannot.

use crate::error::{Error, Result};
use crate::x509::cert::{Extension, extension_list};
use crate::x509::name::Name;
use crate::x509::tlv;

const SUBJECT: u8 = 0xa5;
const PUBLIC_KEY: u8 = 0xa6;
const EXTENSIONS: u8 = 0xa9;
/// `popo [0] NULL`.
const RA_VERIFIED: &[u8] = &[0x80, 0];

/// One certificate that is asked for.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// Its number in the list: the answer may refer to it.
    pub number: u64,
    /// The subject.
    pub subject: &'a Name,
    /// SubjectPublicKeyInfo, DER.
    pub spki: &'a [u8],
    /// The extensions.
    pub extensions: &'a [Extension],
}

/// CertReqMessages (RFC 4211 §3) of messages, DER.
pub fn request_messages(messages: &[Vec<u8>]) -> Vec<u8> {
    tlv::tlv(tlv::SEQUENCE, &messages.concat())
}

/// CertReqMsg: CertRequest (certReqId, CertTemplate) and the word of who sends it, DER. Errors: `internal` for a key that is
/// no DER sequence.
pub fn request_message(wish: &Wish<'_>) -> Result<Vec<u8>> {
    let template = tlv::join(
        tlv::SEQUENCE,
        &[
            &tlv::tlv(SUBJECT, wish.subject.der()), // a Name is a CHOICE: its tag is explicit
            &implicit(PUBLIC_KEY, wish.spki)?,
            &extensions(wish.extensions)?,
        ],
    );
    let request = tlv::join(tlv::SEQUENCE, &[&tlv::unsigned(wish.number), &template]);
    Ok(tlv::join(tlv::SEQUENCE, &[&request, RA_VERIFIED]))
}

fn extensions(list: &[Extension]) -> Result<Vec<u8>> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let wrapped = extension_list(tlv::SEQUENCE, list);
    implicit(EXTENSIONS, tlv::single(&wrapped, tlv::SEQUENCE).map_err(|_| unwritable())?.content)
}

/// A SEQUENCE under another tag.
fn implicit(tag: u8, sequence: &[u8]) -> Result<Vec<u8>> {
    let content = tlv::single(sequence, tlv::SEQUENCE).map_err(|_| unwritable())?.content;
    Ok(tlv::tlv(tag, content))
}

fn unwritable() -> Error {
    Error::internal("what is asked of a CA elsewhere must be of DER sequences")
}
