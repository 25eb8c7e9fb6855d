//! Who a device says it is, and what speaks for it.

use zeroize::Zeroizing;

use crate::enrol::capf::element::{Elements, SentName, Tag, missing, value};
use crate::enrol::capf::frame::malformed;
use crate::enrol::capf::message::Reason;
use crate::error::Result;

/// Which version of the protocol a device speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Jabber: RSA alone, and no key type in a request.
    Two,
    /// Phones.
    Three,
}

/// An AuthResponse. Its octets are not trusted before the proof was checked.
pub struct AuthResponse {
    /// The version that the device speaks.
    pub version: Version,
    /// The device's name, as it was sent.
    pub device: SentName,
    /// The authentication string, if one was entered.
    pub password: Option<Zeroizing<String>>,
    /// A certificate with signatures by its key.
    pub certificate: Option<CertificateProof>,
    /// The SUDI data, as they were received.
    pub sudi: Option<Vec<u8>>,
}

/// A certificate, and the signatures that are to show that the device has its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateProof {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Signed data (element 6); none if the element is missing.
    pub sha1: Option<Vec<u8>>,
    /// SHA-2 signed data (element 20), as received; none if the element is missing.
    pub sha2: Option<Vec<u8>>,
}

impl AuthResponse {
    /// The authentication string, if one was entered.
    pub fn password(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.as_str())
    }

    /// Errors: `capf-message`: "missing element" (CAPF-07), "device name missing" (CAPF-22), "malformed device name"
    /// (CAPF-23), "unknown version", "declined" for another reason than 1.
    pub(super) fn read(elements: &Elements<'_>) -> Result<Self> {
        if elements.is_empty() {
            return Err(missing());
        }
        let device = elements.find(Tag::DeviceName).ok_or_else(|| malformed("device name missing"))?;
        let device = SentName::read(device)?;
        let version = version(elements.required_octet(Tag::Version)?)?;
        if !Reason::read(elements)?.is_ok() {
            return Err(malformed("declined"));
        }
        Ok(Self {
            version,
            device,
            password: elements.find(Tag::Password).map(value::password).transpose()?.flatten(),
            certificate: CertificateProof::read(elements)?,
            sudi: elements.find(Tag::SudiData).map(<[u8]>::to_vec),
        })
    }
}

impl CertificateProof {
    fn read(elements: &Elements<'_>) -> Result<Option<Self>> {
        let Some(certificate) = elements.find(Tag::Certificate) else { return Ok(None) };
        Ok(Some(Self {
            certificate: value::certificate(certificate)?.to_vec(),
            sha1: elements.find(Tag::SignedData).map(<[u8]>::to_vec),
            sha2: elements.find(Tag::Sha2SignedData).map(<[u8]>::to_vec),
        }))
    }
}

fn version(octet: u8) -> Result<Version> {
    match octet {
        2 => Ok(Version::Two),
        3 => Ok(Version::Three),
        _ => Err(malformed("unknown version")),
    }
}

impl std::fmt::Debug for AuthResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthResponse")
            .field("version", &self.version)
            .field("device", &self.device)
            .field("password", &self.password.is_some())
            .field("certificate", &self.certificate.is_some())
            .field("sudi", &self.sudi.is_some())
            .finish()
    }
}
