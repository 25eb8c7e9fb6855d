//! PEM (RFC 7468) and the certs-only PKCS#7 (RFC 2315, degenerate SignedData).

use crate::error::Result;

/// One PEM block, lines of 64, ending in a newline.
pub fn encode(_label: &str, _der: &[u8]) -> String {
    todo!()
}

/// All blocks of a PEM text as (label, DER), in order; text between them is skipped.
/// Errors: `bad-pem` for a broken block or more than `max` of them.
pub fn decode_all(_text: &[u8], _max: usize) -> Result<Vec<(String, Vec<u8>)>> {
    todo!()
}

/// A degenerate SignedData (ContentInfo, DER) that holds these certificates in the given order.
pub fn pkcs7_certs_only(_certificates: &[&[u8]]) -> Result<Vec<u8>> {
    todo!()
}
