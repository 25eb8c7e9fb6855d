//! What phones tell of their trust lists: taken over, or refused and why.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::trust::records::ListKind;

pub mod intake;
pub mod syslog;

/// An alarm of a phone about its trust lists (trust list notification), by its status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Alarm {
    /// 1: a new CTL, ITL or both were taken.
    Success,
    /// 2: the first CTL was taken.
    CtlInitialSuccess,
    /// 3: the first ITL was taken.
    ItlInitialSuccess,
    /// 4: the first CTL and ITL were taken.
    InitialSuccess,
    /// 5: the new CTL was refused; the old one stays.
    FailedOldCtl,
    /// 6: the new list was refused, and there is no old one.
    FailedNoList,
    /// 7: a list was refused.
    Failed,
    /// 8: the new ITL was refused; the old one stays.
    FailedOldItl,
    /// 9: the new lists were refused; the old ones stay.
    FailedOldLists,
}

impl Alarm {
    /// All of them, by code.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::CtlInitialSuccess,
        Self::ItlInitialSuccess,
        Self::InitialSuccess,
        Self::FailedOldCtl,
        Self::FailedNoList,
        Self::Failed,
        Self::FailedOldItl,
        Self::FailedOldLists,
    ];

    /// Its status code, 1 to 9.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 1,
            Self::CtlInitialSuccess => 2,
            Self::ItlInitialSuccess => 3,
            Self::InitialSuccess => 4,
            Self::FailedOldCtl => 5,
            Self::FailedNoList => 6,
            Self::Failed => 7,
            Self::FailedOldItl => 8,
            Self::FailedOldLists => 9,
        }
    }

    /// Its name, as `TL_SUCCESS`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "TL_SUCCESS",
            Self::CtlInitialSuccess => "CTL_INITIAL_SUCCESS",
            Self::ItlInitialSuccess => "ITL_INITIAL_SUCCESS",
            Self::InitialSuccess => "TL_INITIAL_SUCCESS",
            Self::FailedOldCtl => "TL_FAILED_OLD_CTL",
            Self::FailedNoList => "TL_FAILED_NO_TL",
            Self::Failed => "TL_FAILED",
            Self::FailedOldItl => "TL_FAILED_OLD_ITL",
            Self::FailedOldLists => "TL_FAILED_OLD_TL",
        }
    }

    /// Whether a list was refused.
    pub fn is_failure(self) -> bool {
        match self {
            Self::Success | Self::CtlInitialSuccess | Self::ItlInitialSuccess | Self::InitialSuccess => false,
            Self::FailedOldCtl
            | Self::FailedNoList
            | Self::Failed
            | Self::FailedOldItl
            | Self::FailedOldLists => true,
        }
    }

    /// Whether it says that a list of this kind was taken.
    pub fn confirms(self, kind: ListKind) -> bool {
        match self {
            Self::Success | Self::InitialSuccess => true,
            Self::CtlInitialSuccess => kind == ListKind::Ctl,
            Self::ItlInitialSuccess => kind == ListKind::Itl,
            Self::FailedOldCtl
            | Self::FailedNoList
            | Self::Failed
            | Self::FailedOldItl
            | Self::FailedOldLists => false,
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Alarm {
    type Err = Error;
    /// Reads a name or a code.
    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|a| a.as_str() == text || a.code().to_string() == text);
        found.ok_or_else(|| {
            let rule = "an alarm is TL_SUCCESS, CTL_INITIAL_SUCCESS, ITL_INITIAL_SUCCESS, TL_INITIAL_SUCCESS, \
                TL_FAILED_OLD_CTL, TL_FAILED_NO_TL, TL_FAILED, TL_FAILED_OLD_ITL or TL_FAILED_OLD_TL, or its code 1 to 9";
            Error::invalid("invalid-alarm", rule)
        })
    }
}

/// A list's digest as a phone shows it ("signature" in its menus): SHA-1, SHA-256 or SHA-512 of the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct ListDigest(Vec<u8>);

impl ListDigest {
    /// Its bytes: 20, 32 or 64.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<Vec<u8>> for ListDigest {
    type Error = Error;
    fn try_from(bytes: Vec<u8>) -> Result<Self> {
        if matches!(bytes.len(), 20 | 32 | 64) { Ok(Self(bytes)) } else { Err(bad_digest()) }
    }
}

impl From<ListDigest> for Vec<u8> {
    fn from(digest: ListDigest) -> Self {
        digest.0
    }
}

impl FromStr for ListDigest {
    type Err = Error;
    /// Reads hexadecimal in either case, with blanks or colons between the bytes or without.
    fn from_str(text: &str) -> Result<Self> {
        if text.len() > 3 * 64 {
            return Err(bad_digest());
        }
        let digits: Vec<u32> = text
            .chars()
            .filter(|c| !matches!(c, ' ' | ':'))
            .map(|c| c.to_digit(16).ok_or_else(bad_digest))
            .collect::<Result<_>>()?;
        let byte = |pair: &[u32]| match pair {
            [high, low] => u8::try_from(high * 16 + low).map_err(|_| bad_digest()),
            _ => Err(bad_digest()),
        };
        digits.chunks(2).map(byte).collect::<Result<Vec<u8>>>()?.try_into()
    }
}

impl fmt::Display for ListDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn bad_digest() -> Error {
    Error::invalid(
        "invalid-list-digest",
        "a list's digest is the SHA-1, SHA-256 or SHA-512 of its file: 40, 64 or 128 hexadecimal digits",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_read_back() {
        for (alarm, code) in Alarm::ALL.into_iter().zip(1..) {
            assert_eq!(alarm.code(), code);
            assert_eq!(alarm.as_str().parse::<Alarm>().unwrap(), alarm);
            assert_eq!(code.to_string().parse::<Alarm>().unwrap(), alarm);
            assert_eq!(alarm.is_failure(), code > 4);
        }
        for text in ["", "0", "10", "01", "tl_success"] {
            assert_eq!(text.parse::<Alarm>().unwrap_err().code(), "invalid-alarm");
        }
    }

    #[test]
    fn a_digest_is_read_as_phones_show_it() {
        let shown = "1B A1 C9 07 E9 9E 4D 3C 53 9D C8 14 24 AF 6C 9F 7D CE 4D 6D ";
        let digest: ListDigest = shown.parse().unwrap();
        assert_eq!(digest.to_string(), "1ba1c907e99e4d3c539dc81424af6c9f7dce4d6d");
        assert_eq!(digest.to_string().parse::<ListDigest>().unwrap(), digest);
        for text in ["", "N/A", "Not Installed", "1B A1", &"a".repeat(41), &"ab".repeat(65), &"é".repeat(20)]
        {
            assert!(text.parse::<ListDigest>().is_err(), "{text}");
        }
    }
}
