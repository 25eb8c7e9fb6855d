//! The bytes to be signed, read back and held against RFC 5280 (checklist D) before they are signed.

use crate::error::Result;
use crate::x509::cert::Certificate;

/// Holds a TBSCertificate (DER) that `issuer` is to sign against the rules.
/// Errors: `lint` naming the rule and the field.
pub fn lint(_tbs: &[u8], _issuer: &Certificate) -> Result<()> {
    todo!()
}
