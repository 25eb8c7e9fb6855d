//! A private key in memory: aws-lc signs with it, and nothing shows its bytes.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as aws, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RsaKeyPair};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use super::decrypt::RsaDecrypter;
use crate::error::{Error, Result};
use crate::keys::Signer;
use crate::random::Random;
use crate::x509::key::{Digest, KeyAlgorithm, PublicKey};

/// A signer, and for RSA a decrypter too.
pub struct SoftwareKey {
    algorithm: KeyAlgorithm,
    public: PublicKey,
    private: Private,
    /// The same RSA key for what aws-lc does not do, made when it is first asked for.
    #[cfg(feature = "legacy")]
    old: std::sync::OnceLock<crate::keys::legacy::OldRsaKey>,
}

enum Private {
    Rsa {
        signing: RsaKeyPair,
        decrypting: Arc<RsaDecrypter>,
    },
    /// The same key once for each digest that aws-lc signs with on its curve.
    Ec(Vec<(Digest, EcdsaKeyPair)>),
}

/// Makes a key of `algorithm` and returns it as PKCS#8 DER. Blocking: RSA takes seconds.
pub fn generate(algorithm: KeyAlgorithm) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |_| Error::internal("the key could not be made");
    let rsa = |size| {
        let der: Pkcs8V1Der = RsaKeyPair::generate(size)?.as_der()?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    };
    match algorithm {
        KeyAlgorithm::Rsa2048 => rsa(KeySize::Rsa2048),
        KeyAlgorithm::Rsa3072 => rsa(KeySize::Rsa3072),
        KeyAlgorithm::Rsa4096 => rsa(KeySize::Rsa4096),
        KeyAlgorithm::P256 => generate_ec(&aws::ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyAlgorithm::P384 => generate_ec(&aws::ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyAlgorithm::P521 => generate_ec(&aws::ECDSA_P521_SHA512_ASN1_SIGNING),
    }
    .map_err(failed)
}

fn generate_ec(
    algorithm: &'static EcdsaSigningAlgorithm,
) -> Result<Zeroizing<Vec<u8>>, aws_lc_rs::error::Unspecified> {
    let der = EcdsaKeyPair::generate(algorithm)?.to_pkcs8v1()?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

impl SoftwareKey {
    /// Reads PKCS#8 DER (RFC 5958). Errors: `bad-key` if it is no RSA key of 2048, 3072 or 4096 bits nor
    /// an EC key on P-256, P-384 or P-521, or if its parts do not belong together.
    pub fn from_pkcs8(pkcs8: &[u8], random: &Random) -> Result<Self> {
        let info =
            PrivateKeyInfoRef::try_from(pkcs8).map_err(|_| bad_key("it is not a PKCS#8 private key"))?;
        if info.algorithm.oid == RSA_ENCRYPTION {
            return Self::rsa(pkcs8, random);
        }
        let curve = info.algorithm.parameters_oid().ok().filter(|_| info.algorithm.oid == EC_PUBLIC_KEY);
        match curve {
            Some(P256) => Self::ec(KeyAlgorithm::P256, pkcs8),
            Some(P384) => Self::ec(KeyAlgorithm::P384, pkcs8),
            Some(P521) => Self::ec(KeyAlgorithm::P521, pkcs8),
            Some(_) | None => Err(bad_key("it is neither an RSA key nor one on P-256, P-384 or P-521")),
        }
    }

    /// Its type.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// Itself as PKCS#8 DER, as aws-lc writes it. Errors: `internal`.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>> {
        let failed = |_| Error::internal("the key could not be encoded");
        match &self.private {
            Private::Rsa { signing, .. } => {
                let der: Pkcs8V1Der = signing.as_der().map_err(failed)?;
                Ok(Zeroizing::new(der.as_ref().to_vec()))
            }
            Private::Ec(pairs) => {
                let (_, pair) = pairs.first().ok_or_else(|| Error::internal("an EC key without a pair"))?;
                Ok(Zeroizing::new(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()))
            }
        }
    }

    /// What opens envelopes with it; none unless it is RSA.
    pub fn decrypter(&self) -> Option<Arc<RsaDecrypter>> {
        match &self.private {
            Private::Rsa { decrypting, .. } => Some(Arc::clone(decrypting)),
            Private::Ec(_) => None,
        }
    }

    fn rsa(pkcs8: &[u8], random: &Random) -> Result<Self> {
        let signing = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| bad_key(UNFIT_RSA))?;
        let public = public_key(signing.public_key().as_der())?;
        let algorithm = public
            .algorithm()
            .filter(|a| a.is_rsa())
            .ok_or_else(|| bad_key("an RSA key has 2048, 3072 or 4096 bits"))?;
        let decrypting = Arc::new(RsaDecrypter::from_pkcs8(pkcs8, public.clone(), random)?);
        Ok(Self::new(algorithm, public, Private::Rsa { signing, decrypting }))
    }

    fn ec(algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<Self> {
        let mut pairs = Vec::new();
        for (digest, signing) in ec_pairs(algorithm) {
            let pair = EcdsaKeyPair::from_pkcs8(signing, pkcs8).map_err(|_| bad_key(INCONSISTENT))?;
            pairs.push((*digest, pair));
        }
        let (_, first) = pairs.first().ok_or_else(|| Error::internal("an EC key without a pair"))?;
        let public = public_key(first.public_key().as_der())?;
        Ok(Self::new(algorithm, public, Private::Ec(pairs)))
    }

    fn new(algorithm: KeyAlgorithm, public: PublicKey, private: Private) -> Self {
        Self {
            algorithm,
            public,
            private,
            #[cfg(feature = "legacy")]
            old: std::sync::OnceLock::new(),
        }
    }
}

impl Signer for SoftwareKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn default_digest(&self) -> Digest {
        match self.algorithm {
            KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => Digest::Sha256,
            KeyAlgorithm::P256 => Digest::Sha256,
            KeyAlgorithm::P384 => Digest::Sha384,
            KeyAlgorithm::P521 => Digest::Sha512,
        }
    }

    fn sign(&self, digest: Digest, message: &[u8]) -> Result<Vec<u8>> {
        let failed = |_| Error::internal("the signature could not be made");
        match &self.private {
            Private::Rsa { signing, .. } => {
                let mut out = vec![0; signing.public_modulus_len()];
                signing.sign(rsa_padding(digest), &SystemRandom::new(), message, &mut out).map_err(failed)?;
                Ok(out)
            }
            Private::Ec(pairs) => {
                let (_, pair) = pairs.iter().find(|(d, _)| *d == digest).ok_or_else(|| {
                    Error::invalid(
                        "digest-not-supported",
                        format!("a {} key does not sign with this digest", self.algorithm),
                    )
                })?;
                Ok(pair.sign(&SystemRandom::new(), message).map_err(failed)?.as_ref().to_vec())
            }
        }
    }

    fn sign_pss(&self, digest: Digest, message: &[u8]) -> Result<Vec<u8>> {
        let Private::Rsa { signing, .. } = &self.private else {
            return Err(Error::invalid("digest-not-supported", "only an RSA key signs with RSASSA-PSS"));
        };
        let padding: &'static dyn aws::RsaEncoding = match digest {
            Digest::Sha256 => &aws::RSA_PSS_SHA256,
            Digest::Sha384 => &aws::RSA_PSS_SHA384,
            Digest::Sha512 => &aws::RSA_PSS_SHA512,
        };
        let mut out = vec![0; signing.public_modulus_len()];
        let signed = signing.sign(padding, &SystemRandom::new(), message, &mut out);
        signed.map(|()| out).map_err(|_| Error::internal("the signature could not be made"))
    }

    #[cfg(feature = "legacy")]
    fn sign_sha1(&self, message: &[u8]) -> Result<Vec<u8>> {
        if !self.algorithm.is_rsa() {
            return Err(Error::invalid("digest-not-supported", "only an RSA key signs with SHA-1"));
        }
        if let Some(old) = self.old.get() {
            return old.sign_sha1(message);
        }
        let old = crate::keys::legacy::OldRsaKey::from_pkcs8(&self.to_pkcs8()?)?;
        self.old.get_or_init(|| old).sign_sha1(message)
    }
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareKey({})", self.algorithm)
    }
}

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

