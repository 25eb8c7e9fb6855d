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
    /// Whoever signed a certificate, by name and signature: all certificates of that key, which may have several, as
    /// after a renewal. Empty if nobody here did.
    pub(super) fn signers_of(&self, certificate: &Certificate) -> Vec<&Certificate> {
        let named = || self.issuers.iter().filter(|ca| ca.subject().matches(certificate.issuer()));
        let mut keys = named().filter_map(|ca| ca.public_key().ok());
        let Some(signer) = keys.find(|key| certificate.verify_signed_by(key).is_ok()) else {
            return Vec::new();
        };
        named().filter(|ca| ca.spki() == signer.spki()).collect()
    }
}
