//! The key of a CA that presents itself in handshakes: it signs where it is kept, and no byte of it comes here.

use std::sync::Arc;

use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::{Signer as SchemeSigner, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use crate::keys::Signer;
use crate::x509::key::{Digest, KeyKind};

/// The key.
#[derive(Debug)]
pub struct CaKey(pub Arc<dyn Signer>);

/// How a signature is made.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// PKCS#1 v1.5 or ECDSA, as the key is.
    Plain,
    /// RSASSA-PSS.
    Pss,
}

/// PKCS#1 first: of TLS 1.2 every phone knows it, and in TLS 1.3, which asks for PSS, it is not offered.
const RSA: [(SignatureScheme, Way, Digest); 6] = [
    (SignatureScheme::RSA_PKCS1_SHA256, Way::Plain, Digest::Sha256),
    (SignatureScheme::RSA_PKCS1_SHA384, Way::Plain, Digest::Sha384),
    (SignatureScheme::RSA_PKCS1_SHA512, Way::Plain, Digest::Sha512),
    (SignatureScheme::RSA_PSS_SHA256, Way::Pss, Digest::Sha256),
    (SignatureScheme::RSA_PSS_SHA384, Way::Pss, Digest::Sha384),
    (SignatureScheme::RSA_PSS_SHA512, Way::Pss, Digest::Sha512),
];
const P256: [(SignatureScheme, Way, Digest); 1] =
    [(SignatureScheme::ECDSA_NISTP256_SHA256, Way::Plain, Digest::Sha256)];
const P384: [(SignatureScheme, Way, Digest); 1] =
    [(SignatureScheme::ECDSA_NISTP384_SHA384, Way::Plain, Digest::Sha384)];
const P521: [(SignatureScheme, Way, Digest); 1] =
    [(SignatureScheme::ECDSA_NISTP521_SHA512, Way::Plain, Digest::Sha512)];

impl CaKey {
    fn schemes(&self) -> &'static [(SignatureScheme, Way, Digest)] {
        match self.0.public_key().kind() {
            KeyKind::Rsa(_) => &RSA,
            KeyKind::P256 => &P256,
            KeyKind::P384 => &P384,
            KeyKind::P521 => &P521,
        }
    }
}

impl SigningKey for CaKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn SchemeSigner>> {
        let (scheme, way, digest) = *self.schemes().iter().find(|(scheme, ..)| offered.contains(scheme))?;
        Some(Box::new(Scheme { signer: Arc::clone(&self.0), scheme, way, digest }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(self.0.public_key().spki().into())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.0.public_key().kind() {
            KeyKind::Rsa(_) => SignatureAlgorithm::RSA,
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => SignatureAlgorithm::ECDSA,
        }
    }
}

/// The key with the scheme of one handshake.
#[derive(Debug)]
struct Scheme {
    signer: Arc<dyn Signer>,
    scheme: SignatureScheme,
    way: Way,
    digest: Digest,
}

impl SchemeSigner for Scheme {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signed = match self.way {
            Way::Plain => self.signer.sign(self.digest, message),
            Way::Pss => self.signer.sign_pss(self.digest, message),
        };
        signed.map_err(|error| Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
