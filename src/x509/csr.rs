//! PKCS#10 requests (RFC 2986), read as received and checked by the catalogue's CSR rows.

use zeroize::Zeroizing;

use crate::error::Result;
use crate::x509::key::PublicKey;
use crate::x509::name::Name;
use crate::x509::san::San;

/// How strictly to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// The API: version must be 0.
    Strict,
    /// SCEP: Apple sends other versions (CSR-03).
    Device,
}

/// A request that was read and whose proof of possession holds.
#[derive(Clone)]
pub struct Csr {
    der: Vec<u8>,
    subject: Name,
    public_key: PublicKey,
    sans: Vec<San>,
    challenge: Option<Zeroizing<String>>,
}

impl Csr {
    /// Reads DER, checks every CSR row that needs no profile, and verifies the signature over the received bytes.
    /// Errors: `bad-csr`, with the catalogue's text.
    pub fn from_der(_der: &[u8], _leniency: Leniency) -> Result<Self> {
        todo!()
    }
    /// Reads PEM (exactly one request), base64 or DER, at most 64 KiB. Errors: as `from_der`, and `not a PKCS#10 request`.
    pub fn read(_bytes: &[u8], _leniency: Leniency) -> Result<Self> {
        todo!()
    }
    /// The DER as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }
    /// SHA-256 of the DER.
    pub fn digest(&self) -> [u8; 32] {
        todo!()
    }
    /// The subject asked for.
    pub fn subject(&self) -> &Name {
        &self.subject
    }
    /// The key, proven to be the requester's.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
    /// The alternative names asked for, checked for form.
    pub fn sans(&self) -> &[San] {
        &self.sans
    }
    /// The challengePassword attribute (RFC 2985 §5.4.1).
    pub fn challenge(&self) -> Option<&str> {
        self.challenge.as_ref().map(|c| c.as_str())
    }
}

impl std::fmt::Debug for Csr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Csr").field("subject", &self.subject).field("key", &self.public_key).finish()
    }
}
