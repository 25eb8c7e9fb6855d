//! A device's history: what was done with it, step by step.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::device::records::{Action, Authentication, Reason};
use crate::id::{RecordId, Serial};
use crate::store::{IndexKey, Kind, Record};

/// So many steps of a device are kept, the newest.
pub const MOST_STEPS: u32 = 50;

/// One step of a device's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The device.
    pub device: RecordId,
    /// Which of its steps, from 0.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// Who did it, for people.
    pub by: String,
    /// From where the device came, if it came.
    pub address: Option<IpAddr>,
    /// The operation that it belongs to, if it belongs to one.
    pub operation: Option<RecordId>,
    /// What was done.
    pub step: Step,
}

/// What was done with a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// An operation was set.
    Set {
        /// Which.
        action: Action,
        /// How the device is to prove itself.
        authentication: Authentication,
        /// Not after this moment.
        deadline: Option<Timestamp>,
    },
    /// The operation was taken back.
    Cleared,
    /// A certificate was issued for it.
    Issued(Serial),
    /// It confirmed that it holds the certificate.
    Installed(Serial),
    /// It showed the certificate that it holds.
    Fetched(Serial),
    /// It deleted its certificate.
    Deleted,
    /// Its operation failed.
    Failed(Reason),
    /// Something went wrong; the operation stays open.
    Trouble(Reason),
    /// Too many wrong authentication strings: none is looked at until then.
    Locked(Timestamp),
    /// An operator let strings be looked at again.
    Unlocked,
}

impl Step {
    /// As API and command line name it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Set { .. } => "set",
            Self::Cleared => "cleared",
            Self::Issued(_) => "issued",
            Self::Installed(_) => "installed",
            Self::Fetched(_) => "fetched",
            Self::Deleted => "deleted",
            Self::Failed(_) => "failed",
            Self::Trouble(_) => "trouble",
            Self::Locked(_) => "locked",
            Self::Unlocked => "unlocked",
        }
    }

    /// The serial number that it is about.
    pub fn serial(&self) -> Option<&Serial> {
        match self {
            Self::Issued(serial) | Self::Installed(serial) | Self::Fetched(serial) => Some(serial),
            Self::Set { .. }
            | Self::Cleared
            | Self::Deleted
            | Self::Failed(_)
            | Self::Trouble(_)
            | Self::Locked(_)
            | Self::Unlocked => None,
        }
    }

    /// Why, if something went wrong.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Failed(reason) | Self::Trouble(reason) => Some(*reason),
            Self::Locked(_) => Some(Reason::InvalidAuthenticationString),
            Self::Set { .. }
            | Self::Cleared
            | Self::Issued(_)
            | Self::Installed(_)
            | Self::Fetched(_)
            | Self::Deleted
            | Self::Unlocked => None,
        }
    }
}

impl StepRecord {
    /// The key of a device's step; those of one device stand together, in order.
    pub fn key_of(device: RecordId, number: u32) -> Vec<u8> {
        [device.as_bytes().as_slice(), &number.to_be_bytes()].concat()
    }
}

impl Record for StepRecord {
    const KIND: Kind = Kind { id: 61, name: "device-step" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.device, self.number)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
