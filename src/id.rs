//! Newtypes for what is named: an invalid name cannot be written down.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::random::Random;

/// Lower-case letters, digits and inner hyphens, 1 to 64 characters.
fn slug(text: &str) -> Result<String> {
    let ok = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if ok {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(
        "invalid-name",
        "a name is 1 to 64 lower-case letters, digits and hyphens, as in phone-lsc",
    ))
}

macro_rules! slug_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                slug(text).map(Self)
            }
        }
        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

slug_id!(
    /// Names a CA, as `rsa-issuing`: part of its CRL and AIA URLs.
    CaId
);
slug_id!(
    /// Names a profile, as `phone-lsc`: its file's name without `.toml`.
    ProfileId
);
slug_id!(
    /// Names a campaign, as `emea-renewal`.
    CampaignName
);
slug_id!(
    /// Names a private key in the key store, as `ca-rsa-issuing`.
    KeyId
);
slug_id!(
    /// Names a cluster of call control, as `hq`: its trust lists are its own.
    ClusterId
);

/// A record's key: a UUID version 7, so that keys rise with time (RFC 9562 §5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordId(uuid::Uuid);

impl RecordId {
    /// A new identifier made at `now`. Errors: `internal` if randomness fails.
    pub fn new(now: Timestamp, random: &Random) -> Result<Self> {
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        let tail: [u8; 10] = random.bytes()?;
        Ok(Self(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()))
    }

    /// Its sixteen bytes, which sort by time.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The moment it was made.
    pub fn made_at(&self) -> Timestamp {
        let b = self.0.as_bytes();
        let millis = b[..6].iter().fold(0i64, |n, &x| (n << 8) | i64::from(x));
        Timestamp::from_millis(millis)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RecordId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        uuid::Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| Error::invalid("invalid-id", "not an identifier (a UUID is expected)"))
    }
}

/// A certificate's serial number: the content octets of its DER INTEGER, as received.
///
/// Ours are positive and 20 octets; foreign ones may be negative or long and are kept verbatim.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// 20 octets, positive, minimal DER: 48 bits of `now` in milliseconds, then 112 random bits. Serials that rise
    /// with time keep their index a sequential one (docs/decisions/issuance.md); what CABF asks is 64 random bits.
    pub fn new(now: Timestamp, random: &Random) -> Result<Self> {
        let mut bytes: [u8; 20] = random.bytes()?;
        bytes[..6].copy_from_slice(&now.millis().to_be_bytes()[2..]);
        bytes[0] = (bytes[0] & 0x7f).max(1);
        Ok(Self(bytes.to_vec()))
    }

    /// From the content octets of a DER INTEGER, kept verbatim.
    /// Errors: `invalid-serial` if empty or over 64 octets.
    pub fn from_content(octets: &[u8]) -> Result<Self> {
        if octets.is_empty() || octets.len() > 64 {
            return Err(Error::invalid("invalid-serial", "a serial number has 1 to 64 octets"));
        }
        Ok(Self(octets.to_vec()))
    }

    /// The content octets of the DER INTEGER.
    pub fn content(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    /// Upper-case hexadecimal as openssl prints it: no leading zero octet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let skip = usize::from(self.0.len() > 1 && self.0[0] == 0);
        let digits = self.0[skip..].iter().flat_map(|b| [b >> 4, b & 15]);
        let text: String = digits.map(|d| char::from(DIGITS[usize::from(d)])).collect();
        f.write_str(&text)
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

impl FromStr for Serial {
    type Err = Error;
    /// Reads hexadecimal in either case, with or without colons.
    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::invalid("invalid-serial", "a serial number is hexadecimal, at most 20 octets");
        let mut digits: String = text.chars().filter(|c| *c != ':').collect();
        if digits.is_empty() || digits.len() > 40 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        if digits.len() % 2 == 1 {
            digits.insert(0, '0');
        }
        let mut octets = (0..digits.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).map_err(|_| bad()))
            .collect::<Result<Vec<u8>>>()?;
        while octets.len() > 1 && octets[0] == 0 && octets[1] < 0x80 {
            octets.remove(0);
        }
        if octets[0] >= 0x80 {
            octets.insert(0, 0);
        }
        Ok(Self(octets))
    }
}
