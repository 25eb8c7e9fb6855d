//! PKCS#10 requests (RFC 2986), read as received and checked by the catalogue's CSR rows.

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::x509::key::{self, PublicKey};
use crate::x509::name::{Name, unsafe_character};
use crate::x509::pem;
use crate::x509::san::San;
use crate::x509::signed::Signed;
use crate::x509::tlv::{self, Broken, Reader, Tlv};
use crate::x509::{der_guard, der_guard::Fault};

mod attributes;
mod extensions;

/// The largest request, in octets, in any form.
const MAX_LEN: usize = 64 << 10;
/// Up to here a request is short work to read.
const QUICK_LEN: usize = 4 << 10;

/// How strictly to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// The API: version must be 0.
    Strict,
    /// SCEP: Apple sends other versions (CSR-03).
    Device,
    /// As `Device`, and what else is allowed (feature `legacy`; without it the same as `Device`).
    OldDevice {
        /// Whether the proof of possession may be an RSA signature with SHA-1.
        sha1: bool,
        /// Whether it may be one with MD5.
        md5: bool,
        /// Whether the key may be RSA of 1024 bits.
        rsa_1024: bool,
    },
}

impl Leniency {
    /// For a request that was read before, by what its profile allowed then.
    pub const KEPT: Self = Self::OldDevice { sha1: true, md5: true, rsa_1024: true };
}

/// A request that was read and whose proof of possession holds.
#[derive(Clone)]
pub struct Csr {
    der: Vec<u8>,
    subject: Name,
    public_key: PublicKey,
    sans: Vec<San>,
    challenge: Option<Zeroizing<String>>,
}

impl Csr {
    /// Reads DER, checks every CSR row that needs no profile, and verifies the signature over the received bytes.
    /// Errors: `bad-csr`, with the catalogue's text; `body-too-large` over 64 KiB.
    pub fn from_der(der: &[u8], leniency: Leniency) -> Result<Self> {
        let parts = framed(der)?;
        let csr = Self::checked(der, &parts, None, leniency)?;
        prove_possession(&csr.public_key, &parts, leniency)?;
        Ok(csr)
    }

    /// As [`Csr::from_der`], but nothing is said of the content before the signature holds: for what came out of an
    /// envelope, where each reason given would tell its sender something of the plaintext. `signer` is the key that the
    /// message was signed with, mostly the request's own: it is not checked twice.
    /// Errors: [`Unfit`], each telling how far the request came.
    pub fn from_envelope(der: &[u8], leniency: Leniency, signer: &PublicKey) -> Result<Self, Unfit> {
        let unreadable = |_| Unfit::Unreadable;
        let parts = framed(der).map_err(unreadable)?;
        let key = if parts.spki.whole == signer.spki() {
            signer.clone()
        } else {
            read_key(parts.spki.whole, leniency).map_err(unreadable)?
        };
        prove_possession(&key, &parts, leniency).map_err(|_| Unfit::NotProven)?;
        Self::checked(der, &parts, Some(key), leniency).map_err(Unfit::Proven)
    }

    /// Every check but the signature's, and the key's where it passed before.
    fn checked(der: &[u8], parts: &Parts<'_>, key: Option<PublicKey>, leniency: Leniency) -> Result<Self> {
        if leniency == Leniency::Strict && parts.version.content != [0] {
            return Err(Error::bad_csr("unsupported CSR version"));
        }
        let subject = subject(parts.subject.whole)?;
        let public_key = key.map_or_else(|| read_key(parts.spki.whole, leniency), Ok)?;
        let attributes = attributes::read(parts.attributes.clone())?;
        let sans = extensions::check(&attributes.extensions)?;
        if subject.is_empty() && sans.is_empty() {
            return Err(Error::bad_csr("no identity: neither a subject nor an alternative name"));
        }
        Ok(Self { der: der.to_vec(), subject, public_key, sans, challenge: attributes.challenge })
    }

    /// Reads PEM (exactly one request), base64 or DER, at most 64 KiB. Errors: as `from_der`, and `not a PKCS#10 request`.
    pub fn read(bytes: &[u8], leniency: Leniency) -> Result<Self> {
        Self::from_der(&Received::read(bytes)?.0, leniency)
    }

    /// The DER as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the DER.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// The subject asked for.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The key, proven to be the requester's.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The alternative names asked for, checked for form.
    pub fn sans(&self) -> &[San] {
        &self.sans
    }

    /// The challengePassword attribute (RFC 2985 §5.4.1).
    pub fn challenge(&self) -> Option<&str> {
        self.challenge.as_ref().map(|c| c.as_str())
    }
}

impl std::fmt::Debug for Csr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Csr").field("subject", &self.subject).field("key", &self.public_key).finish()
    }
}

/// A request as it came, out of its armour; nothing in it is checked.
pub struct Received(Vec<u8>);

