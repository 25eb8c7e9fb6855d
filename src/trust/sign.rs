//! Signatures of trust lists and signed files: RSA with PKCS#1 v1.5, SHA-1 or SHA-512, moduli that have a code.
//!
//! Phones know the modulus by a number, and there is none for RSA-3072 or for EC keys. SHA-1 is made with feature
//! `legacy` alone (docs/decisions/legacy.md) and verified in every build, because lists are taken over from elsewhere.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA512};
use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    UnparsedPublicKey,
};

use super::tlv::Element;
use crate::error::{Error, Result};
use crate::keys::Signer;
use crate::x509::cert::Certificate;
use crate::x509::key::Digest;

mod public_key;

pub(super) use public_key::PublicKeyBits;

/// The digest of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureDigest {
    /// SHA-1: what phones up to the 7900 series know.
    #[serde(rename = "sha-1")]
    Sha1,
    /// SHA-512.
    #[serde(rename = "sha-512")]
    Sha512,
}

impl SignatureDigest {
    /// Its number on the wire.
    pub fn code(self) -> u8 {
        match self {
            Self::Sha1 => 1,
            Self::Sha512 => 3,
        }
    }

    /// The digest of `content`.
    pub fn hash(self, content: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha512 => &SHA512,
        };
        digest::digest(algorithm, content).as_ref().to_vec()
    }

    /// Its length in octets.
    pub(super) fn octets(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha512 => 64,
        }
    }

    pub(super) fn from_element(element: &Element<'_>) -> Result<Self> {
        match element.byte()? {
            1 => Ok(Self::Sha1),
            3 => Ok(Self::Sha512),
            2 => Err(Error::invalid(
                "list-digest-not-allowed",
                "SHA-256 has a number (2) and no phone takes it: sign with SHA-512, or with SHA-1 for old phones",
            )),
            _ => Err(element.fault("1 (SHA-1) and 3 (SHA-512) are known")),
        }
    }

    /// A signature over `message`. Errors: `digest-not-supported`, those of the signer.
    pub(super) fn sign(self, signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Sha1 => signer.sign_sha1(message),
            Self::Sha512 => signer.sign(Digest::Sha512, message),
        }
    }
}

impl std::fmt::Display for SignatureDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// The size of a signer's RSA key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modulus {
    /// 1024 bits: in files from elsewhere, never signed with.
    Rsa1024,
    /// 2048 bits.
    Rsa2048,
    /// 4096 bits.
    Rsa4096,
}

impl Modulus {
    const ALL: [Self; 3] = [Self::Rsa1024, Self::Rsa2048, Self::Rsa4096];

    /// Its number on the wire.
    pub fn code(self) -> u8 {
        match self {
            Self::Rsa1024 => 1,
            Self::Rsa2048 => 2,
            Self::Rsa4096 => 3,
        }
    }

    /// Its size in bits.
    pub fn bits(self) -> usize {
        self.octets() * 8
    }

    /// Its size in octets, which is that of a signature too.
    pub(super) fn octets(self) -> usize {
        match self {
            Self::Rsa1024 => 128,
            Self::Rsa2048 => 256,
            Self::Rsa4096 => 512,
        }
    }

    /// That of a certificate that may sign lists and files. Errors: `signer-key-not-allowed`.
    pub fn of_signer(certificate: &Certificate) -> Result<Self> {
        match Self::of_key(&PublicKeyBits::of(certificate.spki())?)? {
            Self::Rsa1024 => Err(not_allowed("its key has 1024 bits, which are for old files alone")),
            allowed @ (Self::Rsa2048 | Self::Rsa4096) => Ok(allowed),
        }
    }

    fn of_key(key: &PublicKeyBits<'_>) -> Result<Self> {
        let Some(bits) = key.rsa_bits() else {
            return Err(not_allowed("its key is not an RSA key, and the format has no number for others"));
        };
        Self::ALL.into_iter().find(|known| known.bits() == bits).ok_or_else(|| {
            not_allowed(&format!("its RSA key has {bits} bits, and the format has no number for that"))
        })
    }

    pub(super) fn from_element(element: &Element<'_>) -> Result<Self> {
        let code = element.byte()?;
        match (Self::ALL.into_iter().find(|known| known.code() == code), code) {
            (Some(known), _) => Ok(known),
            (None, 0) => Err(not_allowed("its key has 512 bits")),
            (None, _) => Err(element.fault("1 (1024 bits), 2 (2048) and 3 (4096) are known")),
        }
    }
}

impl std::fmt::Display for Modulus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RSA-{}", self.bits())
    }
}

/// Verifies a signature by the key in a SubjectPublicKeyInfo. Errors: `signer-key-not-allowed` if the format cannot name
/// the key; `signature-invalid`, also if the key is of another size than the header says.
pub(super) fn verify(
    spki: &[u8],
    modulus: Modulus,
    digest: SignatureDigest,
    message: &[u8],
    signature: &[u8],
) -> Result<()> {
    verify_with(&PublicKeyBits::of(spki)?, modulus, digest, message, signature)
}

/// As [`verify`], by a key whose bits are at hand.
pub(super) fn verify_with(
    key: &PublicKeyBits<'_>,
    modulus: Modulus,
    digest: SignatureDigest,
    message: &[u8],
    signature: &[u8],
) -> Result<()> {
    let invalid = |detail: &str| Error::invalid("signature-invalid", detail);
    let own = Modulus::of_key(key)?;
    if own != modulus {
        return Err(invalid(&format!("the header says {modulus}, and the signer's key is {own}")));
    }
    let algorithm = match digest {
        SignatureDigest::Sha1 => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        SignatureDigest::Sha512 => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    };
    let verified = UnparsedPublicKey::new(algorithm, key.octets()).verify(message, signature);
    verified.map_err(|_| invalid("the signature does not hold under the signer's key"))
}

fn not_allowed(why: &str) -> Error {
    Error::invalid(
        "signer-key-not-allowed",
        format!("a trust list or file is signed with RSA of 2048 or 4096 bits: {why}"),
    )
}
