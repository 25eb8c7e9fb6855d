//! The names of key types and digests.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A key type with its size or curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyAlgorithm {
    /// RSA, modulus of 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// RSA, 3072 bits.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA, 4096 bits.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    /// ECDSA on P-256.
    #[serde(rename = "p-256")]
    P256,
    /// ECDSA on P-384.
    #[serde(rename = "p-384")]
    P384,
    /// ECDSA on P-521.
    #[serde(rename = "p-521")]
    P521,
}

impl KeyAlgorithm {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::P256, Self::P384, Self::P521];

    /// As written in profiles and commands: `rsa-2048`, `p-256` …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::P256 => "p-256",
            Self::P384 => "p-384",
            Self::P521 => "p-521",
        }
    }

    /// Whether it is RSA.
    pub fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }
}

impl std::fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for KeyAlgorithm {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == text).ok_or_else(|| {
            Error::invalid(
                "invalid-key-algorithm",
                "key is one of rsa-2048, rsa-3072, rsa-4096, p-256, p-384, p-521",
            )
        })
    }
}

/// A digest that we sign or verify with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// What kind of public key it is: RSA keys of any size from 2048 to 8192 bits that passed the caps of
/// checklist G, and EC points that lie on their curve; and RSA of 1024 bits, where `old::read` let it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyKind {
    /// RSA with so many bits.
    Rsa(u32),
    /// P-256.
    P256,
    /// P-384.
    P384,
    /// P-521.
    P521,
}

impl KeyKind {
    /// Whether it is RSA: such a key decrypts as well as it signs.
    pub fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa(_))
    }
}

/// `rsa-2048`, `p-384`: as the allowed types are named.
impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "rsa-{bits}"),
            Self::P256 => f.write_str("p-256"),
            Self::P384 => f.write_str("p-384"),
            Self::P521 => f.write_str("p-521"),
        }
    }
}
