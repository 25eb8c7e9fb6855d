//! The CAs elsewhere, offline, whose LSCs a device may prove itself by.

use std::sync::Arc;

use crate::enrol::offline::lists::OfflineLists;
use crate::x509::cert::Certificate;

/// The CAs elsewhere that are believed, each by itself, and what they revoked as far as that is known here.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// Those that sign for the device, or did.
    pub issuers: Vec<Certificate>,
    /// Their lists that were brought here.
    pub lists: Arc<OfflineLists>,
}

impl Elsewhere {
    /// The one that signed a certificate, by name and signature.
    pub(super) fn signer_of(&self, certificate: &Certificate) -> Option<&Certificate> {
        let mut named = self.issuers.iter().filter(|ca| ca.subject().matches(certificate.issuer()));
        named.find(|ca| ca.public_key().is_ok_and(|key| certificate.verify_signed_by(&key).is_ok()))
    }
}
