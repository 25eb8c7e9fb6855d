//! Where a private key is kept.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Where a private key is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// In the data folder, encrypted under the security password.
    #[default]
    Software,
    /// In the PKCS#11 token that the settings name: it was made there and does not leave it.
    Token,
}

impl Place {
    /// As commands and the API write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Software => "software",
            Self::Token => "pkcs11",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Place {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let found = [Self::Software, Self::Token].into_iter().find(|place| place.as_str() == text);
        found.ok_or_else(|| Error::invalid("invalid-key-store", "a key store is software or pkcs11"))
    }
}
