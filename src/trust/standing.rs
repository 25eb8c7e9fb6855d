//! Whether a certificate still stands for its key: in date, and not revoked as far as that is known here.

use std::sync::Arc;

use crate::ca::import::records::ImportedRevocationRecord;
use crate::ca::records::{Status, serials};
use crate::ca::{Authority, Hierarchy};
use crate::error::Result;
use crate::id::{CaId, Serial};
use crate::store::Db;
use crate::x509::cert::Certificate;

/// How a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In date, and not revoked.
    Valid,
    /// Not yet, or no longer, in date.
    Expired,
    /// It was revoked, or its issuer was.
    Revoked,
}

/// How a certificate stands now. Errors: `storage`.
pub async fn of(authority: &Authority, certificate: &Certificate) -> Result<Standing> {
    let hierarchy = authority.hierarchy();
    let issuer = Issuer::of(&hierarchy, certificate);
    if issuer.revoked(&authority.db, &hierarchy, certificate.serial()).await? {
        return Ok(Standing::Revoked);
    }
    let is_valid = certificate.is_valid_at(authority.clock.now());
    Ok(if is_valid { Standing::Valid } else { Standing::Expired })
}

/// Who can revoke a certificate.
pub(in crate::trust) enum Issuer {
    /// It is a CA of ours.
    Itself(CaId),
    /// A CA of ours issued it.
    Ours(CaId),
    /// Another: whether it was revoked is not known here.
    Foreign,
}

impl Issuer {
    /// Who can revoke this one.
    pub(in crate::trust) fn of(hierarchy: &Hierarchy, certificate: &Certificate) -> Self {
        let is_it = |ours: &Arc<Certificate>| ours.der() == certificate.der();
        if let Some(ca) = hierarchy.all().iter().find(|ca| ca.certificate.as_ref().is_some_and(is_it)) {
            return Self::Itself(ca.record.id.clone());
        }
        match hierarchy.issuer_of(certificate) {
            Some(ca) => Self::Ours(ca.record.id.clone()),
            None => Self::Foreign,
        }
    }

    /// Whether it revoked the certificate of that serial number, or was revoked itself. Errors: `storage`.
    pub(in crate::trust) async fn revoked(
        &self,
        db: &Db,
        hierarchy: &Hierarchy,
        serial: &Serial,
    ) -> Result<bool> {
        match self {
            Self::Foreign => Ok(false),
            Self::Itself(ca) => Ok(is_ca_revoked(hierarchy, ca)),
            Self::Ours(ca) if is_ca_revoked(hierarchy, ca) => Ok(true),
            Self::Ours(ca) => match serials::of(db, ca, serial).await? {
                Some(record) => Ok(record.value.status != Status::Good),
                // Before the CA moved in, certificates were issued and revoked that are not here.
                None => {
                    let key = ImportedRevocationRecord::key_of(ca, serial);
                    Ok(db.get::<ImportedRevocationRecord>(&key).await?.is_some())
                }
            },
        }
    }
}

/// Whether a CA of ours or one above it was revoked; one that is not there any more vouches for nothing.
fn is_ca_revoked(hierarchy: &Hierarchy, ca: &CaId) -> bool {
    let mut next = Some(ca);
    // No hierarchy is as deep as it has CAs.
    for _ in hierarchy.all() {
        let Some(id) = next else { return false };
        match hierarchy.require(id) {
            Ok(ca) if ca.revoked.is_none() => next = ca.record.parent.as_ref(),
            Ok(_) | Err(_) => return true,
        }
    }
    next.is_some()
}
