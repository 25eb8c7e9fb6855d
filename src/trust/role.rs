//! What a certificate of a trust list may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A role in a CTL or ITL, and in an answer of the Trust Verification Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// System Administrator Security Token: signs lists.
    Sast,
    /// Call control (CallManager).
    Ccm,
    /// Call control that also signs configuration files.
    #[serde(rename = "ccm+tftp")]
    CcmTftp,
    /// Signs configuration files.
    Tftp,
    /// Certificate Authority Proxy Function.
    Capf,
    /// Application server.
    AppServer,
    /// Trust Verification Service.
    Tvs,
}

impl Role {
    /// All of them, by code.
    pub const ALL: [Self; 7] =
        [Self::Sast, Self::Ccm, Self::CcmTftp, Self::Tftp, Self::Capf, Self::AppServer, Self::Tvs];

    /// Its code on the wire: two bytes in a list, one in an answer of TVS.
    pub fn code(self) -> u8 {
        match self {
            Self::Sast => 0,
            Self::Ccm => 1,
            Self::CcmTftp => 2,
            Self::Tftp => 3,
            Self::Capf => 4,
            Self::AppServer => 7,
            Self::Tvs => 21,
        }
    }

    /// By its code; none if it is not known.
    pub fn of_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|role| u16::from(role.code()) == code)
    }

    /// Whether it signs configuration files.
    pub fn signs_files(self) -> bool {
        matches!(self, Self::CcmTftp | Self::Tftp)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sast => "sast",
            Self::Ccm => "ccm",
            Self::CcmTftp => "ccm+tftp",
            Self::Tftp => "tftp",
            Self::Capf => "capf",
            Self::AppServer => "app-server",
            Self::Tvs => "tvs",
        })
    }
}

impl FromStr for Role {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|role| role.to_string() == text).ok_or_else(|| {
            let names: Vec<String> = Self::ALL.iter().map(Self::to_string).collect();
            Error::invalid("invalid-role", format!("a role is one of {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::of_code(role.code().into()), Some(role));
            assert_eq!(role.to_string().parse::<Role>().unwrap(), role);
            assert_eq!(serde_json::to_value(role).unwrap(), role.to_string());
        }
        assert_eq!(Role::of_code(5), None);
        assert!("SAST ".parse::<Role>().is_err());
    }
}
