//! Our signers as rcgen's keys: it hands over the bytes to be signed and gets the signature.

use std::cell::RefCell;

use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};
use spki::SubjectPublicKeyInfoRef;
use spki::der::Decode;

use crate::ca::lint::{Issuer, lint_under};
use crate::error::{Error, Result};
use crate::keys::Signer;
use crate::x509::key::{Digest, KeyKind};

/// The public key of a certificate's subject.
pub(super) struct SubjectKey {
    bits: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
}

impl SubjectKey {
    pub fn new(signer: &dyn Signer) -> Result<Self> {
        let unread = |e: spki::der::Error| Error::internal("our own public key cannot be read").because(e);
        let spki = SubjectPublicKeyInfoRef::from_der(signer.public_key().spki()).map_err(unread)?;
        Ok(Self {
            bits: spki.subject_public_key.raw_bytes().to_vec(),
            algorithm: algorithm(signer.public_key().kind(), signer.default_digest())?,
        })
    }
}

impl PublicKeyData for SubjectKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

/// A key that signs for rcgen. With an issuer, the bytes are a certificate's and pass its lint first.
pub(super) struct RemoteKey<'a> {
    public: SubjectKey,
    signer: &'a dyn Signer,
    issuer: Option<Issuer>,
    fault: RefCell<Option<Error>>,
}

impl<'a> RemoteKey<'a> {
    pub fn new(signer: &'a dyn Signer, issuer: Option<Issuer>) -> Result<Self> {
        Ok(Self { public: SubjectKey::new(signer)?, signer, issuer, fault: RefCell::default() })
    }

    /// rcgen's result, with our own error where the fault was ours (rcgen's has no room for one).
    pub fn outcome<T>(&self, result: Result<T, rcgen::Error>) -> Result<T> {
        result.map_err(|e| {
            self.fault
                .take()
                .unwrap_or_else(|| Error::internal("the CA's certificate could not be written").because(e))
        })
    }
}

impl PublicKeyData for RemoteKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.public.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.public.algorithm
    }
}

impl SigningKey for RemoteKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let linted = self.issuer.as_ref().map_or(Ok(()), |issuer| lint_under(message, issuer));
        linted.and_then(|()| self.signer.sign(self.signer.default_digest(), message)).map_err(|fault| {
            self.fault.replace(Some(fault));
            rcgen::Error::RemoteKeyError
        })
    }
}

fn algorithm(kind: KeyKind, digest: Digest) -> Result<&'static SignatureAlgorithm> {
    match (kind, digest) {
        (KeyKind::Rsa(_), Digest::Sha256) => Ok(&rcgen::PKCS_RSA_SHA256),
        (KeyKind::Rsa(_), Digest::Sha384) => Ok(&rcgen::PKCS_RSA_SHA384),
        (KeyKind::Rsa(_), Digest::Sha512) => Ok(&rcgen::PKCS_RSA_SHA512),
        (KeyKind::P256, Digest::Sha256) => Ok(&rcgen::PKCS_ECDSA_P256_SHA256),
        (KeyKind::P384, Digest::Sha384) => Ok(&rcgen::PKCS_ECDSA_P384_SHA384),
        (KeyKind::P521, Digest::Sha512) => Ok(&rcgen::PKCS_ECDSA_P521_SHA512),
        (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, _) => {
            Err(Error::internal("an EC key's default digest is not its curve's"))
        }
    }
}
