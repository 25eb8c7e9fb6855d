//! Digests, key transports and content ciphers by their identifiers.

use const_oid::ObjectIdentifier;
use sha2::Digest as _;

use super::{not_allowed, oid};
use crate::error::Result;
use crate::x509::key::{Digest, KeyKind};
use crate::x509::tlv::{self, Broken, Reader, Tlv};

/// A digest of signed content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// MD5: read only with feature `legacy` and where a profile allows it, never written.
    Md5,
    /// SHA-1: read only where a profile allows it; written only with feature `legacy`, where it says so too.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// By its identifier. Errors: `cms-algorithm` naming the digest.
    pub fn from_oid(oid: ObjectIdentifier) -> Result<Self> {
        match oid {
            oid::SHA1 => Ok(Self::Sha1),
            oid::SHA256 => Ok(Self::Sha256),
            oid::SHA384 => Ok(Self::Sha384),
            oid::SHA512 => Ok(Self::Sha512),
            oid::MD5 => Ok(Self::Md5),
            other => Err(not_allowed(format!("digest {other} not allowed"))),
        }
    }

    /// Its identifier.
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Md5 => oid::MD5,
            Self::Sha1 => oid::SHA1,
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
            Self::Sha512 => oid::SHA512,
        }
    }

    /// The digest that our keys sign with; none for MD5 and SHA-1.
    pub fn signing(self) -> Option<Digest> {
        match self {
            Self::Md5 | Self::Sha1 => None,
            Self::Sha256 => Some(Digest::Sha256),
            Self::Sha384 => Some(Digest::Sha384),
            Self::Sha512 => Some(Digest::Sha512),
        }
    }

    /// The digest of `content`.
    pub fn hash(self, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => md5::Md5::digest(content).to_vec(),
            Self::Sha1 => sha1::Sha1::digest(content).to_vec(),
            Self::Sha256 => sha2::Sha256::digest(content).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(content).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(content).to_vec(),
        }
    }

    /// Whether a SignerInfo's signatureAlgorithm is one that a key of `kind` makes with this digest: the bare
    /// key algorithm (as most clients write) or the combined one.
    pub fn fits_signature(self, algorithm: ObjectIdentifier, kind: KeyKind) -> bool {
        let (bare, combined) = match (kind, self) {
            (KeyKind::Rsa(_), Self::Md5) => (oid::RSA_ENCRYPTION, oid::MD5_WITH_RSA),
            (KeyKind::Rsa(_), Self::Sha1) => (oid::RSA_ENCRYPTION, oid::SHA1_WITH_RSA),
            (KeyKind::Rsa(_), Self::Sha256) => (oid::RSA_ENCRYPTION, oid::SHA256_WITH_RSA),
            (KeyKind::Rsa(_), Self::Sha384) => (oid::RSA_ENCRYPTION, oid::SHA384_WITH_RSA),
            (KeyKind::Rsa(_), Self::Sha512) => (oid::RSA_ENCRYPTION, oid::SHA512_WITH_RSA),
            (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, Self::Md5 | Self::Sha1) => return false,
            (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, Self::Sha256) => {
                (oid::EC_PUBLIC_KEY, oid::ECDSA_WITH_SHA256)
            }
            (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, Self::Sha384) => {
                (oid::EC_PUBLIC_KEY, oid::ECDSA_WITH_SHA384)
            }
            (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, Self::Sha512) => {
                (oid::EC_PUBLIC_KEY, oid::ECDSA_WITH_SHA512)
            }
        };
        algorithm == bare || algorithm == combined
    }
}

impl std::fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

impl From<Digest> for DigestAlgorithm {
    fn from(digest: Digest) -> Self {
        match digest {
            Digest::Sha256 => Self::Sha256,
            Digest::Sha384 => Self::Sha384,
            Digest::Sha512 => Self::Sha512,
        }
    }
}

/// How a content key is wrapped for an RSA recipient (RFC 3370 §4.2.1, RFC 3560).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// RSAES-PKCS1-v1_5.
    Pkcs1,
    /// RSAES-OAEP, SHA-1 for hash and MGF1 (the default parameters).
    OaepSha1,
    /// RSAES-OAEP, SHA-256 for both.
    OaepSha256,
}

impl Transport {
    /// By its AlgorithmIdentifier; none if it is not one of ours.
    pub(super) fn read(identifier: Tlv<'_>) -> Option<Self> {
        let (oid, parameters) = algorithm_identifier(identifier).ok()?;
        match oid {
            oid::RSA_ENCRYPTION => Some(Self::Pkcs1),
            oid::RSAES_OAEP => parameters.map_or(Some(Self::OaepSha1), |p| oaep(p).ok().flatten()),
            _ => None,
        }
    }
}