const INCONSISTENT: &str = "its parts do not belong together";
/// aws-lc does not say which.
const UNFIT_RSA: &str = "its parts do not belong together, or its modulus is not of 2048 to 8192 bits";

/// The curve's own digest first. aws-lc has no other SHA-2 digest for P-256 and P-384.
fn ec_pairs(algorithm: KeyAlgorithm) -> &'static [(Digest, &'static EcdsaSigningAlgorithm)] {
    match algorithm {
        KeyAlgorithm::P256 => &[(Digest::Sha256, &aws::ECDSA_P256_SHA256_ASN1_SIGNING)],
        KeyAlgorithm::P384 => &[(Digest::Sha384, &aws::ECDSA_P384_SHA384_ASN1_SIGNING)],
        KeyAlgorithm::P521 => &[
            (Digest::Sha512, &aws::ECDSA_P521_SHA512_ASN1_SIGNING),
            (Digest::Sha384, &aws::ECDSA_P521_SHA384_ASN1_SIGNING),
            (Digest::Sha256, &aws::ECDSA_P521_SHA256_ASN1_SIGNING),
        ],
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => &[],
    }
}

fn rsa_padding(digest: Digest) -> &'static dyn aws::RsaEncoding {
    match digest {
        Digest::Sha256 => &aws::RSA_PKCS1_SHA256,
        Digest::Sha384 => &aws::RSA_PKCS1_SHA384,
        Digest::Sha512 => &aws::RSA_PKCS1_SHA512,
    }
}

fn public_key(der: Result<PublicKeyX509Der<'static>, aws_lc_rs::error::Unspecified>) -> Result<PublicKey> {
    let der = der.map_err(|_| Error::internal("the public key could not be encoded"))?;
    PublicKey::from_spki(der.as_ref()).map_err(|e| bad_key(e.detail()))
}

fn bad_key(why: &str) -> Error {
    Error::invalid("bad-key", format!("not a key that can be used: {why}"))
}