impl Received {
    /// Reads PEM (exactly one request), base64 or DER, at most 64 KiB.
    /// Errors: `body-too-large`; `bad-csr` "not a PKCS#10 request".
    pub fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_LEN {
            return Err(too_large());
        }
        let text = bytes.trim_ascii();
        if bytes.first() == Some(&tlv::SEQUENCE) {
            return Ok(Self(bytes.to_vec()));
        }
        if !text.windows(10).any(|w| w == b"-----BEGIN") {
            return pem::decode_base64(text).map(Self).map_err(|_| not_a_request());
        }
        let mut blocks = pem::decode_all(text, 2).map_err(|e| not_a_request().because(e))?;
        match (blocks.pop(), blocks.pop()) {
            (Some((label, der)), None)
                if label == "CERTIFICATE REQUEST" || label == "NEW CERTIFICATE REQUEST" =>
            {
                Ok(Self(der))
            }
            _ => Err(not_a_request()),
        }
    }

    /// The DER.
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    /// Whether checking it takes 100 us or so: it is small and its key is on P-256, or RSA of 2048 bits.
    pub fn is_quick(&self) -> bool {
        self.0.len() <= QUICK_LEN && Parts::read(&self.0).is_ok_and(|parts| key::is_quick(parts.spki.whole))
    }
}

/// Why a request out of an envelope is refused.
#[derive(Debug)]
pub enum Unfit {
    /// It is no request, or its key is none that a signature can be held against.
    Unreadable,
    /// Its signature does not hold.
    NotProven,
    /// Its sender holds the key and may know what is wrong: as [`Csr::from_der`] says it.
    Proven(Error),
}

/// The elements of a request as they stand.
struct Parts<'a> {
    /// CertificationRequestInfo, tag and length included: what is signed.
    info: &'a [u8],
    version: Tlv<'a>,
    subject: Tlv<'a>,
    spki: Tlv<'a>,
    attributes: Reader<'a>,
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(der: &'a [u8]) -> Result<Self, Broken> {
        let Signed { tbs: info, algorithm, signature } = Signed::read(der)?;
        let mut fields = Reader::new(info.content);
        let version = fields.expect(tlv::INTEGER)?;
        tlv::integer(version)?;
        let subject = fields.expect(tlv::SEQUENCE)?;
        let spki = fields.expect(tlv::SEQUENCE)?;
        // Mandatory in RFC 2986, and left out by old clients that have none.
        let attributes = Reader::new(fields.optional(0xa0)?.map_or(&[], |t| t.content));
        fields.finish()?;
        Ok(Self { info: info.whole, version, subject, spki, attributes, algorithm, signature })
    }
}

fn framed(der: &[u8]) -> Result<Parts<'_>> {
    der_guard::scan(der, MAX_LEN).map_err(|fault| match fault {
        Fault::TooLarge => too_large(),
        Fault::MalformedOid => Error::bad_csr("malformed OID"),
        Fault::TooDeep | Fault::Malformed => not_a_request(),
    })?;
    Parts::read(der).map_err(|_| not_a_request())
}

fn subject(der: &[u8]) -> Result<Name> {
    let name = Name::from_der(der).map_err(|e| Error::bad_csr(e.detail()))?;
    if name.attributes().any(|a| a.value.chars().any(unsafe_character)) {
        return Err(Error::bad_csr("control or invisible character in the subject"));
    }
    Ok(name)
}

fn prove_possession(key: &PublicKey, parts: &Parts<'_>, leniency: Leniency) -> Result<()> {
    if let Some(holds) = old_proof(key, parts, leniency) {
        return if holds { Ok(()) } else { Err(Error::bad_csr("proof of possession failed")) };
    }
    key.verify(parts.algorithm, parts.info, parts.signature).map_err(|e| match e.code() {
        "signature-algorithm" => Error::bad_csr(e.detail()),
        _ => Error::bad_csr("proof of possession failed"),
    })
}

/// The key, of 1024 bits too if it is an old device's that may have it.
#[cfg(feature = "legacy")]
fn read_key(spki: &[u8], leniency: Leniency) -> Result<PublicKey> {
    match leniency {
        Leniency::OldDevice { rsa_1024: true, .. } => key::old::read(spki),
        Leniency::Strict | Leniency::Device | Leniency::OldDevice { rsa_1024: false, .. } => {
            PublicKey::from_spki(spki)
        }
    }
}

#[cfg(not(feature = "legacy"))]
fn read_key(spki: &[u8], _: Leniency) -> Result<PublicKey> {
    PublicKey::from_spki(spki)
}

/// Whether the signature holds, if it is one of those that only an old device may make.
#[cfg(feature = "legacy")]
fn old_proof(key: &PublicKey, parts: &Parts<'_>, leniency: Leniency) -> Option<bool> {
    use crate::x509::key::old::{self, OldDigest};
    let Leniency::OldDevice { sha1, md5, rsa_1024: _ } = leniency else { return None };
    let digest = OldDigest::of_signature(parts.algorithm)?;
    let allowed = match digest {
        OldDigest::Md5 => md5,
        OldDigest::Sha1 => sha1,
    };
    allowed.then(|| old::verify(key, digest, parts.info, parts.signature))
}

#[cfg(not(feature = "legacy"))]
fn old_proof(_: &PublicKey, _: &Parts<'_>, _: Leniency) -> Option<bool> {
    None
}

fn not_a_request() -> Error {
    Error::bad_csr("not a PKCS#10 request")
}

fn too_large() -> Error {
    Error::new(Kind::TooLarge, "body-too-large", "a certificate request has at most 64 KiB")
}
