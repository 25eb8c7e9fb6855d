//! How long each of our own identities still lives, for metrics and health: none expires unnoticed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::admin::{Listing, OwnCertificate};
use crate::ca::Hierarchy;
use crate::clock::Timestamp;
use crate::x509::cert::Certificate;

/// The certificates that are held, by identity.
#[derive(Debug, Default)]
pub struct Own(Mutex<BTreeMap<String, OwnCertificate>>);

impl Own {
    /// Notes what an identity holds now.
    pub fn note(&self, identity: &str, certificate: &Certificate) {
        self.put(identity, certificate, None);
    }

    /// Notes what an identity of phones' lists shows now, and how it stands in them.
    pub fn note_listed(&self, identity: &str, certificate: &Certificate, listing: Listing) {
        self.put(identity, certificate, Some(listing));
    }

    fn put(&self, identity: &str, certificate: &Certificate, listing: Option<Listing>) {
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        let own = OwnCertificate { identity: identity.to_owned(), not_before, not_after, listing };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(identity.to_owned(), own);
    }

    /// Forgets an identity that is not wanted any more.
    pub fn forget(&self, identity: &str) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(identity).is_some() {
            // A series that is not told any more keeps its last value: it is told as over.
            metrics::gauge!("signet_identity_days_left", "identity" => identity.to_owned()).set(f64::NAN);
        }
    }

    /// What is held.
    pub fn all(&self) -> Vec<OwnCertificate> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Tells the metrics how many days are left to each identity and each CA.
    pub fn tell(&self, hierarchy: &Hierarchy, now: Timestamp) {
        for own in self.all() {
            metrics::gauge!("signet_identity_days_left", "identity" => own.identity)
                .set(days(own.not_after, now));
        }
        for ca in hierarchy.all().iter().filter(|ca| ca.retired.is_none()) {
            if let Some(certificate) = &ca.certificate {
                metrics::gauge!("signet_ca_days_left", "ca" => ca.record.id.to_string())
                    .set(days(certificate.not_after(), now));
            }
        }
    }
}

fn days(end: Timestamp, now: Timestamp) -> f64 {
    (end.millis() - now.millis()) as f64 / 86_400_000.0
}
