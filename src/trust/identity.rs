//! Identities of our own that stand in trust lists. The server makes them: this room knows no enrolment.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::trust::role::Role;
use crate::x509::cert::Certificate;

/// What an identity is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Answers phones on TCP 2445.
    Tvs,
    /// Signs configuration files, and serves them over HTTPS.
    Tftp,
    /// Serves them over HTTPS on the first port, to phones that take an elliptic curve there; it signs none.
    TftpEc,
    /// Is met on the CAPF port where no CA presents itself.
    Capf,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tvs, Self::Tftp, Self::TftpEc, Self::Capf];

    /// Its name: that of the identity.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tvs => "tvs",
            Self::Tftp => "tftp",
            Self::TftpEc => "tftp-ec",
            Self::Capf => "capf-tls",
        }
    }

    /// The profile that it is issued by.
    pub fn profile(self) -> &'static str {
        match self {
            Self::Tvs => "tvs-tls",
            Self::Tftp => "tftp-tls",
            Self::TftpEc => "tftp-ec-tls",
            Self::Capf => "capf-tls",
        }
    }

    /// What it may do in a list.
    pub fn role(self) -> Role {
        match self {
            Self::Tvs => Role::Tvs,
            Self::Tftp => Role::CcmTftp,
            Self::TftpEc => Role::Tftp,
            Self::Capf => Role::Capf,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Purpose {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|purpose| purpose.as_str() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Error::invalid("invalid-identity", format!("an identity of our own is one of {names}"))
        })
    }
}

/// An identity of our own.
#[derive(Clone, Debug)]
pub struct OwnIdentity {
    /// What it is for.
    pub purpose: Purpose,
    /// Its key in the key store.
    pub key: KeyId,
    /// Its certificate.
    pub certificate: Arc<Certificate>,
    /// The chain above it, issuer first, DER.
    pub chain: Vec<Vec<u8>>,
}

/// Who holds our own identities.
#[async_trait::async_trait]
pub trait OwnIdentities: Send + Sync {
    /// The identity of that purpose, made if there is none. It is never renewed by itself: a certificate that changes
    /// before phones hold a list with the next one locks them out. Errors: those of enrolment; `not-found` if the
    /// policies lack its profile.
    async fn hold(&self, purpose: Purpose) -> Result<OwnIdentity>;
    /// Those of that purpose that can be shown now, newest first: which of them to show, phones' lists decide.
    /// Errors: `storage`.
    async fn held(&self, purpose: Purpose) -> Result<Vec<OwnIdentity>>;
    /// Makes the next one of that purpose; those before stay as long as they are valid. Errors: as [`Self::hold`].
    async fn renew(&self, purpose: Purpose) -> Result<OwnIdentity>;
}
