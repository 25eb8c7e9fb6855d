//! What a device is told. Elements stand in the order of their tags, and only those that every client knows.

use crate::enrol::capf::command::Command;
use crate::enrol::capf::element::{CertificateType, Tag, Writer};
use crate::enrol::capf::frame;
use crate::enrol::capf::message::Version;
use crate::error::Result;

/// The version that we speak.
const VERSION: u8 = 3;
/// What is required is chosen after the device said who it is.
const ANY_AUTHENTICATION: u8 = 0;

/// A curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Curve {
    /// P-256.
    P256 = 0,
    /// P-384.
    P384 = 1,
    /// P-521.
    P521 = 2,
}

/// A key that a device is to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRequest {
    /// RSA, of so many bits.
    Rsa(u16),
    /// EC, on a curve.
    Ec(Curve),
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EndReason {
    /// Nothing is to be done, or nothing more.
    NoAction = 0,
    /// The certificate was updated.
    Updated = 1,
    /// Something was wrong, or is declined.
    Declined = 7,
    /// No such device.
    UnknownDevice = 9,
}

/// What a device is told.
#[derive(Debug, PartialEq, Eq)]
pub enum ToDevice<'a> {
    /// Say who you are.
    Authenticate,
    /// Make a key.
    MakeKey(KeyRequest, Version),
    /// Keep this certificate (DER).
    Store(&'a [u8]),
    /// Give the certificate that you have.
    Fetch,
    /// Delete your certificate.
    Delete,
    /// Come back later: only to devices that are known to take it.
    RetryLater,
    /// That is all.
    End(EndReason),
}

impl ToDevice<'_> {
    /// The message, header and body in one. Errors: `internal` if a certificate is too long.
    pub fn write(&self, session: u32) -> Result<Vec<u8>> {
        let (command, body) = match self {
            Self::Authenticate => (Command::AuthRequest, authenticate()),
            Self::MakeKey(key, version) => (Command::KeyGenerateRequest, make_key(*key, *version)),
            Self::Store(der) => (
                Command::StoreCertificateRequest,
                Writer::default()
                    .octet(Tag::CertificateType, CertificateType::Lsc as u8)
                    .certificate(CertificateType::Lsc, der)?,
            ),
            Self::Fetch => (Command::FetchCertificateRequest, Writer::default()),
            Self::Delete => (Command::DeleteCertificateRequest, Writer::default()),
            Self::RetryLater => (Command::RetryLater, Writer::default()),
            Self::End(reason) => (Command::EndSession, Writer::default().octet(Tag::Reason, *reason as u8)),
        };
        frame::write(command, session, &body.into_body())
    }
}

fn authenticate() -> Writer {
    Writer::default().octet(Tag::Version, VERSION).octet(Tag::AuthType, ANY_AUTHENTICATION)
}

/// A device of version 2 makes RSA keys, and knows the size alone.
fn make_key(key: KeyRequest, version: Version) -> Writer {
    let body = Writer::default();
    match (key, version) {
        (KeyRequest::Rsa(bits), Version::Two) => body.number(Tag::KeySize, bits),
        (KeyRequest::Rsa(bits), Version::Three) => body.number(Tag::KeySize, bits).octet(Tag::KeyType, 0),
        (KeyRequest::Ec(curve), Version::Two | Version::Three) => {
            body.octet(Tag::KeyType, 1).octet(Tag::Curve, curve as u8)
        }
    }
}
