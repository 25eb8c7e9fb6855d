//! Signature algorithms: RFC 4055 (RSA), RFC 5758 (ECDSA). SHA-1 and MD5 are refused.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{self as awslc, UnparsedPublicKey, VerificationAlgorithm};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912 as oids;

use super::{Digest, KeyKind, PublicKey, spki};
use crate::error::{Error, Result};
use crate::x509::tlv::{self, Broken, Reader, Tlv};

/// How a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Pkcs1(Digest),
    Pss(Digest),
    Ecdsa(Digest),
}

/// The DER AlgorithmIdentifier of a signature by a key of `kind` with `digest` (RFC 4055 with NULL
/// parameters for RSA, RFC 5758 without parameters for ECDSA).
pub fn signature_algorithm(kind: KeyKind, digest: Digest) -> Vec<u8> {
    let rsa = matches!(kind, KeyKind::Rsa(_));
    let oid = match (rsa, digest) {
        (true, Digest::Sha256) => oids::SHA_256_WITH_RSA_ENCRYPTION,
        (true, Digest::Sha384) => oids::SHA_384_WITH_RSA_ENCRYPTION,
        (true, Digest::Sha512) => oids::SHA_512_WITH_RSA_ENCRYPTION,
        (false, Digest::Sha256) => oids::ECDSA_WITH_SHA_256,
        (false, Digest::Sha384) => oids::ECDSA_WITH_SHA_384,
        (false, Digest::Sha512) => oids::ECDSA_WITH_SHA_512,
    };
    let parameters: &[u8] = if rsa { &[tlv::NULL, 0] } else { &[] };
    tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&oid), parameters])
}

/// The digest of an RSASSA-PSS AlgorithmIdentifier (DER), if it is one that we verify; none for any other algorithm.
pub fn pss_digest(algorithm: &[u8]) -> Option<Digest> {
    match read(algorithm) {
        Ok(Some(Scheme::Pss(digest))) => Some(digest),
        Ok(Some(Scheme::Pkcs1(_) | Scheme::Ecdsa(_)) | None) | Err(Broken) => None,
    }
}

/// See [`PublicKey::verify`].
pub(super) fn verify(key: &PublicKey, algorithm: &[u8], message: &[u8], signature: &[u8]) -> Result<()> {
    let scheme =
        read(algorithm).ok().flatten().ok_or_else(|| not_allowed("signature algorithm not allowed"))?;
    let primitive =
        primitive(key.kind, scheme).ok_or_else(|| not_allowed("signature algorithm does not fit the key"))?;
    verified(key, scheme, primitive, message, signature)
        .map_err(|_| Error::invalid("signature-invalid", "signature invalid"))
}

/// The primitive that a key of this kind is read for: with the digest that its signatures usually have.
pub(super) fn usual(kind: KeyKind) -> &'static dyn VerificationAlgorithm {
    match kind {
        KeyKind::Rsa(1024) => &awslc::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        KeyKind::Rsa(_) => &awslc::RSA_PKCS1_2048_8192_SHA256,
        KeyKind::P256 => &awslc::ECDSA_P256_SHA256_ASN1,
        KeyKind::P384 => &awslc::ECDSA_P384_SHA384_ASN1,
        KeyKind::P521 => &awslc::ECDSA_P521_SHA512_ASN1,
    }
}

fn verified(
    key: &PublicKey,
    scheme: Scheme,
    primitive: &'static dyn VerificationAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> std::result::Result<(), Unspecified> {
    let bytes = match (key.kind, scheme) {
        (KeyKind::Rsa(_), Scheme::Pkcs1(Digest::Sha256))
        | (KeyKind::P256, Scheme::Ecdsa(Digest::Sha256))
        | (KeyKind::P384, Scheme::Ecdsa(Digest::Sha384))
        | (KeyKind::P521, Scheme::Ecdsa(Digest::Sha512)) => return key.parsed.verify_sig(message, signature),
        (KeyKind::Rsa(_), _) => spki::key_bits(&key.spki),
        (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, _) => &key.spki,
    };
    UnparsedPublicKey::new(primitive, bytes).verify(message, signature)
}

fn not_allowed(detail: &'static str) -> Error {
    Error::invalid("signature-algorithm", detail)
}

