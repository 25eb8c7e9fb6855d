//! The one internal type that every edge makes.

use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::audit::Actor;
use crate::ca::records::CertificateRecord;
use crate::clock::Timestamp;
use crate::id::{CaId, ProfileId};
use crate::x509::csr::Csr;

/// A request for a certificate, read and with its proof of possession checked.
#[derive(Debug)]
pub struct Request {
    /// By which profile.
    pub profile: ProfileId,
    /// The PKCS#10 request.
    pub csr: Csr,
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
    /// Signet itself, for its own identities.
    Internal,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Challenge(_) => "Challenge",
            Self::Renewal { .. } => "Renewal",
            Self::Operator { .. } => "Operator",
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
