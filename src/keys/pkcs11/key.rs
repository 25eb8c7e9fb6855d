//! A private key in a token.

use std::fmt;
use std::sync::Arc;

use cryptoki::mechanism::Mechanism;

use super::encoding;
use super::token::{SIGNATURE, Token};
use crate::error::{Error, Result};
use crate::keys::Signer;
use crate::x509::key::{Digest, KeyKind, PublicKey, signature_algorithm};

/// A key whose private half is in a token.
pub(super) struct TokenKey {
    token: Arc<Token>,
    /// CKA_ID.
    object: Vec<u8>,
    public: PublicKey,
}

impl TokenKey {
    pub fn new(token: &Arc<Token>, object: Vec<u8>, public: PublicKey) -> Self {
        Self { token: Arc::clone(token), object, public }
    }
}

impl Signer for TokenKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn default_digest(&self) -> Digest {
        match self.public.kind() {
            KeyKind::Rsa(_) | KeyKind::P256 => Digest::Sha256,
            KeyKind::P384 => Digest::Sha384,
            KeyKind::P521 => Digest::Sha512,
        }
    }

    /// The digest is computed here: a CRL of megabytes needs not travel. What the token gives is verified, so that neither
    /// a fault of it nor another key under the same name ever stands in a certificate.
    fn sign(&self, digest: Digest, message: &[u8]) -> Result<Vec<u8>> {
        let kind = self.public.kind();
        let (is_rsa, data) = match (kind, digest) {
            (KeyKind::Rsa(_), _) => (true, encoding::digest_info(digest, message)),
            (KeyKind::P256, Digest::Sha256) | (KeyKind::P384, Digest::Sha384) | (KeyKind::P521, _) => {
                (false, encoding::hash(digest, message))
            }
            (KeyKind::P256 | KeyKind::P384, _) => {
                let detail = format!("a {kind} key does not sign with this digest");
                return Err(Error::invalid("digest-not-supported", detail));
            }
        };
        let object = self.object.clone();
        let signed = self.token.ask(SIGNATURE, move |connection| {
            let mechanism = if is_rsa { Mechanism::RsaPkcs } else { Mechanism::Ecdsa };
            connection.sign(&object, &mechanism, &data)
        })?;
        let signature = if is_rsa { Some(signed) } else { encoding::ecdsa_value(&signed) };
        let good =
            |value: &Vec<u8>| self.public.verify(&signature_algorithm(kind, digest), message, value).is_ok();
        signature.filter(good).ok_or_else(|| {
            let token = self.token.name();
            Error::internal(format!(
                "the token {token} gave a signature that the CA's public key does not verify"
            ))
        })
    }

    fn is_remote(&self) -> bool {
        true
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", self.public.kind())
    }
}
