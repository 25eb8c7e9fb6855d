//! What old devices need of our RSA keys and aws-lc does not do (feature `legacy`): signatures with SHA-1, by OpenSSL.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use crate::error::{Error, Result};

/// An RSA key as OpenSSL holds it, which zeroes it when it is dropped.
pub(super) struct OldRsaKey(PKey<Private>);

impl OldRsaKey {
    /// From PKCS#8 DER. Errors: `internal`.
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self> {
        PKey::private_key_from_pkcs8(pkcs8).map(Self).map_err(failed)
    }

    /// Signs `message` with SHA-1 and PKCS#1 v1.5 (RFC 8017 §8.2). Errors: `internal`, also where the machine's OpenSSL
    /// is configured to refuse SHA-1.
    pub(super) fn sign_sha1(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signer = Signer::new(MessageDigest::sha1(), &self.0).map_err(failed)?;
        signer.sign_oneshot_to_vec(message).map_err(failed)
    }
}

/// What OpenSSL says may hold more than is for an answer: the log has it as the cause.
fn failed(cause: ErrorStack) -> Error {
    Error::internal("OpenSSL could not sign with SHA-1").because(cause)
}

impl fmt::Debug for OldRsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OldRsaKey")
    }
}
