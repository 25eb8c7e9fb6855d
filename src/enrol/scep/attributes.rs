//! The signed attributes of a PKIMessage (RFC 8894 §3.2.1).

use const_oid::ObjectIdentifier;

use crate::error::{Error, Result};
use crate::x509::cms::{Attributes, SignerInfo};
use crate::x509::tlv;

/// messageType
pub const MESSAGE_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.2");
/// pkiStatus
pub const PKI_STATUS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.3");
/// failInfo
pub const FAIL_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.4");
/// senderNonce
pub const SENDER_NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.5");
/// recipientNonce
pub const RECIPIENT_NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.6");
/// transactionID
pub const TRANSACTION_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.7");
/// id-scep-failInfoText
pub const FAIL_INFO_TEXT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.24.1");

/// Longer than any client's: most write 32 to 64 characters.
const MAX_TRANSACTION_ID: usize = 255;

/// What a client asks for: the types that we answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// 17: a renewal.
    RenewalReq,
    /// 19: a first enrolment, or a renewal by an older client.
    PkcsReq,
    /// 20: asks after a request that waits.
    CertPoll,
    /// 21: asks for a certificate.
    GetCert,
    /// 22: asks for a CRL.
    GetCrl,
}

impl MessageType {
    /// Reads the attribute. Errors: `scep-message-type` for anything that is not on the list (18 is obsolete and
    /// skipped authorization in a peer, CVE-2026-30836; 3 is a reply).
    pub fn read(attributes: &Attributes<'_>) -> Result<Self> {
        let refused = |detail: &str| Error::invalid("scep-message-type", detail);
        let value = attributes.single(MESSAGE_TYPE)?.ok_or_else(|| refused("messageType missing"))?;
        match (value.tag, value.content) {
            (tlv::PRINTABLE_STRING, b"17") => Ok(Self::RenewalReq),
            (tlv::PRINTABLE_STRING, b"19") => Ok(Self::PkcsReq),
            (tlv::PRINTABLE_STRING, b"20") => Ok(Self::CertPoll),
            (tlv::PRINTABLE_STRING, b"21") => Ok(Self::GetCert),
            (tlv::PRINTABLE_STRING, b"22") => Ok(Self::GetCrl),
            _ => Err(refused("messageType not supported")),
        }
    }
}

/// What a reply repeats of its request.
#[derive(Clone, Debug)]
pub struct Echo {
    /// The transaction id, a PrintableString, verbatim.
    pub transaction_id: String,
    /// The client's nonce, if it has a length that may be.
    pub sender_nonce: Option<Vec<u8>>,
}

impl Echo {
    /// Reads it, as far as it can be read before the signature is checked.
    /// Errors: `scep-unreadable`: without a signed transaction id there is nothing to answer to.
    pub fn read(signer: &SignerInfo<'_>) -> Result<Self> {
        let attributes =
            signer.signed_attributes.as_ref().ok_or_else(|| unreadable("signedAttrs missing"))?;
        let unsigned = signer.unsigned_attributes.as_ref().is_some_and(|a| a.contains(TRANSACTION_ID));
        let value =
            attributes.single(TRANSACTION_ID).map_err(|e| unreadable(e.detail()))?.ok_or_else(|| {
                unreadable(if unsigned { "transactionID not signed" } else { "transactionID missing" })
            })?;
        let text = std::str::from_utf8(value.content).ok().filter(|text| is_printable_string(text));
        let transaction_id = text
            .filter(|_| value.tag == tlv::PRINTABLE_STRING)
            .ok_or_else(|| unreadable("transactionID is not a PrintableString"))?
            .to_owned();
        if !(1..=MAX_TRANSACTION_ID).contains(&transaction_id.len()) {
            return Err(unreadable("transactionID must have 1 to 255 characters"));
        }
        Ok(Self { transaction_id, sender_nonce: sender_nonce(attributes).ok() })
    }
}

/// The client's nonce: 16 bytes by the RFC, 8 from Apple and old devices (SCEP-30).
/// Errors: `scep-nonce`, `cms-attribute`.
pub fn sender_nonce(attributes: &Attributes<'_>) -> Result<Vec<u8>> {
    let value = attributes.single(SENDER_NONCE)?;
    match value {
        Some(v) if v.tag == tlv::OCTET_STRING && (8..=16).contains(&v.content.len()) => {
            Ok(v.content.to_vec())
        }
        Some(_) | None => Err(Error::invalid("scep-nonce", "senderNonce must be 8 to 16 bytes")),
    }
}

/// X.680 §41.4
fn is_printable_string(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b))
}

fn unreadable(detail: &str) -> Error {
    Error::malformed("scep-unreadable", detail)
}
