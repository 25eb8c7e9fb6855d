//! Public keys, checked, and the signatures they verify.

use std::sync::Arc;

use aws_lc_rs::signature::ParsedPublicKey;
use sha2::{Digest as _, Sha256};

use crate::error::Result;

mod algorithm;
mod device;
mod ec;
#[cfg(feature = "legacy")]
pub mod old;
mod rsa;
mod scheme;
mod spki;

pub use algorithm::{Digest, KeyAlgorithm, KeyKind};
pub use device::DeviceKey;
pub use scheme::{pss_digest, signature_algorithm};

/// A public key that passed the checks of CSR-08, -10, -11, -14, -18, -20, -21, -23, -24.
#[derive(Clone)]
pub struct PublicKey {
    spki: Vec<u8>,
    kind: KeyKind,
    /// The key as aws-lc holds it, for the digest that goes with it most often: a message brings several signatures
    /// by one key, and reading it and setting up its arithmetic costs a quarter of an RSA verification.
    parsed: Arc<ParsedPublicKey>,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo and checks it. A compressed point is re-coded (never stored raw).
    /// Errors: `bad-csr` with the catalogue's text.
    pub fn from_spki(der: &[u8]) -> Result<Self> {
        spki::check(der, None).map(Self::checked)
    }

    fn checked(spki::Checked { spki, kind, parsed }: spki::Checked) -> Self {
        Self { spki, kind, parsed }
    }

    /// The SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The octets of the key's bit string.
    pub fn bits(&self) -> &[u8] {
        spki::key_bits(&self.spki)
    }

    /// Its kind.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The kind as keys of today are named; none for another RSA size (as 2049, or 1024 of an old device).
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
        Sha256::digest(&self.spki).into()
    }

    /// The key identifier of RFC 7093 §2 method 1: the leftmost 160 bits of SHA-256 over the key's bit string.
    pub fn key_id(&self) -> [u8; 20] {
        let hash: [u8; 32] = Sha256::digest(spki::key_bits(&self.spki)).into();
        let mut id = [0; 20];
        id.copy_from_slice(&hash[..20]);
        id
    }

    /// Verifies `signature` over `message`, where `algorithm` is the DER of the AlgorithmIdentifier that stands
    /// beside it (RSA PKCS#1 v1.5 and ECDSA with SHA-256/384/512; bounded RSA-PSS with SHA-2).
    /// Errors: `signature-invalid`, `signature-algorithm`.
    pub fn verify(&self, algorithm: &[u8], message: &[u8], signature: &[u8]) -> Result<()> {
        scheme::verify(self, algorithm, message, signature)
    }

    /// The strict option of CSR-10, about 10 ms for 2048 bits: a modulus that is itself a prime has no
    /// second factor, and its private key is known to all. EC keys pass.
    /// Errors: `bad-csr` "invalid RSA modulus".
    pub fn refuse_prime_modulus(&self) -> Result<()> {
        match self.kind {
            KeyKind::Rsa(_) => rsa::refuse_prime_modulus(spki::key_bits(&self.spki)),
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => Ok(()),
        }
    }
}

/// Whether the key in a SubjectPublicKeyInfo is one that is checked, and verifies a signature, in 100 us or so: on P-256,
/// or RSA of 2048 bits. Nothing of it is checked here.
pub(super) fn is_quick(spki: &[u8]) -> bool {
    spki::is_quick(spki)
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?})", self.kind)
    }
}

#[cfg(test)]
mod tests;
