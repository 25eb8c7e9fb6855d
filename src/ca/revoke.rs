//! Revocation: one durable write, however many are revoked already.

use crate::audit::Actor;
use crate::ca::Authority;
use crate::ca::records::CertificateRecord;
use crate::error::Result;
use crate::id::Serial;
use crate::x509::crl::Reason;

/// Revokes a certificate of ours; revoking it again with the same reason changes nothing.
/// Errors: `not-found`, `already-revoked` (another reason), `ca-certificate` (a CA's or our own: needs another right).
pub async fn revoke(
    _authority: &Authority,
    _serial: &Serial,
    _reason: Reason,
    _actor: Actor,
) -> Result<CertificateRecord> {
    todo!()
}
