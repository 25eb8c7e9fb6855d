//! Certificates: read leniently, written strictly (RFC 5280).

use std::sync::{Arc, OnceLock};

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280 as oids;
use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::Serial;
use crate::x509::key::PublicKey;
use crate::x509::name::Name;
use crate::x509::pem;
use crate::x509::san::San;

pub mod ext;
mod parse;
pub(super) mod read_ext;
mod tbs;

pub(super) use parse::extensions as parse_extensions;
pub(super) use tbs::extensions as extension_list;
pub use tbs::{Tbs, assemble};

/// An extension as it stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its type.
    pub oid: ObjectIdentifier,
    /// Whether a reader that does not know it must refuse the certificate.
    pub critical: bool,
    /// The DER inside its OCTET STRING.
    pub value: Vec<u8>,
}

/// A certificate that was read; foreign ones may have negative or long serials.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Vec<u8>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
    inner_algorithm: Vec<u8>,
    serial: Serial,
    issuer: Name,
    subject: Name,
    not_before: Timestamp,
    not_after: Timestamp,
    spki: Vec<u8>,
    extensions: Vec<Extension>,
    key: CheckedKey,
}

/// The key, once it passed its checks: they are most of what reading an RSA key costs. Clones share it. It says nothing
/// of its own, so any two are equal.
#[derive(Clone, Default)]
struct CheckedKey(Arc<OnceLock<PublicKey>>);

impl PartialEq for CheckedKey {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for CheckedKey {}

impl Certificate {
    /// Reads DER, at most 64 KiB, no trailing bytes. Errors: `bad-certificate`.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        parse::certificate(der)
    }

