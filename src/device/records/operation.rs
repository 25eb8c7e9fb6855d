//! What is to be done with a device, and how far it has come.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{RecordId, Serial};
use crate::store::KeyBuilder;
use crate::x509::key::DeviceKey;

mod words;

/// The bytes of a [`StringMac`].
pub const MAC_LENGTH: usize = 32;

/// The MAC of an authentication string, under a key of the vault; see [`crate::device::string`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StringMac(pub [u8; MAC_LENGTH]);

impl fmt::Debug for StringMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StringMac")
    }
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
    /// Of the authentication string; none where there is none, and once the operation has ended.
    pub string: Option<StringMac>,
    /// Which key the device is to make.
    pub key: KeyOrder,
    /// Not after this moment.
    pub deadline: Option<Timestamp>,
    /// Who asked for it, for people.
    pub requester: String,
    /// The campaign that it belongs to.
    pub campaign: Option<RecordId>,
    /// How far it has come.
    pub state: State,
    /// What went wrong last while it stays open.
    pub trouble: Option<Reason>,
    /// How often the device came for it in vain.
    pub failures: u32,
    /// When it came to its state.
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
    pub preferred: DeviceKey,
    /// The RSA key that a device makes which cannot make the wanted one ("EC preferred, RSA backup").
    pub backup: Option<DeviceKey>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// It did not answer in time what it was asked to keep, show or delete.
    RequestTimedOut,
    /// It cannot make an EC key, and no other was allowed.
    NoEcSupport,
}

/// Where a device stands, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Shown {
    /// No operation was ever set, or it was taken back.
    None,
    /// It has not come yet.
    Pending,
    /// It got a certificate and has not confirmed it.
    Issued,
    /// It holds the new certificate.
    Installed,
    /// It deleted its certificate.
    Deleted,
    /// It showed the certificate that it holds.
    Fetched,
    /// Its operation failed.
    Failed,
    /// It did not come before the deadline.
    Late,
}

/// Wrong authentication strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guesses {
    /// How many since the last right one.
    pub wrong: u32,
    /// Until when no string is looked at.
    pub locked_until: Option<Timestamp>,
}

impl Operation {
    /// Where it stands at `now`. One whose certificate was issued is never late: the device may still confirm.
    pub fn shown(&self, now: Timestamp) -> Shown {
        match (&self.state, self.action) {
            (State::Pending, _) if self.is_past_deadline(now) => Shown::Late,
            (State::Pending, _) => Shown::Pending,
            (State::Issued(_), _) => Shown::Issued,
            (State::Done, Action::Install) => Shown::Installed,
            (State::Done, Action::Delete) => Shown::Deleted,
            (State::Done, Action::Fetch) => Shown::Fetched,
            (State::Failed(Reason::RequestLate), _) => Shown::Late,
            (State::Failed(_), _) => Shown::Failed,
        }
    }

    /// Why it failed or is late, or what went wrong last while it stays open.
    pub fn reason(&self, now: Timestamp) -> Option<Reason> {
        match &self.state {
            State::Failed(reason) => Some(*reason),
            State::Pending if self.is_past_deadline(now) => Some(Reason::RequestLate),
            State::Pending | State::Issued(_) => self.trouble,
            State::Done => None,
        }
    }

    /// Whether a device that comes at `now` is to be served: it is pending or issued, and not past its deadline.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let waits = matches!(self.state, State::Pending | State::Issued(_));
        waits && !self.is_past_deadline(now)
    }

    /// Whether its deadline has passed.
    pub fn is_past_deadline(&self, now: Timestamp) -> bool {
        self.deadline.is_some_and(|deadline| deadline < now)
    }

    /// Its place in the order by state: what waits (or is late) by its deadline, what was done by when it was.
    pub fn state_key(&self) -> Vec<u8> {
        const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);
        let (byte, at) = match (&self.state, self.action) {
            (State::Pending | State::Failed(Reason::RequestLate), _) => {
                (Shown::WAITING, self.deadline.unwrap_or(NEVER))
            }
            (State::Issued(_), _) => (Shown::Issued.byte(), self.changed),
            (State::Done, Action::Install) => (Shown::Installed.byte(), self.changed),
            (State::Done, Action::Delete) => (Shown::Deleted.byte(), self.changed),
            (State::Done, Action::Fetch) => (Shown::Fetched.byte(), self.changed),
            (State::Failed(_), _) => (Shown::Failed.byte(), self.changed),
        };
        KeyBuilder::new().bytes(&[byte]).time(at).build()
    }
}

impl KeyOrder {
    /// This key and no other.
    pub fn only(preferred: impl Into<DeviceKey>) -> Self {
        Self { preferred: preferred.into(), backup: None }
    }

    /// An EC key, with an RSA key of a device that cannot make it. Errors: `invalid-key-order`.
    pub fn with_backup(preferred: impl Into<DeviceKey>, backup: impl Into<DeviceKey>) -> Result<Self> {
        let (preferred, backup) = (preferred.into(), backup.into());
        if preferred.is_rsa() || !backup.is_rsa() || backup == DeviceKey::Rsa1024 {
            let rule = "a key with a backup is an EC key, then a slash and an RSA key of 2048 bits or more, as \
                        p-384/rsa-2048";
            return Err(Error::invalid("invalid-key-order", rule));
        }
        Ok(Self { preferred, backup: Some(backup) })
    }
}
