//! Full CRLs: made from the revocations of a CA, numbered, and swapped in one write.

use crate::ca::Authority;
use crate::ca::records::CrlRecord;
use crate::error::Result;
use crate::id::CaId;

/// Makes, signs and stores the next CRL of a CA (CRLNumber one higher than the last).
/// Errors: `ca-not-ready` if its key is not here.
pub async fn publish(_authority: &Authority, _ca: &CaId) -> Result<CrlRecord> {
    todo!()
}