    /// Reads exactly one certificate, PEM or DER. Errors: `bad-certificate`, `private-key-not-accepted`.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.first() == Some(&crate::x509::tlv::SEQUENCE) {
            return Self::from_der(bytes);
        }
        let blocks = pem::decode_all(bytes, 2).map_err(|e| bad(e.detail()))?;
        if blocks.iter().any(|(label, _)| label.ends_with("PRIVATE KEY")) {
            return Err(Error::invalid(
                "private-key-not-accepted",
                "a private key stands where a certificate is expected",
            ));
        }
        match blocks.as_slice() {
            [(label, der)] if label == "CERTIFICATE" => Self::from_der(der),
            _ => Err(bad("exactly one certificate is expected, as PEM or DER")),
        }
    }

    /// The DER as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The PEM.
    pub fn pem(&self) -> String {
        crate::x509::pem::encode("CERTIFICATE", &self.der)
    }

    /// The serial number.
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// The issuer.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// The subject.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The first moment of its validity.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last moment of its validity.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The SubjectPublicKeyInfo as it stands.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key, checked once. Errors: as [`PublicKey::from_spki`].
    pub fn public_key(&self) -> Result<PublicKey> {
        if let Some(key) = self.key.0.get() {
            return Ok(key.clone());
        }
        let key = PublicKey::from_spki(&self.spki)?;
        Ok(self.key.0.get_or_init(|| key).clone())
    }

    /// Lets its key be RSA of 1024 bits, here and in its clones (feature `legacy`; nothing without it): for who signs a
    /// message to a profile that has such keys, and for what was issued by one.
    pub fn allow_rsa_1024(&self) {
        #[cfg(feature = "legacy")]
        if let Ok(key) = crate::x509::key::old::read(&self.spki) {
            self.key.0.get_or_init(|| key);
        }
    }

    /// All extensions in order.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// The value of an extension.
    pub fn extension(&self, oid: ObjectIdentifier) -> Option<&Extension> {
        self.extensions.iter().find(|e| e.oid == oid)
    }

    /// The alternative names; empty without the extension. Errors: `bad-certificate`.
    pub fn sans(&self) -> Result<Vec<San>> {
        let extension = self.extension(oids::ID_CE_SUBJECT_ALT_NAME);
        let names = extension.map_or(Ok(Vec::new()), |e| San::decode_all(&e.value));
        names.map_err(|e| bad(e.detail()))
    }

    /// Whether BasicConstraints say CA:TRUE; a malformed extension does not.
    pub fn is_ca(&self) -> bool {
        self.basic_constraints().is_some_and(|(ca, _)| ca)
    }

    /// The path length constraint, if one.
    pub fn path_len(&self) -> Option<u8> {
        self.basic_constraints().and_then(|(_, path_len)| path_len)
    }

    /// SubjectKeyIdentifier, if present.
    pub fn subject_key_id(&self) -> Option<Vec<u8>> {
        self.extension(oids::ID_CE_SUBJECT_KEY_IDENTIFIER).and_then(|e| read_ext::octets(&e.value).ok())
    }

    /// AuthorityKeyIdentifier's key identifier, if present.
    pub fn authority_key_id(&self) -> Option<Vec<u8>> {
        let extension = self.extension(oids::ID_CE_AUTHORITY_KEY_IDENTIFIER)?;
        read_ext::authority_key_id(&extension.value).ok().flatten()
    }

    /// KeyUsage as its 9 bits, bit 0 (digitalSignature) lowest; none if absent. A malformed one allows nothing.
    pub fn key_usage(&self) -> Option<u16> {
        self.extension(oids::ID_CE_KEY_USAGE).map(|e| read_ext::key_usage(&e.value).unwrap_or(0))
    }

    /// The extended key usages; empty if absent. Errors: `bad-certificate` for an empty or malformed extension.
    pub fn extended_key_usage(&self) -> Result<Vec<ObjectIdentifier>> {
        let Some(extension) = self.extension(oids::ID_CE_EXT_KEY_USAGE) else { return Ok(Vec::new()) };
        read_ext::extended_key_usage(&extension.value)
            .map_err(|_| bad("empty or malformed extended key usage"))
    }

    /// SHA-256 of the DER.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// Verifies its signature by `issuer_key`, and that inner and outer algorithm agree byte for byte.
    /// Errors: `bad-certificate` if they differ; as [`PublicKey::verify`].
    pub fn verify_signed_by(&self, issuer_key: &PublicKey) -> Result<()> {
        if self.inner_algorithm != self.signature_algorithm {
            return Err(bad("the signed and the outer signature algorithm differ"));
        }
        issuer_key.verify(&self.signature_algorithm, &self.tbs, &self.signature)
    }

    /// As [`Certificate::verify_signed_by`], for an RSA signature with SHA-1, as old manufacturers made (feature `legacy`;
    /// without it none is believed). Errors: `bad-certificate`, `signature-algorithm`, `signature-invalid`.
    pub fn verify_old_signed_by(&self, issuer_key: &PublicKey) -> Result<()> {
        if self.inner_algorithm != self.signature_algorithm {
            return Err(bad("the signed and the outer signature algorithm differ"));
        }
        self.verify_sha1(issuer_key)
    }

    #[cfg(feature = "legacy")]
    fn verify_sha1(&self, issuer_key: &PublicKey) -> Result<()> {
        use crate::x509::key::old::{self, OldDigest};
        let named = OldDigest::of_signature(&self.signature_algorithm);
        if named != Some(OldDigest::Sha1) || !issuer_key.kind().is_rsa() {
            return Err(not_sha1());
        }
        let holds = old::verify(issuer_key, OldDigest::Sha1, &self.tbs, &self.signature);
        if holds { Ok(()) } else { Err(Error::invalid("signature-invalid", "signature invalid")) }
    }

    #[cfg(not(feature = "legacy"))]
    fn verify_sha1(&self, _issuer_key: &PublicKey) -> Result<()> {
        Err(not_sha1())
    }

    /// Whether it is signed by its own key.
    pub fn is_self_signed(&self) -> bool {
        self.issuer == self.subject && self.public_key().is_ok_and(|key| self.verify_signed_by(&key).is_ok())
    }

    /// Whether `at` lies within its validity, both ends included.
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        self.not_before <= at && at <= self.not_after
    }

    /// The signed part, as received.
    pub fn tbs(&self) -> &[u8] {
        &self.tbs
    }

    /// The DER AlgorithmIdentifier beside the signature.
    pub fn signature_algorithm(&self) -> &[u8] {
        &self.signature_algorithm
    }

    /// The signature's bytes.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    fn basic_constraints(&self) -> Option<(bool, Option<u8>)> {
        let extension = self.extension(oids::ID_CE_BASIC_CONSTRAINTS)?;
        read_ext::basic_constraints(&extension.value).ok()
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({} {})", self.serial, self.subject)
    }
}

fn bad(detail: impl Into<String>) -> Error {
    Error::malformed("bad-certificate", detail)
}

fn not_sha1() -> Error {
    Error::invalid("signature-algorithm", "signature algorithm not allowed")
}

#[cfg(test)]
mod tests;
