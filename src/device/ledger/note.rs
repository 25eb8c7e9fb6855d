//! What is noted of a device.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::device::alarm::{Alarm, ListDigest};
use crate::device::fetch::Release;
use crate::trust::records::ListKind;

/// Over what a device came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Over {
    /// Plain HTTP (TCP 6970).
    Http,
    /// HTTP over TLS (TCP 6971, 6972).
    Https,
    /// TFTP (UDP 69).
    Tftp,
    /// The API.
    Api,
    /// Syslog: anybody in the network could have sent it.
    Syslog,
}

impl Over {
    /// As it is written: `http`, `https`, `tftp`, `api`, `syslog`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tftp => "tftp",
            Self::Api => "api",
            Self::Syslog => "syslog",
        }
    }
}

/// What a device fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A list.
    List(Release),
    /// A file, by its name.
    File(String),
}

/// What a device did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// It fetched something.
    Fetched {
        /// What.
        what: What,
        /// From where.
        from: IpAddr,
        /// Over what.
        over: Over,
    },
    /// It asked the Trust Verification Service.
    AskedTvs {
        /// From where.
        from: IpAddr,
        /// What it was told: `valid`, or why not.
        verdict: &'static str,
    },
    /// It told of its lists.
    Alarm {
        /// What happened.
        alarm: Alarm,
        /// From where that came.
        from: IpAddr,
        /// Over what.
        over: Over,
        /// The lists that it says it holds.
        told: Vec<Told>,
    },
}

/// What a device says of a list that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which list.
    pub kind: ListKind,
    /// The digest that it shows; none: it says that it holds none.
    pub digest: Option<ListDigest>,
    /// Which release that is, if it is known.
    pub release: Option<Release>,
}
