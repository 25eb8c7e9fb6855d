//! Reading CRLs, our own and foreign ones.

use const_oid::db::rfc5280 as oids;

use super::{Reason, Revoked};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::Serial;
use crate::x509::cert::{Extension, parse_extensions, read_ext};
use crate::x509::der_guard;
use crate::x509::key::PublicKey;
use crate::x509::name::Name;
use crate::x509::pem;
use crate::x509::signed::{Signed, wrapped_extensions};
use crate::x509::tlv::{self, Broken, Reader};
use crate::x509::validity;

/// The largest CRL, in octets: about a million entries.
const MAX_LEN: usize = 64 << 20;

/// A CRL that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Crl {
    der: Vec<u8>,
    tbs: Vec<u8>,
    inner_algorithm: Vec<u8>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
    issuer: Name,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    entries: Vec<Revoked>,
    extensions: Vec<Extension>,
}

impl Crl {
    /// Reads DER, at most 64 MiB, no trailing bytes. Errors: `bad-crl`.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        der_guard::scan(der, MAX_LEN).map_err(|_| bad("not a DER CRL of at most 64 MiB"))?;
        parse(der)
    }

    /// Reads exactly one CRL, PEM or DER. Errors: `bad-crl`.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.first() == Some(&tlv::SEQUENCE) {
            return Self::from_der(bytes);
        }
        match pem::decode_all(bytes, 2).map_err(|e| bad(e.detail()))?.as_slice() {
            [(label, der)] if label == "X509 CRL" => Self::from_der(der),
            _ => Err(bad("exactly one CRL is expected, as PEM or DER")),
        }
    }

    /// The DER as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The issuer.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was made.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// When the next is there at the latest, if it says so.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.next_update
    }

    /// The revoked certificates in order. A reason that RFC 5280 does not define reads as unspecified.
    pub fn entries(&self) -> &[Revoked] {
        &self.entries
    }

    /// CRLNumber; none if absent or over 64 bits.
    pub fn number(&self) -> Option<u64> {
        let octets = self.number_octets().filter(|octets| octets.len() <= 8)?;
        Some(octets.iter().fold(0, |n, &b| (n << 8) | u64::from(b)))
    }

    /// CRLNumber, most significant octet first, without leading zeros (RFC 5280 §5.2.3: up to 20 octets); none if absent
    /// or negative.
    pub fn number_octets(&self) -> Option<&[u8]> {
        let value = &self.extensions.iter().find(|e| e.oid == oids::ID_CE_CRL_NUMBER)?.value;
        let content = tlv::single(value, tlv::INTEGER).and_then(tlv::integer).ok()?;
        (content[0] < 0x80).then(|| content.strip_prefix(&[0]).unwrap_or(content))
    }

    /// AuthorityKeyIdentifier's key identifier, if present.
    pub fn authority_key_id(&self) -> Option<Vec<u8>> {
        let extension = self.extensions.iter().find(|e| e.oid == oids::ID_CE_AUTHORITY_KEY_IDENTIFIER)?;
        read_ext::authority_key_id(&extension.value).ok().flatten()
    }

    /// Its extensions in order.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Verifies its signature by `issuer_key`, and that inner and outer algorithm agree byte for byte.
    /// Errors: `bad-crl` if they differ; as [`PublicKey::verify`].
    pub fn verify_signed_by(&self, issuer_key: &PublicKey) -> Result<()> {
        if self.inner_algorithm != self.signature_algorithm {
            return Err(bad("the signed and the outer signature algorithm differ"));
        }
        issuer_key.verify(&self.signature_algorithm, &self.tbs, &self.signature)
    }
}

impl std::fmt::Debug for Crl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crl({} {} entries of {})", self.this_update, self.entries.len(), self.issuer)
    }
}

fn parse(der: &[u8]) -> Result<Crl> {
    let signed = Signed::read(der).map_err(malformed)?;
    let mut fields = Reader::new(signed.tbs.content);
    let version = fields.optional(tlv::INTEGER).map_err(malformed)?;
    if version.is_some_and(|v| v.content != [1]) {
        return Err(bad("unknown CRL version"));
    }
    let inner_algorithm = fields.expect(tlv::SEQUENCE).map_err(malformed)?.whole.to_vec();
    let issuer = Name::from_der(fields.expect(tlv::SEQUENCE).map_err(malformed)?.whole);
    let this_update = fields.any().and_then(validity::decode).map_err(malformed)?;
    let next_update = match fields.peek() {
        Some(tlv::UTC_TIME | tlv::GENERALIZED_TIME) => Some(fields.any().and_then(validity::decode)),
        _ => None,
    };
    let list = fields.optional(tlv::SEQUENCE).map_err(malformed)?;
    let wrapped = fields.optional(0xa0).map_err(malformed)?;
    fields.finish().map_err(malformed)?;
    Ok(Crl {
        der: der.to_vec(),
        tbs: signed.tbs.whole.to_vec(),
        inner_algorithm,
        signature_algorithm: signed.algorithm.to_vec(),
        signature: signed.signature.to_vec(),
        issuer: issuer.map_err(|e| bad(e.detail()))?,
        this_update,
        next_update: next_update.transpose().map_err(malformed)?,
        entries: entries(Reader::new(list.map_or(&[], |l| l.content)))?,
        extensions: wrapped_extensions(wrapped).map_err(bad)?,
    })
}

fn entries(mut list: Reader<'_>) -> Result<Vec<Revoked>> {
    let mut entries = Vec::new();
    while !list.is_empty() {
        let mut fields = list.enter(tlv::SEQUENCE).map_err(malformed)?;
        let serial = fields.expect(tlv::INTEGER).map_err(malformed)?.content;
        let at = fields.any().and_then(validity::decode).map_err(malformed)?;
        let extensions = fields.optional(tlv::SEQUENCE).map_err(malformed)?;
        fields.finish().map_err(malformed)?;
        let (reason, invalidity) =
            extensions.map_or(Ok((Reason::Unspecified, None)), |e| said(Reader::new(e.content)))?;
        let serial = Serial::from_content(serial).map_err(|e| bad(e.detail()))?;
        entries.push(Revoked { serial, at, reason, invalidity });
    }
    Ok(entries)
}

/// Reason and invalidity date. A date that cannot be read is left out: it says nothing about the revocation itself.
fn said(list: Reader<'_>) -> Result<(Reason, Option<Timestamp>)> {
    let extensions = parse_extensions(list).map_err(bad)?;
    let value = |oid| extensions.iter().find(|e| e.oid == oid);
    let invalidity = value(oids::ID_CE_INVALIDITY_DATE)
        .and_then(|e| tlv::single(&e.value, tlv::GENERALIZED_TIME).and_then(validity::decode).ok());
    let reason = value(oids::ID_CE_CRL_REASONS).map_or(Ok(Reason::Unspecified), reason)?;
    Ok((reason, invalidity))
}

fn reason(found: &Extension) -> Result<Reason> {
    match tlv::single(&found.value, tlv::ENUMERATED).map_err(malformed)?.content {
        [code] => Ok(Reason::ALL.into_iter().find(|r| r.code() == *code).unwrap_or(Reason::Unspecified)),
        _ => Err(malformed(Broken)),
    }
}

fn malformed(_: Broken) -> Error {
    bad("not a DER CRL")
}

fn bad(detail: impl Into<String>) -> Error {
    Error::malformed("bad-crl", detail)
}
