//! The one place where a certificate is made: profile → bytes to be signed → lint → sign → one durable write.

use std::sync::Arc;

use crate::audit::Actor;
use crate::ca::Authority;
use crate::ca::profile::Profile;
use crate::ca::records::CertificateRecord;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CaId, Serial};
use crate::store::{Envelope, Unit};
use crate::x509::key::PublicKey;
use crate::x509::name::Name;
use crate::x509::san::San;

/// An approved request. Only `enrol::approve` makes one.
#[derive(Debug)]
pub struct Order {
    /// By which profile.
    pub profile: Arc<Profile>,
    /// Which CA signs (the profile's, but for an RA certificate).
    pub ca: CaId,
    /// The subject to be written, as the profile made it.
    pub subject: Name,
    /// The alternative names to be written.
    pub sans: Vec<San>,
    /// The requester's key.
    pub public_key: PublicKey,
    /// The device's name, if the profile says where it stands.
    pub device: Option<String>,
    /// Not later than this, if the requester wanted less than the profile gives.
    pub not_after: Option<Timestamp>,
    /// Who asked.
    pub actor: Actor,
    /// The certificate that is renewed.
    pub renews: Option<Serial>,
    /// What must be written together with the certificate: challenge consumed, transaction bound. May refer to
    /// the serial that `issue` was told to use.
    pub claim: Unit,
    /// The serial number, drawn by `approve` so that the claim can name it.
    pub serial: Serial,
}

/// What was issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The record, with the certificate's DER.
    pub record: CertificateRecord,
    /// The chain above it, issuer first, as DER.
    pub chain: Vec<Vec<u8>>,
}

/// Why nothing was issued.
#[derive(Debug)]
pub enum IssueError {
    /// An item of the order's claim no longer holds: another request was first.
    Claimed {
        /// The item's place in the claim.
        item: usize,
        /// The record that stands there.
        standing: Option<Envelope>,
    },
    /// Anything else.
    Failed(Error),
}

impl From<Error> for IssueError {
    fn from(e: Error) -> Self {
        Self::Failed(e)
    }
}

/// Issues: returns when certificate, indexes, claim and audit event are durable.
pub async fn issue(_authority: &Authority, _order: Order) -> Result<Issued, IssueError> {
    todo!()
}
