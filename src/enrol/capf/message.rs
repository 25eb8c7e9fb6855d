//! Messages as types: what a device says, and what it is told.

use crate::enrol::capf::command::Command;
use crate::enrol::capf::element::Elements;
use crate::enrol::capf::frame::malformed;
use crate::error::Result;

mod auth;
mod from_device;
mod to_device;

pub use auth::{AuthResponse, CertificateProof, Version};
pub use from_device::{FetchResponse, KeyResponse, Reason, ReasonInfo};
pub use to_device::{Curve, EndReason, KeyRequest, ToDevice};

/// What a device says.
#[derive(Debug)]
pub enum FromDevice {
    /// Who it is, and what speaks for it.
    Auth(Box<AuthResponse>),
    /// A new public key, or why there is none.
    Key(KeyResponse),
    /// It is still making its key.
    InProgress,
    /// Whether it keeps the certificate.
    Stored(Reason),
    /// A certificate that it has.
    Fetched(FetchResponse),
    /// Whether it deleted its certificate.
    Deleted(Reason),
}

impl FromDevice {
    /// Reads a message. Errors: `capf-message`, saying what is wrong; "unexpected command in state" for what no
    /// device has to say.
    pub fn read(command: Command, body: &[u8]) -> Result<Self> {
        let elements = Elements::read(body)?;
        match command {
            Command::AuthResponse => AuthResponse::read(&elements).map(Box::new).map(Self::Auth),
            Command::KeyGenerateResponse => KeyResponse::read(&elements).map(Self::Key),
            Command::RequestInProgress => Ok(Self::InProgress),
            Command::StoreCertificateResponse => Reason::read(&elements).map(Self::Stored),
            Command::FetchCertificateResponse => FetchResponse::read(&elements).map(Self::Fetched),
            Command::DeleteCertificateResponse => Reason::read(&elements).map(Self::Deleted),
            Command::AuthRequest
            | Command::KeyGenerateRequest
            | Command::EncryptResponse
            | Command::EncryptRequest
            | Command::DecryptRequest
            | Command::DecryptResponse
            | Command::StoreCertificateRequest
            | Command::FetchCertificateRequest
            | Command::DeleteCertificateRequest
            | Command::EndSession
            | Command::RetryLater
            | Command::StatusRequest
            | Command::StatusResponse
            | Command::AbortRequest
            | Command::AbortResponse
            | Command::SignCertificateRequest
            | Command::SignCertificateResponse => Err(malformed("unexpected command in state")),
        }
    }
}

#[cfg(test)]
mod tests;
