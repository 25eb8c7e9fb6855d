//! Public keys, checked, and the signatures they verify.

use serde::{Deserialize, Serialize};

use crate::error::Result;

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
    type Err = crate::error::Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == text).ok_or_else(|| {
            crate::error::Error::invalid(
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
/// checklist G, and EC points that lie on their curve.
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

/// A public key that passed the checks of CSR-08, -10, -11, -14, -18, -20, -21, -23, -24.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    kind: KeyKind,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo and checks it. A compressed point is re-coded (never stored raw).
    /// Errors: `bad-csr` with the catalogue's text.
    pub fn from_spki(_der: &[u8]) -> Result<Self> {
        todo!()
    }
    /// The SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }
    /// Its kind.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }
    /// The kind as a profile writes it; none for an RSA size that no profile can name (as 2049).
    pub fn algorithm(&self) -> Option<KeyAlgorithm> {
        match self.kind {
            KeyKind::Rsa(2048) => Some(KeyAlgorithm::Rsa2048),
            KeyKind::Rsa(3072) => Some(KeyAlgorithm::Rsa3072),
            KeyKind::Rsa(4096) => Some(KeyAlgorithm::Rsa4096),
            KeyKind::Rsa(_) => None,
            KeyKind::P256 => Some(KeyAlgorithm::P256),
            KeyKind::P384 => Some(KeyAlgorithm::P384),
            KeyKind::P521 => Some(KeyAlgorithm::P521),
        }
    }
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub fn fingerprint(&self) -> [u8; 32] {
        todo!()
    }
    /// The key identifier of RFC 7093 §2 method 1: the leftmost 160 bits of SHA-256 over the key's bit string.
    pub fn key_id(&self) -> [u8; 20] {
        todo!()
    }
    /// Verifies `signature` over `message`, where `algorithm` is the DER of the AlgorithmIdentifier that stands
    /// beside it (RSA PKCS#1 v1.5 and ECDSA with SHA-256/384/512; bounded RSA-PSS with SHA-2).
    /// Errors: `signature-invalid`, `signature-algorithm`.
    pub fn verify(&self, _algorithm: &[u8], _message: &[u8], _signature: &[u8]) -> Result<()> {
        todo!()
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?})", self.kind)
    }
}

/// The DER AlgorithmIdentifier of a signature by a key of `kind` with `digest` (RFC 4055 with NULL
/// parameters for RSA, RFC 5758 without parameters for ECDSA).
pub fn signature_algorithm(_kind: KeyKind, _digest: Digest) -> Vec<u8> {
    todo!()
}
