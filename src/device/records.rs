//! What the room keeps of a device.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::device::DeviceName;
use crate::id::{ProfileId, RecordId, Serial};
use crate::store::{Index, IndexKey, KeyBuilder, Kind, Record};
use crate::x509::key::KeyAlgorithm;

/// A device of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// The record's key, rising with time.
    pub id: RecordId,
    /// Its name.
    pub name: DeviceName,
    /// Its model, as `8845` or `9841`.
    pub model: Option<String>,
    /// Its region (or tenant): who may see it, and when campaigns reach it.
    pub region: Option<String>,
    /// By which profile it gets its certificates.
    pub profile: ProfileId,
    /// When it was last seen, and from where.
    pub seen: Option<Seen>,
    /// The locally significant certificate that it confirmed to hold.
    pub lsc: Option<Held>,
    /// The manufacturing certificate that it last showed.
    pub mic: Option<Held>,
    /// What is to be done with it, or was done last.
    pub operation: Option<Operation>,
    /// Wrong authentication strings since the last right one.
    pub guesses: Guesses,
}

/// When and from where a device was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub address: IpAddr,
}

/// A certificate that a device holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    /// Its serial number.
    pub serial: Serial,
    /// Its issuer, for people.
    pub issuer: String,
    /// Its key, as `rsa-2048`.
    pub key: String,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last moment of validity.
    pub not_after: Timestamp,
}

/// What is to be done with a device when it comes to CAPF, or was done last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The operation's identifier, which rises with time.
    pub id: RecordId,
    /// What is to be done.
    pub action: Action,
    /// How the device proves itself.
    pub authentication: Authentication,
    /// Of the authentication string, under the store's own key ([`crate::device`]); none once it is spent.
    pub string: Option<[u8; 32]>,
    /// Which key the device is to make.
    pub key: KeyOrder,
    /// Not after this moment.
    pub deadline: Option<Timestamp>,
    /// Who asked for it, for people.
    pub requester: String,
    /// How far it has come.
    pub state: State,
    /// When it came there.
    pub changed: Timestamp,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Install a certificate, or replace it: "install/upgrade".
    Install,
    /// Fetch the certificate that it holds: "troubleshoot".
    Fetch,
    /// Delete its certificate.
    Delete,
}

/// How a device proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authentication {
    /// By a string of digits that its user types in: one device's, one use.
    String,
    /// By none.
    NullString,
    /// By the certificate that it has: the LSC, or the MIC if it has no LSC.
    ExistingLsc,
    /// By the certificate that it has: the MIC, or the LSC if it has no MIC.
    ExistingMic,
}

/// Which key a device is to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyOrder {
    /// The wanted one.
    pub preferred: KeyAlgorithm,
    /// The RSA key that a device makes which cannot make the wanted one ("EC preferred, RSA backup").
    pub backup: Option<KeyAlgorithm>,
}

/// How far an operation has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The device has not come yet.
    Pending,
    /// A certificate was issued; the device has not confirmed that it holds it.
    Issued(Serial),
    /// The device confirmed.
    Done,
    /// It failed; the next operation is the operator's to set.
    Failed(Reason),
}

/// Why an operation failed, in the words of call control's administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The LSC was not accepted.
    InvalidLsc,
    /// The authentication string was wrong too often.
    InvalidAuthenticationString,
    /// The MIC (or SUDI certificate) was not accepted.
    InvalidMic,
    /// It proved itself by other means than it should.
    InvalidCredentials,
    /// The connection broke, or what came was no answer.
    PhoneCommunicationFailure,
    /// The device could not make the key.
    KeyGenerationFailed,
    /// The device took too long to make the key.
    KeyGenerationTimeout,
    /// The CA could not be asked.
    CaCommunicationFailure,
    /// The CA or the profile refused.
    CaRejected,
    /// It came after the deadline.
    RequestLate,
    /// Its user did not answer in time.
    RequestTimedOut,
    /// It cannot make an EC key, and no other was allowed.
    NoEcSupport,
}

/// Wrong authentication strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guesses {
    /// How many since the last right one.
    pub wrong: u32,
    /// Until when no string is looked at.
    pub locked_until: Option<Timestamp>,
}

impl DeviceRecord {
    /// As it is once a certificate is issued for its operation.
    #[must_use]
    pub fn issued(&self, serial: Serial, at: Timestamp) -> Self {
        let state = |operation: &Operation| Operation {
            state: State::Issued(serial.clone()),
            changed: at,
            ..operation.clone()
        };
        Self { operation: self.operation.as_ref().map(state), ..self.clone() }
    }

    /// By name, whatever its case: unique.
    pub const BY_NAME: Index = Index { id: 1, name: "name", unique: true };

    /// The key in [`Self::BY_NAME`].
    pub fn name_key(name: &DeviceName) -> Vec<u8> {
        KeyBuilder::new().text(&name.folded()).build()
    }
}

impl Record for DeviceRecord {
    const KIND: Kind = Kind { id: 60, name: "device" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn indexes(&self) -> Vec<IndexKey> {
        vec![IndexKey { index: Self::BY_NAME, key: Self::name_key(&self.name) }]
    }
}
