//! The certificates that a cluster trusts, as they are looked up: by their very bytes, and by serial number and names.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::name::is_name;
use crate::clock::Timestamp;
use crate::trust::records::serial_key;
use crate::trust::role::Role;
use crate::x509::cert::Certificate;

/// A certificate that a cluster trusts.
#[derive(Clone, Debug)]
pub struct Known {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// Its SHA-256.
    pub fingerprint: [u8; 32],
    /// What it may do, by code, each once.
    pub roles: Vec<Role>,
}

impl Known {
    /// Whether it is valid at `now`, and for how many whole seconds that may be remembered: at most `ttl`, and not
    /// beyond its expiry.
    pub fn remaining(&self, now: Timestamp, ttl: u32) -> Option<u32> {
        if !self.certificate.is_valid_at(now) {
            return None;
        }
        let left = self.certificate.not_after().since(now).as_secs();
        Some(u32::try_from(left).unwrap_or(u32::MAX).min(ttl))
    }
}

/// What a cluster trusts.
#[derive(Clone, Debug, Default)]
pub struct Index {
    by_der: HashMap<Vec<u8>, Arc<Known>>,
    by_serial: HashMap<Vec<u8>, Vec<Arc<Known>>>,
}

impl Index {
    /// Of these certificates; one that comes twice has the roles of both.
    pub fn new(certificates: impl IntoIterator<Item = (Arc<Certificate>, Vec<Role>)>) -> Self {
        let mut all: HashMap<Vec<u8>, (Arc<Certificate>, BTreeSet<Role>)> = HashMap::new();
        for (certificate, roles) in certificates {
            let entry = all.entry(certificate.der().to_vec());
            entry.or_insert_with(|| (certificate, BTreeSet::new())).1.extend(roles);
        }
        let mut index = Self::default();
        for (der, (certificate, roles)) in all {
            let serial = serial_key(certificate.serial());
            let fingerprint = certificate.fingerprint();
            let known = Arc::new(Known { certificate, fingerprint, roles: roles.into_iter().collect() });
            index.by_serial.entry(serial).or_default().push(Arc::clone(&known));
            index.by_der.insert(der, known);
        }
        index
    }

    /// The certificate of these bytes.
    pub fn of_der(&self, der: &[u8]) -> Option<&Arc<Known>> {
        self.by_der.get(der)
    }

    /// The certificate of this serial number (without leading zeros) and these names, if exactly one has them.
    pub fn of_names(&self, serial: &[u8], subject: &str, issuer: &str) -> Option<&Arc<Known>> {
        let named = |known: &&Arc<Known>| {
            is_name(subject, known.certificate.subject()) && is_name(issuer, known.certificate.issuer())
        };
        let mut found = self.by_serial.get(serial)?.iter().filter(named);
        found.next().filter(|_| found.next().is_none())
    }

    /// Every certificate.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Known>> {
        self.by_der.values()
    }
}
