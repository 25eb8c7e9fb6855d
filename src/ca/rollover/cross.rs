//! The certificates by which one generation of a CA certifies the other's key (RFC 4210 §4.4).

use std::sync::Arc;

use super::records::{RolloverRecord, Stage};
use crate::ca::Hierarchy;
use crate::error::Result;
use crate::id::CaId;
use crate::x509::cert::Certificate;

/// A CA's key, certified by another generation of it.
#[derive(Clone, Debug)]
pub struct CrossCertificate {
    /// Whose key.
    pub subject: CaId,
    /// Who certifies it.
    pub issuer: CaId,
    /// The certificate.
    pub certificate: Arc<Certificate>,
}

impl CrossCertificate {
    /// Those of all rollovers that were not called off and whose outgoing CA has not retired. Errors: `bad-certificate`.
    pub(in crate::ca) fn of_all(rollovers: &[RolloverRecord]) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for rollover in rollovers.iter().filter(|r| r.retired.is_none()) {
            match rollover.stage {
                Stage::Prepared { .. } | Stage::Active { .. } => {
                    let RolloverRecord { current, next, .. } = rollover;
                    all.push(Self::read(next, current, &rollover.next_by_current)?);
                    if let Some(der) = &rollover.current_by_next {
                        all.push(Self::read(current, next, der)?);
                    }
                }
                Stage::Cancelled { .. } => {}
            }
        }
        Ok(all)
    }

    /// Those that certify the key of `subject`, whatever became of their rollover: what was handed out once is accepted
    /// until it expires or is revoked. Errors: `bad-certificate`.
    pub(in crate::ca) fn of_subject(rollovers: &[RolloverRecord], subject: &CaId) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for RolloverRecord { current, next, next_by_current, current_by_next, .. } in rollovers {
            if next == subject {
                all.push(Self::read(next, current, next_by_current)?);
            }
            if let Some(der) = current_by_next.as_ref().filter(|_| current == subject) {
                all.push(Self::read(current, next, der)?);
            }
        }
        Ok(all)
    }

    /// Whether the CA whose key it certifies is trusted: neither it nor a CA above it was revoked.
    pub fn is_trusted(&self, hierarchy: &Hierarchy) -> bool {
        hierarchy.require(&self.subject).is_ok_and(|ca| ca.revoked.is_none())
    }

    fn read(subject: &CaId, issuer: &CaId, der: &[u8]) -> Result<Self> {
        let certificate = Arc::new(Certificate::from_der(der)?);
        Ok(Self { subject: subject.clone(), issuer: issuer.clone(), certificate })
    }

    /// Its name in addresses: `rsa-root-g2.by-rsa-root` is served at `/ca/rsa-root-g2.by-rsa-root.crt`.
    pub fn name(&self) -> String {
        format!("{}.by-{}", self.subject, self.issuer)
    }
}
