//! The bytes to be signed, read back and held against RFC 5280 (checklist D) before they are signed.
//!
//! The reading is done with the crate `der` and not with our own writer's code, so that a fault of the
//! writer is seen.

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;

mod extensions;
mod general_names;
mod names;
mod read;
mod times;
mod usages;

/// Holds a TBSCertificate (DER) that `issuer` is to sign against the rules.
/// Errors: `lint` naming the rule and the field.
pub fn lint(tbs: &[u8], issuer: &Certificate) -> Result<()> {
    lint_under(tbs, &Issuer::of(issuer)?)
}

/// What the rules need to know of an issuer; of a root to be made before it has a certificate.
#[derive(Clone, Debug)]
pub(super) struct Issuer {
    /// Its subject, DER.
    pub subject: Vec<u8>,
    /// Its SubjectKeyIdentifier.
    pub key_id: Vec<u8>,
    /// The first moment of its validity.
    pub not_before: Timestamp,
    /// The last moment of its validity.
    pub not_after: Timestamp,
    /// Whether it may sign CAs.
    pub signs_cas: bool,
}

impl Issuer {
    /// From its certificate. Errors: `lint` without a SubjectKeyIdentifier.
    pub fn of(certificate: &Certificate) -> Result<Self> {
        let key_id = certificate
            .subject_key_id()
            .ok_or_else(|| broken("issuer", "the issuer's certificate has no SubjectKeyIdentifier"))?;
        Ok(Self {
            subject: certificate.subject().der().to_vec(),
            key_id,
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            signs_cas: certificate.path_len() != Some(0),
        })
    }
}

/// As [`lint`], under an issuer that may have no certificate yet.
pub(super) fn lint_under(tbs: &[u8], issuer: &Issuer) -> Result<()> {
    let parts = read::Parts::read(tbs)?;
    version(&parts)?;
    serial(parts.serial)?;
    if parts.issuer != issuer.subject {
        return Err(broken("issuer", "must be byte for byte the subject of the CA that signs"));
    }
    times::hold(parts.not_before, parts.not_after, issuer)?;
    let has_subject = names::hold(parts.subject)?;
    extensions::hold(&parts, has_subject, issuer)
}

fn version(parts: &read::Parts<'_>) -> Result<()> {
    if parts.version == [2] {
        return Ok(());
    }
    Err(broken("version", "must be v3"))
}

/// RFC 5280 §4.1.2.2: positive, at most 20 octets; the CA/Browser Forum's rule: 64 random bits at least.
fn serial(content: &[u8]) -> Result<()> {
    let (Some(&first), second) = (content.first(), content.get(1)) else {
        return Err(broken("serialNumber", "is empty"));
    };
    let padded = first == 0 && second.is_some_and(|&next| next < 0x80);
    if first >= 0x80 || padded || content.iter().all(|&b| b == 0) {
        return Err(broken("serialNumber", "must be positive and minimal"));
    }
    if !(8..=20).contains(&content.len()) {
        return Err(broken("serialNumber", "must have at least 64 bits and at most 20 octets"));
    }
    Ok(())
}

/// A rule that does not hold.
fn broken(field: &str, rule: impl std::fmt::Display) -> Error {
    Error::invalid("lint", format!("{field} {rule}")).at(field)
}

#[cfg(test)]
mod tests;
