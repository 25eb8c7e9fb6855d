//! A certificate that a cluster trusts, and for what.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{CaId, ClusterId, KeyId, Serial};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, PRIMARY, Record, Scan};
use crate::trust::role::Role;
use crate::x509::cert::Certificate;

/// Where an anchor comes from, and so who holds its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Our recovery signer, with its key.
    Recovery {
        /// The key in the key store.
        key: KeyId,
    },
    /// A CA of ours.
    Authority {
        /// Which.
        ca: CaId,
    },
    /// An identity of our own, with its key.
    Identity {
        /// Its name, as `tvs`.
        name: String,
        /// The key in the key store.
        key: KeyId,
    },
    /// Another's: its key is not here.
    Imported {
        /// From where, for people: a file's name.
        from: String,
    },
}

impl Source {
    /// The key, if it is here and may sign for a cluster.
    pub fn key(&self) -> Option<&KeyId> {
        match self {
            Self::Recovery { key } | Self::Identity { key, .. } => Some(key),
            Self::Authority { .. } | Self::Imported { .. } => None,
        }
    }
}

/// A certificate that a cluster trusts: one record for each cluster and certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchorRecord {
    /// Whose.
    pub cluster: ClusterId,
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// What it may do, never nothing: each is an entry of a list.
    pub roles: BTreeSet<Role>,
    /// Where it comes from.
    pub source: Source,
    /// The name of its server, as it stands in a list.
    pub dns_name: Option<String>,
    /// The address of its server, as it stands in a list.
    pub address: Option<Ipv4Addr>,
    /// When it was added.
    pub added: Timestamp,
    /// Who added it, for people.
    pub added_by: String,
}

impl AnchorRecord {
    /// By serial number as lists and TVS write it; see [`serial_key`].
    pub const BY_SERIAL: Index = Index { id: 1, name: "serial", unique: false };
    /// By the certificate's SHA-256, over all clusters.
    pub const BY_FINGERPRINT: Index = Index { id: 2, name: "fingerprint", unique: false };

    /// The key of a certificate in a cluster.
    pub fn key_of(cluster: &ClusterId, fingerprint: &[u8; 32]) -> Vec<u8> {
        KeyBuilder::new().text(cluster.as_str()).bytes(fingerprint).build()
    }

    /// A scan of the anchors of a cluster.
    pub fn scan(cluster: &ClusterId) -> Scan {
        Scan::all::<Self>(PRIMARY).prefix(KeyBuilder::new().text(cluster.as_str()).build())
    }

    /// The certificate, read. Errors: `bad-certificate`.
    pub fn read(&self) -> Result<Certificate> {
        Certificate::from_der(&self.certificate)
    }

    /// Whether it has this role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// A serial number as lists and TVS write it: its octets without the zeros that lead it, one octet at least.
pub fn serial_key(serial: &Serial) -> Vec<u8> {
    let octets = serial.content();
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    octets[zeros.min(octets.len() - 1)..].to_vec()
}

impl Record for AnchorRecord {
    const KIND: Kind = Kind { id: 80, name: "trust-anchor" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.cluster, &self.fingerprint)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        let mut keys = vec![IndexKey { index: Self::BY_FINGERPRINT, key: self.fingerprint.to_vec() }];
        // What stands here was read before it was stored.
        if let Ok(certificate) = self.read() {
            keys.push(IndexKey { index: Self::BY_SERIAL, key: serial_key(certificate.serial()) });
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_known_without_the_octet_of_its_sign() {
        let key = |octets: &[u8]| serial_key(&Serial::from_content(octets).unwrap());
        assert_eq!(key(&[0, 0x80, 1]), [0x80, 1]);
        assert_eq!(key(&[0x7f]), [0x7f]);
        assert_eq!(key(&[0]), [0]);
        assert_eq!(key(&[0, 0]), [0]);
    }
}
