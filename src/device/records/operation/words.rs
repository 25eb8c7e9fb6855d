//! The words for operations, as API, CSV files and command line have them.

use std::fmt;
use std::str::FromStr;

use super::{Action, Authentication, KeyOrder, Reason, Shown};
use crate::error::{Error, Result};
use crate::x509::key::DeviceKey;

impl Action {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Install, Self::Fetch, Self::Delete];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Fetch => "fetch",
            Self::Delete => "delete",
        }
    }
}

/// Also by the words of call control: `upgrade`, `troubleshoot`.
impl FromStr for Action {
    type Err = Error;
    fn from_str(word: &str) -> Result<Self> {
        match word {
            "install" | "upgrade" => Ok(Self::Install),
            "fetch" | "troubleshoot" => Ok(Self::Fetch),
            "delete" => Ok(Self::Delete),
            _ => Err(Error::invalid("invalid-operation", "operation is one of install, fetch, delete, none")),
        }
    }
}

impl Authentication {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::String, Self::NullString, Self::ExistingLsc, Self::ExistingMic];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::NullString => "null-string",
            Self::ExistingLsc => "existing-lsc",
            Self::ExistingMic => "existing-mic",
        }
    }
}

impl FromStr for Authentication {
    type Err = Error;
    fn from_str(word: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word).ok_or_else(|| {
            let rule = "authentication is one of string, null-string, existing-lsc, existing-mic";
            Error::invalid("invalid-authentication", rule)
        })
    }
}

/// `rsa-2048`, `p-256`, and `p-384/rsa-2048` for "EC preferred, RSA backup".
impl fmt::Display for KeyOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.backup {
            Some(backup) => write!(f, "{}/{backup}", self.preferred),
            None => self.preferred.fmt(f),
        }
    }
}

impl FromStr for KeyOrder {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let read = |word: &str| {
            let key = word.parse::<DeviceKey>().map_err(|_| {
                let rule = "key is one of rsa-2048, rsa-3072, rsa-4096, p-256, p-384, p-521, or an EC key with an \
                            RSA key as its backup: p-384/rsa-2048; of old phones rsa-1024 (feature legacy)";
                Error::invalid("invalid-key-order", rule)
            })?;
            built(key, cfg!(feature = "legacy")).map(|()| key)
        };
        match text.split_once('/') {
            None => read(text).map(Self::only),
            Some((preferred, backup)) => Self::with_backup(read(preferred)?, read(backup)?),
        }
    }
}

/// Whether this program (`legacy`: was built with that feature) can be asked for such a key. Errors: `legacy-not-built`.
fn built(key: DeviceKey, legacy: bool) -> Result<()> {
    if key != DeviceKey::Rsa1024 || legacy {
        return Ok(());
    }
    let rule = "rsa-1024 is for old phones, and served only by a program that was built with feature legacy";
    Err(Error::invalid("legacy-not-built", rule))
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::InvalidLsc,
        Self::InvalidAuthenticationString,
        Self::InvalidMic,
        Self::InvalidCredentials,
        Self::PhoneCommunicationFailure,
        Self::KeyGenerationFailed,
        Self::KeyGenerationTimeout,
        Self::CaCommunicationFailure,
        Self::CaRejected,
        Self::RequestLate,
        Self::RequestTimedOut,
        Self::NoEcSupport,
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidLsc => "invalid-lsc",
            Self::InvalidAuthenticationString => "invalid-authentication-string",
            Self::InvalidMic => "invalid-mic",
            Self::InvalidCredentials => "invalid-credentials",
            Self::PhoneCommunicationFailure => "phone-communication-failure",
            Self::KeyGenerationFailed => "key-generation-failed",
            Self::KeyGenerationTimeout => "key-generation-timeout",
            Self::CaCommunicationFailure => "ca-communication-failure",
            Self::CaRejected => "ca-rejected-connection",
            Self::RequestLate => "user-initiated-request-late",
            Self::RequestTimedOut => "user-initiated-request-timed-out",
            Self::NoEcSupport => "no-support-for-ec-only",
        }
    }
}

impl FromStr for Reason {
    type Err = Error;
    fn from_str(word: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|one| one.as_str()).collect();
            Error::invalid("invalid-reason", format!("reason is one of {}", all.join(", ")))
        })
    }
}

impl Shown {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Pending,
        Self::Issued,
        Self::Installed,
        Self::Deleted,
        Self::Fetched,
        Self::Failed,
        Self::Late,
    ];

    /// The byte by which what is pending or late stands in the order by state.
    pub(super) const WAITING: u8 = 1;

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Issued => "issued",
            Self::Installed => "installed",
            Self::Deleted => "deleted",
            Self::Fetched => "fetched",
            Self::Failed => "failed",
            Self::Late => "late",
        }
    }

    /// The first byte of its keys in the order by state. Devices without an operation do not stand there.
    pub fn byte(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Pending | Self::Late => Self::WAITING,
            Self::Issued => 2,
            Self::Installed => 3,
            Self::Deleted => 4,
            Self::Fetched => 5,
            Self::Failed => 6,
        }
    }
}

impl FromStr for Shown {
    type Err = Error;
    fn from_str(word: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|one| one.as_str()).collect();
            Error::invalid("invalid-state", format!("state is one of {}", all.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        assert!(Reason::ALL.iter().all(|one| one.as_str().parse::<Reason>().unwrap() == *one));
        assert!(Shown::ALL.iter().all(|one| one.as_str().parse::<Shown>().unwrap() == *one));
        assert!(
            Authentication::ALL.iter().all(|one| one.as_str().parse::<Authentication>().unwrap() == *one)
        );
        assert_eq!("troubleshoot".parse::<Action>().unwrap(), Action::Fetch);
        for text in ["rsa-2048", "p-521", "p-384/rsa-3072"] {
            assert_eq!(text.parse::<KeyOrder>().unwrap().to_string(), text);
        }
        for text in [
            "rsa-512",
            "p-256/rsa-1024",
            "rsa-1024/p-256",
            "rsa-2048/p-256",
            "p-256/p-384",
            "p-256/",
            "/rsa-2048",
            "rsa-2048/rsa-2048",
        ] {
            assert!(text.parse::<KeyOrder>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_old_key_is_ordered_only_where_it_was_built_in() {
        assert_eq!(built(DeviceKey::Rsa1024, false).unwrap_err().code(), "legacy-not-built");
        assert!(built(DeviceKey::Rsa1024, true).is_ok() && built(DeviceKey::Rsa2048, false).is_ok());
        let order = "rsa-1024".parse::<KeyOrder>();
        assert_eq!(order.is_ok(), cfg!(feature = "legacy"), "{order:?}");
    }
}
