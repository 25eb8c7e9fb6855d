//! Certificates: read leniently, written strictly (RFC 5280).

use const_oid::ObjectIdentifier;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::Serial;
use crate::x509::key::PublicKey;
use crate::x509::name::Name;
use crate::x509::san::San;

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
    serial: Serial,
    issuer: Name,
    subject: Name,
    not_before: Timestamp,
    not_after: Timestamp,
    spki: Vec<u8>,
    extensions: Vec<Extension>,
}

impl Certificate {
    /// Reads DER, at most 64 KiB, no trailing bytes. Errors: `bad-certificate`.
    pub fn from_der(_der: &[u8]) -> Result<Self> {
        todo!()
    }
    /// Reads exactly one certificate, PEM or DER.
    pub fn read(_bytes: &[u8]) -> Result<Self> {
        todo!()
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
    /// The key, checked. Errors: as [`PublicKey::from_spki`].
    pub fn public_key(&self) -> Result<PublicKey> {
        PublicKey::from_spki(&self.spki)
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
        todo!()
    }
    /// Whether BasicConstraints say CA:TRUE.
    pub fn is_ca(&self) -> bool {
        todo!()
    }
    /// The path length constraint, if one.
    pub fn path_len(&self) -> Option<u8> {
        todo!()
    }
    /// SubjectKeyIdentifier, if present.
    pub fn subject_key_id(&self) -> Option<Vec<u8>> {
        todo!()
    }
    /// KeyUsage as its 9 bits, bit 0 (digitalSignature) lowest; none if absent.
    pub fn key_usage(&self) -> Option<u16> {
        todo!()
    }
    /// The extended key usages; empty if absent.
    pub fn extended_key_usage(&self) -> Result<Vec<ObjectIdentifier>> {
        todo!()
    }
    /// SHA-256 of the DER.
    pub fn fingerprint(&self) -> [u8; 32] {
        todo!()
    }
    /// Verifies its signature by `issuer_key`, and that inner and outer algorithm agree.
    pub fn verify_signed_by(&self, _issuer_key: &PublicKey) -> Result<()> {
        todo!()
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
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({} {})", self.serial, self.subject)
    }
}

/// What is to be signed as a certificate.
#[derive(Clone, Debug)]
pub struct Tbs {
    /// Serial number.
    pub serial: Serial,
    /// DER AlgorithmIdentifier of the signature to come.
    pub signature_algorithm: Vec<u8>,
    /// The issuer's subject, byte for byte.
    pub issuer: Name,
    /// First moment (whole seconds).
    pub not_before: Timestamp,
    /// Last moment (whole seconds).
    pub not_after: Timestamp,
    /// Subject.
    pub subject: Name,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// Extensions in order.
    pub extensions: Vec<Extension>,
}

impl Tbs {
    /// The DER to be signed: v3, UTCTime through 2049, then GeneralizedTime. Errors: `internal`.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        todo!()
    }
}

/// SEQUENCE { tbs, algorithm, BIT STRING signature }: a certificate, or a CRL or CSR in the same shape.
pub fn assemble(_tbs: &[u8], _signature_algorithm: &[u8], _signature: &[u8]) -> Result<Vec<u8>> {
    todo!()
}

/// Builders of extension values, each with the criticality of RFC 5280 §4.2.
pub mod ext {
    use super::{Extension, ObjectIdentifier};
    use crate::error::Result;
    use crate::x509::san::San;

    /// BasicConstraints, critical.
    pub fn basic_constraints(_ca: bool, _path_len: Option<u8>) -> Result<Extension> {
        todo!()
    }
    /// KeyUsage, critical; 9 bits, bit 0 (digitalSignature) lowest.
    pub fn key_usage(_bits: u16) -> Result<Extension> {
        todo!()
    }
    /// ExtendedKeyUsage, not critical.
    pub fn extended_key_usage(_oids: &[ObjectIdentifier]) -> Result<Extension> {
        todo!()
    }
    /// SubjectAltName, critical only if the subject is empty.
    pub fn subject_alt_name(_sans: &[San], _critical: bool) -> Result<Extension> {
        todo!()
    }
    /// SubjectKeyIdentifier.
    pub fn subject_key_id(_id: &[u8]) -> Result<Extension> {
        todo!()
    }
    /// AuthorityKeyIdentifier with the key identifier alone.
    pub fn authority_key_id(_id: &[u8]) -> Result<Extension> {
        todo!()
    }
    /// CRLDistributionPoints with one URL.
    pub fn crl_distribution_point(_url: &str) -> Result<Extension> {
        todo!()
    }
    /// AuthorityInfoAccess with the CA issuers URL and, if given, the OCSP URL.
    pub fn authority_info_access(_ca_issuers: &str, _ocsp: Option<&str>) -> Result<Extension> {
        todo!()
    }
    /// id-pkix-ocsp-nocheck (NULL, not critical).
    pub fn ocsp_nocheck() -> Result<Extension> {
        todo!()
    }
}