fn primitive(kind: KeyKind, scheme: Scheme) -> Option<&'static dyn VerificationAlgorithm> {
    use Digest::{Sha256, Sha384, Sha512};
    Some(match (kind, scheme) {
        (KeyKind::Rsa(1024), Scheme::Pkcs1(Sha256)) => &awslc::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (KeyKind::Rsa(1024), Scheme::Pkcs1(Sha512)) => &awslc::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        // aws-lc has none for them, and no device that old signs so.
        (KeyKind::Rsa(1024), Scheme::Pkcs1(Sha384) | Scheme::Pss(_)) => return None,
        (KeyKind::Rsa(_), Scheme::Pkcs1(Sha256)) => &awslc::RSA_PKCS1_2048_8192_SHA256,
        (KeyKind::Rsa(_), Scheme::Pkcs1(Sha384)) => &awslc::RSA_PKCS1_2048_8192_SHA384,
        (KeyKind::Rsa(_), Scheme::Pkcs1(Sha512)) => &awslc::RSA_PKCS1_2048_8192_SHA512,
        (KeyKind::Rsa(_), Scheme::Pss(Sha256)) => &awslc::RSA_PSS_2048_8192_SHA256,
        (KeyKind::Rsa(_), Scheme::Pss(Sha384)) => &awslc::RSA_PSS_2048_8192_SHA384,
        (KeyKind::Rsa(_), Scheme::Pss(Sha512)) => &awslc::RSA_PSS_2048_8192_SHA512,
        (KeyKind::P256, Scheme::Ecdsa(Sha256)) => &awslc::ECDSA_P256_SHA256_ASN1,
        (KeyKind::P256, Scheme::Ecdsa(Sha384)) => &awslc::ECDSA_P256_SHA384_ASN1,
        (KeyKind::P256, Scheme::Ecdsa(Sha512)) => &awslc::ECDSA_P256_SHA512_ASN1,
        (KeyKind::P384, Scheme::Ecdsa(Sha256)) => &awslc::ECDSA_P384_SHA256_ASN1,
        (KeyKind::P384, Scheme::Ecdsa(Sha384)) => &awslc::ECDSA_P384_SHA384_ASN1,
        (KeyKind::P384, Scheme::Ecdsa(Sha512)) => &awslc::ECDSA_P384_SHA512_ASN1,
        (KeyKind::P521, Scheme::Ecdsa(Sha256)) => &awslc::ECDSA_P521_SHA256_ASN1,
        (KeyKind::P521, Scheme::Ecdsa(Sha384)) => &awslc::ECDSA_P521_SHA384_ASN1,
        (KeyKind::P521, Scheme::Ecdsa(Sha512)) => &awslc::ECDSA_P521_SHA512_ASN1,
        (KeyKind::Rsa(_), Scheme::Ecdsa(_))
        | (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, Scheme::Pkcs1(_) | Scheme::Pss(_)) => return None,
    })
}

/// The scheme of an AlgorithmIdentifier, none if it is not allowed.
fn read(der: &[u8]) -> Result<Option<Scheme>, Broken> {
    let (oid, parameters) = identifier(tlv::single(der, tlv::SEQUENCE)?)?;
    if oid == oids::ID_RSASSA_PSS {
        return parameters.map_or(Ok(None), pss).map(|digest| digest.map(Scheme::Pss));
    }
    // Absent and NULL parameters are both found in the field for either algorithm.
    if parameters.is_some_and(|p| p.whole != [tlv::NULL, 0]) {
        return Ok(None);
    }
    Ok(match oid {
        oids::SHA_256_WITH_RSA_ENCRYPTION => Some(Scheme::Pkcs1(Digest::Sha256)),
        oids::SHA_384_WITH_RSA_ENCRYPTION => Some(Scheme::Pkcs1(Digest::Sha384)),
        oids::SHA_512_WITH_RSA_ENCRYPTION => Some(Scheme::Pkcs1(Digest::Sha512)),
        oids::ECDSA_WITH_SHA_256 => Some(Scheme::Ecdsa(Digest::Sha256)),
        oids::ECDSA_WITH_SHA_384 => Some(Scheme::Ecdsa(Digest::Sha384)),
        oids::ECDSA_WITH_SHA_512 => Some(Scheme::Ecdsa(Digest::Sha512)),
        _ => None,
    })
}

/// RSASSA-PSS-params (RFC 4055 §3.1), only where hash and MGF1 hash are the same SHA-2, the salt is as long
/// as the hash and the trailer is the usual one: everything else is CSR-07.
fn pss(parameters: Tlv<'_>) -> Result<Option<Digest>, Broken> {
    let mut fields = Reader::new(tlv::single(parameters.whole, tlv::SEQUENCE)?.content);
    let (Some(hash), Some(mask), Some(salt)) =
        (fields.optional(0xa0)?, fields.optional(0xa1)?, fields.optional(0xa2)?)
    else {
        return Ok(None); // the defaults are SHA-1
    };
    let trailer = fields.optional(0xa3)?;
    fields.finish()?;
    let digest = digest_of(identifier(tlv::single(hash.content, tlv::SEQUENCE)?)?.0);
    let (mask_oid, mask_hash) = identifier(tlv::single(mask.content, tlv::SEQUENCE)?)?;
    let mask_digest = match mask_hash {
        Some(hash) if mask_oid == oids::ID_MGF_1 => digest_of(identifier(hash)?.0),
        _ => None,
    };
    let salt = tlv::integer(tlv::single(salt.content, tlv::INTEGER)?)?;
    let trailer_ok = trailer.is_none_or(|t| t.content == [tlv::INTEGER, 1, 1]);
    let len: u8 = match digest {
        Some(Digest::Sha256) => 32,
        Some(Digest::Sha384) => 48,
        Some(Digest::Sha512) => 64,
        None => return Ok(None),
    };
    Ok(digest.filter(|_| mask_digest == digest && salt == [len] && trailer_ok))
}

fn identifier(element: Tlv<'_>) -> Result<(ObjectIdentifier, Option<Tlv<'_>>), Broken> {
    let mut fields = Reader::new(tlv::single(element.whole, tlv::SEQUENCE)?.content);
    let oid = tlv::oid(fields.any()?)?;
    let parameters = if fields.is_empty() { None } else { Some(fields.any()?) };
    fields.finish()?;
    Ok((oid, parameters))
}

fn digest_of(oid: ObjectIdentifier) -> Option<Digest> {
    match oid {
        oids::ID_SHA_256 => Some(Digest::Sha256),
        oids::ID_SHA_384 => Some(Digest::Sha384),
        oids::ID_SHA_512 => Some(Digest::Sha512),
        _ => None,
    }
}