/// RSAES-OAEP-params (RFC 8017 A.2.1) with one digest for both uses and an empty label.
fn oaep(parameters: Tlv<'_>) -> Result<Option<Transport>, Broken> {
    let mut fields = Reader::new(tlv::single(parameters.whole, tlv::SEQUENCE)?.content);
    let hash = match fields.optional(0xa0)? {
        Some(field) => algorithm_identifier(tlv::single(field.content, tlv::SEQUENCE)?)?.0,
        None => oid::SHA1,
    };
    let mask = match fields.optional(0xa1)? {
        Some(field) => mgf1_digest(tlv::single(field.content, tlv::SEQUENCE)?)?,
        None => oid::SHA1,
    };
    let empty_label =
        fields.optional(0xa2)?.is_none_or(|source| source.content.ends_with(&[tlv::OCTET_STRING, 0]));
    fields.finish()?;
    Ok(match (hash, mask) {
        (oid::SHA1, oid::SHA1) if empty_label => Some(Transport::OaepSha1),
        (oid::SHA256, oid::SHA256) if empty_label => Some(Transport::OaepSha256),
        _ => None,
    })
}

fn mgf1_digest(identifier: Tlv<'_>) -> Result<ObjectIdentifier, Broken> {
    let (function, parameters) = algorithm_identifier(identifier)?;
    let digest = algorithm_identifier(parameters.ok_or(Broken)?)?.0;
    if function == oid::MGF1 { Ok(digest) } else { Err(Broken) }
}

/// A content cipher, always in CBC mode with PKCS#7 padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentCipher {
    /// AES-128.
    Aes128,
    /// AES-192.
    Aes192,
    /// AES-256.
    Aes256,
    /// Triple DES with three keys.
    TripleDes,
    /// Single DES: opened only with feature `legacy` and where a profile allows it, never written.
    Des,
}

impl ContentCipher {
    /// Those that we write, strongest first.
    pub const ALL: [Self; 4] = [Self::Aes256, Self::Aes192, Self::Aes128, Self::TripleDes];
    /// Those that we know by name, so that a refusal can name them.
    const KNOWN: [Self; 5] = [Self::Aes256, Self::Aes192, Self::Aes128, Self::TripleDes, Self::Des];

    /// Cipher and IV of a contentEncryptionAlgorithm.
    /// Errors: `cms-algorithm` for any other cipher and for an IV of the wrong length (SCEP-61, SCEP-62).
    pub(super) fn read(identifier: Tlv<'_>) -> Result<(Self, &[u8])> {
        let forbidden = || not_allowed("algorithm forbidden");
        let (oid, parameters) = algorithm_identifier(identifier).map_err(|_| forbidden())?;
        let cipher = Self::KNOWN.into_iter().find(|c| c.oid() == oid).ok_or_else(forbidden)?;
        match parameters {
            Some(iv) if iv.tag == tlv::OCTET_STRING && iv.content.len() == cipher.block_len() => {
                Ok((cipher, iv.content))
            }
            Some(_) | None => Err(not_allowed("the IV does not fit the cipher")),
        }
    }

    /// Its identifier.
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes128 => oid::AES128_CBC,
            Self::Aes192 => oid::AES192_CBC,
            Self::Aes256 => oid::AES256_CBC,
            Self::TripleDes => oid::DES_EDE3_CBC,
            Self::Des => oid::DES_CBC,
        }
    }

    /// The length of its key in bytes.
    pub fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
            Self::Des => 8,
        }
    }

    /// The length of its block, and of its IV, in bytes.
    pub fn block_len(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            Self::TripleDes | Self::Des => 8,
        }
    }
}

impl std::fmt::Display for ContentCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Aes128 => "AES-128-CBC",
            Self::Aes192 => "AES-192-CBC",
            Self::Aes256 => "AES-256-CBC",
            Self::TripleDes => "3DES-CBC",
            Self::Des => "DES-CBC",
        })
    }
}

/// The identifier and parameters of an AlgorithmIdentifier.
pub(super) fn algorithm_identifier(element: Tlv<'_>) -> Result<(ObjectIdentifier, Option<Tlv<'_>>), Broken> {
    let mut fields = Reader::new(tlv::single(element.whole, tlv::SEQUENCE)?.content);
    let oid = tlv::oid(fields.expect(tlv::OID)?)?;
    let parameters = if fields.is_empty() { None } else { Some(fields.any()?) };
    fields.finish()?;
    Ok((oid, parameters))
}
