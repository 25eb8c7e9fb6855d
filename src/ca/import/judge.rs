//! Whether a certificate belongs to a CA that moves in.

use super::old_signature::is_signed_by;
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;

/// What a certificate is to a CA.
#[derive(Debug)]
pub enum Judged {
    /// Issued by it.
    Issued(Box<Certificate>),
    /// Not to be kept as an issued one: why.
    Skipped(String),
}

/// Reads a certificate (DER) and holds it against the CA's own: issuer and signature, over the bytes as received.
/// Errors: `bad-certificate`, `foreign-certificate`.
pub fn judge(der: &[u8], ca: &Certificate) -> Result<Judged> {
    if der == ca.der() {
        return Ok(Judged::Skipped("it is the CA's own certificate".to_owned()));
    }
    let certificate = Certificate::from_der(der)?;
    if !certificate.issuer().matches(ca.subject()) {
        return Err(foreign(format!("it was issued by {}, not by this CA", certificate.issuer())));
    }
    if !is_signed_by(&certificate, ca) {
        return Err(foreign("its signature is not by this CA's key".to_owned()));
    }
    if certificate.is_ca() {
        let hint = "it is the certificate of a CA: bring that CA in under a name of its own";
        return Ok(Judged::Skipped(hint.to_owned()));
    }
    Ok(Judged::Issued(Box::new(certificate)))
}

fn foreign(detail: String) -> Error {
    Error::invalid("foreign-certificate", detail)
}
