//! The header of a trust list or signed file, as it was received.

use super::encryption::EncryptionInfo;
use super::layout::Found;
use super::tags::header as tag;
use super::{FRAME, FileName, Format, Part, Reader, serial};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::trust::sign::{Modulus, SignatureDigest};

/// Which behaviour of phones a list asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignerVersion {
    /// 1.0.
    V1_0,
    /// 1.1: phones first try HTTPS on port 6971, and want an EC certificate with role TFTP there.
    V1_1,
}

impl SignerVersion {
    pub(super) fn octets(self) -> [u8; 2] {
        match self {
            Self::V1_0 => [1, 0],
            Self::V1_1 => [1, 1],
        }
    }
}

impl std::fmt::Display for SignerVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor] = self.octets();
        write!(f, "{major}.{minor}")
    }
}

/// How a header names who signed: all that a phone has to look for him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerName {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) serial: Vec<u8>,
}

impl SignerName {
    /// His subject, as it stands there.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// His issuer, as it stands there.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// His serial number, minimal and unsigned.
    pub fn serial(&self) -> &[u8] {
        serial::minimal(&self.serial)
    }
}

/// What a header says. Nothing of it is believed before the signature is verified.
#[derive(Clone, Debug)]
pub struct Header {
    pub(in crate::trust) version: [u8; 2],
    pub(in crate::trust) length: usize,
    pub(in crate::trust) signer_version: Option<SignerVersion>,
    pub(in crate::trust) signer: SignerName,
    pub(in crate::trust) digest: SignatureDigest,
    pub(in crate::trust) modulus: Modulus,
    pub(in crate::trust) signature: Vec<u8>,
    /// The offset of the signature element.
    pub(in crate::trust) signature_at: usize,
    pub(in crate::trust) file_name: FileName,
    pub(in crate::trust) timestamp: Timestamp,
    pub(in crate::trust) encryption: Option<EncryptionInfo>,
}

impl Header {
    /// Reads the header that `file` begins with. Errors: `bad-trust-list`, `bad-signed-file`;
    /// `signer-key-not-allowed`, `list-digest-not-allowed` for what the format names and nobody takes.
    pub(in crate::trust) fn read(file: &[u8], format: Format) -> Result<Self> {
        let mut start = Reader::new(file, 0, format, Part::Header);
        let version = start.expect::<2>(tag::VERSION)?;
        let length = usize::from(u16::from_be_bytes(start.expect(tag::LENGTH)?));
        let here = start.at();
        let elements = file.get(here..length).ok_or_else(|| bad_length(format, length, file.len()))?;
        if !length.is_multiple_of(4) {
            return Err(format.bad("header: element 2 (header length) is a multiple of 4"));
        }
        let reader = Reader::new(elements, here, format, Part::Header);
        let found = Found::read(reader.clone())?;
        Self::from_elements(&found, &reader, version, length)
    }

    fn from_elements(
        found: &Found<'_>,
        reader: &Reader<'_>,
        version: [u8; 2],
        length: usize,
    ) -> Result<Self> {
        let require = |tag| found.require(tag, reader);
        for container in [tag::SIGNER_INFO, tag::SIGNATURE_INFO, tag::SIGNATURE_ALGORITHM_INFO] {
            require(container)?;
        }
        let digest = SignatureDigest::from_element(&require(tag::DIGEST)?)?;
        let algorithm = require(tag::SIGNATURE_ALGORITHM)?;
        if algorithm.byte()? != 0 {
            return Err(algorithm.fault("only 0 (RSA) is known"));
        }
        let modulus = Modulus::from_element(&require(tag::MODULUS)?)?;
        let signature = require(tag::SIGNATURE)?;
        if signature.value.len() != modulus.octets() {
            return Err(signature.fault(&format!("a {modulus} key signs in {} octets", modulus.octets())));
        }
        let file_name = require(tag::FILE_NAME)?;
        let timestamp = u32::from_be_bytes(require(tag::TIMESTAMP)?.octets()?);
        Ok(Self {
            version,
            length,
            signer_version: signer_version(found)?,
            signer: SignerName {
                name: require(tag::SIGNER_NAME)?.text()?.to_owned(),
                issuer: require(tag::ISSUER_NAME)?.text()?.to_owned(),
                serial: require(tag::SERIAL)?.serial()?.to_vec(),
            },
            digest,
            modulus,
            signature: signature.value.to_vec(),
            signature_at: signature.at,
            file_name: FileName::parse(file_name.text()?).map_err(|e| file_name.fault(e.detail()))?,
            timestamp: Timestamp::from_secs(timestamp.into()),
            encryption: EncryptionInfo::read(found, reader, digest)?,
        })
    }

    /// What the signature covers: the file without the signature element.
    pub(in crate::trust) fn signed_bytes(&self, file: &[u8]) -> Vec<u8> {
        let end = self.signature_at + FRAME + self.signature.len();
        let (before, after) = (file.get(..self.signature_at), file.get(end..));
        [before.unwrap_or_default(), after.unwrap_or_default()].concat()
    }
}

fn signer_version(found: &Found<'_>) -> Result<Option<SignerVersion>> {
    let Some(element) = found.get(tag::SIGNER_VERSION) else { return Ok(None) };
    match element.octets()? {
        [1, 0] => Ok(Some(SignerVersion::V1_0)),
        [1, 1] => Ok(Some(SignerVersion::V1_1)),
        [major, minor] => Err(element.fault(&format!("1.0 and 1.1 are known, not {major}.{minor}"))),
    }
}

fn bad_length(format: Format, length: usize, file: usize) -> Error {
    let detail = format!("header: element 2 (header length) says {length}, and the file has {file} octets");
    format.bad(detail)
}
