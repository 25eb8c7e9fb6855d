//! One entry: whom phones are to trust, and as what.

use std::net::Ipv4Addr;
use std::sync::Arc;

use sha2::Digest as _;

use crate::error::{Error, Result};
use crate::trust::role::Role;
use crate::trust::sign::PublicKeyBits;
use crate::trust::tlv::{names, serial};
use crate::x509::cert::Certificate;

/// The longest DNS name, in octets.
const MAX_DNS_NAME: usize = 253;

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    role: Role,
    dns_name: Option<String>,
    address: Option<Ipv4Addr>,
    trusted: Trusted,
}

/// The certificate of an entry, or what a small list has in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// The certificate.
    Certificate(Arc<Certificate>),
    /// Its hash, with what a phone looks for.
    Hash(CertificateHash),
}

/// What a small list says of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateHash {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) serial: Vec<u8>,
    pub(super) public_key: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) algorithm: HashAlgorithm,
    pub(super) hash: Vec<u8>,
}

/// The algorithm of a certificate's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Entry {
    /// A certificate in a role.
    pub fn new(role: Role, certificate: Arc<Certificate>) -> Self {
        Self { role, dns_name: None, address: None, trusted: Trusted::Certificate(certificate) }
    }

    /// The hash of a certificate in a role, for a small list. Errors: `bad-certificate`.
    pub fn hashed(role: Role, certificate: &Certificate, algorithm: HashAlgorithm) -> Result<Self> {
        let hash = CertificateHash {
            subject: names::text(certificate.subject()),
            issuer: names::text(certificate.issuer()),
            serial: serial::minimal(certificate.serial().content()).to_vec(),
            public_key: PublicKeyBits::in_record(certificate)?.into_owned(),
            signature: certificate.signature().to_vec(),
            algorithm,
            hash: algorithm.hash(certificate.der()),
        };
        Ok(Self { role, dns_name: None, address: None, trusted: Trusted::Hash(hash) })
    }

    /// The entry with the host name of who presents the certificate; an empty one is written as a lone NUL.
    /// Errors: `bad-dns-name`.
    pub fn with_dns_name(mut self, name: &str) -> Result<Self> {
        let is_plain = name.bytes().all(|b| b.is_ascii_graphic());
        if name.len() > MAX_DNS_NAME || !is_plain {
            return Err(Error::invalid(
                "bad-dns-name",
                "the DNS name of an entry has at most 253 visible ASCII characters",
            ));
        }
        self.dns_name = Some(name.to_owned());
        Ok(self)
    }

    /// The entry with the address of who presents the certificate.
    #[must_use]
    pub fn with_address(mut self, address: Ipv4Addr) -> Self {
        self.address = Some(address);
        self
    }

    pub(super) fn from_parts(
        role: Role,
        dns_name: Option<String>,
        address: Option<Ipv4Addr>,
        trusted: Trusted,
    ) -> Self {
        Self { role, dns_name, address, trusted }
    }

    /// Its role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The host name, if it has one (which may be empty).
    pub fn dns_name(&self) -> Option<&str> {
        self.dns_name.as_deref()
    }

    /// The address, if it has one.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.address
    }

    /// What is trusted.
    pub fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// The certificate; none in a small list.
    pub fn certificate(&self) -> Option<&Arc<Certificate>> {
        match &self.trusted {
            Trusted::Certificate(certificate) => Some(certificate),
            Trusted::Hash(_) => None,
        }
    }

    /// The subject as text.
    pub fn subject(&self) -> String {
        match &self.trusted {
            Trusted::Certificate(certificate) => names::text(certificate.subject()),
            Trusted::Hash(hash) => hash.subject.clone(),
        }
    }

    /// The issuer as text.
    pub fn issuer(&self) -> String {
        match &self.trusted {
            Trusted::Certificate(certificate) => names::text(certificate.issuer()),
            Trusted::Hash(hash) => hash.issuer.clone(),
        }
    }

    /// The serial number, minimal and unsigned.
    pub fn serial(&self) -> &[u8] {
        serial::minimal(match &self.trusted {
            Trusted::Certificate(certificate) => certificate.serial().content(),
            Trusted::Hash(hash) => &hash.serial,
        })
    }
}

impl CertificateHash {
    /// The public key: RSAPublicKey (DER) or an EC point.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The hash of the certificate's DER.
    pub fn hash(&self) -> &[u8] {
        &self.hash
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// Whether it is of this certificate.
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        self.algorithm.hash(certificate.der()) == self.hash
    }
}

impl HashAlgorithm {
    const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// Its number on the wire.
    pub fn code(self) -> u8 {
        match self {
            Self::Sha1 => 1,
            Self::Sha256 => 2,
            Self::Sha512 => 3,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    pub(super) fn octets(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn hash(self, der: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => sha1::Sha1::digest(der).to_vec(),
            Self::Sha256 => sha2::Sha256::digest(der).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(der).to_vec(),
        }
    }
}
