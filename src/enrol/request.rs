//! The one internal type that every edge makes.

use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::audit::Actor;
use crate::ca::records::CertificateRecord;
use crate::clock::Timestamp;
use crate::device::records::DeviceRecord;
use crate::id::{CaId, ProfileId};
use crate::store::Stored;
use crate::x509::csr::Csr;
use crate::x509::key::PublicKey;
use crate::x509::name::Name;
use crate::x509::san::San;

/// A request for a certificate, read and with its proof of possession checked.
#[derive(Debug)]
pub struct Request {
    /// By which profile.
    pub profile: ProfileId,
    /// What is asked for.
    pub application: Application,
    /// What speaks for the requester.
    pub proof: Proof,
    /// The client's own transaction, if the protocol has one.
    pub transaction: Option<Transaction>,
    /// Who asks, for the audit log.
    pub actor: Actor,
    /// The peer's address, for throttling; none for ourselves.
    pub address: Option<IpAddr>,
    /// Not later than this, if less than the profile gives is wanted.
    pub not_after: Option<Timestamp>,
    /// Another CA than the one in force: for our own identities any, for others the announced successor alone.
    pub issuer: Option<CaId>,
}

/// What is asked for: an identity and a key.
#[derive(Debug)]
pub enum Application {
    /// A PKCS#10 request, whose key signed it.
    Csr(Csr),
    /// A key that a device sent by itself: CAPF gives no proof that the device has its other half.
    Key {
        /// The public key.
        public_key: PublicKey,
        /// The wished subject.
        subject: Name,
        /// The wished alternative names.
        sans: Vec<San>,
    },
}

impl Application {
    /// The wished subject.
    pub fn subject(&self) -> &Name {
        match self {
            Self::Csr(csr) => csr.subject(),
            Self::Key { subject, .. } => subject,
        }
    }

    /// The key.
    pub fn public_key(&self) -> &PublicKey {
        match self {
            Self::Csr(csr) => csr.public_key(),
            Self::Key { public_key, .. } => public_key,
        }
    }

    /// The wished alternative names.
    pub fn sans(&self) -> &[San] {
        match self {
            Self::Csr(csr) => csr.sans(),
            Self::Key { sans, .. } => sans,
        }
    }

    /// What was received: the PKCS#10 request, or the SubjectPublicKeyInfo alone (DER).
    pub fn received(&self) -> &[u8] {
        match self {
            Self::Csr(csr) => csr.der(),
            Self::Key { public_key, .. } => public_key.spki(),
        }
    }

    /// SHA-256 of what was received.
    pub fn digest(&self) -> [u8; 32] {
        match self {
            Self::Csr(csr) => csr.digest(),
            Self::Key { public_key, .. } => public_key.fingerprint(),
        }
    }
}

impl From<Csr> for Application {
    fn from(csr: Csr) -> Self {
        Self::Csr(csr)
    }
}

/// What speaks for a requester.
pub enum Proof {
    /// Nothing: only a profile with manual approval takes it.
    None,
    /// A challenge password.
    Challenge(Zeroizing<String>),
    /// A certificate of ours whose key signed this very request (SCEP), or made the TLS connection that it came by; a
    /// challenge that came along must match too.
    Renewal {
        /// The certificate that speaks for itself.
        certificate: Box<CertificateRecord>,
        /// A challenge that came along.
        challenge: Option<Zeroizing<String>>,
    },
    /// An operator with the right to issue by this profile.
    Operator {
        /// The token's name.
        name: String,
        /// The certificate that he renews: the request is for the same identity.
        renews: Option<Box<CertificateRecord>>,
    },
    /// A device that came for the operation that is pending for it, and has proven itself as that operation asks.
    Device(Box<DeviceProof>),
    /// Signet itself, for its own identities.
    Internal,
}

/// A device that has proven itself.
#[derive(Debug)]
pub struct DeviceProof {
    /// The device as it was when it proved itself; what is issued is written into it, if it is still the same.
    pub device: Stored<DeviceRecord>,
    /// The certificate of ours that it proved itself by, or that its new one replaces.
    pub replaces: Option<Box<CertificateRecord>>,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Challenge(_) => "Challenge",
            Self::Renewal { .. } => "Renewal",
            Self::Operator { .. } => "Operator",
            Self::Device(_) => "Device",
            Self::Internal => "Internal",
        })
    }
}

/// A client's transaction (RFC 8894 §3.2.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The transaction id, verbatim.
    pub id: String,
    /// SHA-256 of the signer's SubjectPublicKeyInfo.
    pub signer_key: [u8; 32],
}
