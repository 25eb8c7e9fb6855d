//! The keys that devices make.

use serde::{Deserialize, Serialize};

use super::{KeyAlgorithm, KeyKind, PublicKey};
use crate::error::{Error, Result};

/// A key type that a device may have: those of today, and one that only old devices have. It is no [`KeyAlgorithm`], which
/// is what we make keys of: no CA, identity or listener of ours can be asked for a key of 1024 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeviceKey {
    /// RSA, modulus of 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// RSA, 3072 bits.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA, 4096 bits.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    /// ECDSA on P-256.
    #[serde(rename = "p-256")]
    P256,
    /// ECDSA on P-384.
    #[serde(rename = "p-384")]
    P384,
    /// ECDSA on P-521.
    #[serde(rename = "p-521")]
    P521,
    /// RSA, 1024 bits: old devices alone (feature `legacy`). It stands last, because records hold the place of each.
    #[serde(rename = "rsa-1024")]
    Rsa1024,
}

impl DeviceKey {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::P256, Self::P384, Self::P521, Self::Rsa1024];

    /// As written in profiles and commands: `rsa-2048`, `p-256` …
    pub fn as_str(self) -> &'static str {
        self.present().map_or("rsa-1024", KeyAlgorithm::as_str)
    }

    /// The type of today, if it is one.
    pub fn present(self) -> Option<KeyAlgorithm> {
        match self {
            Self::Rsa2048 => Some(KeyAlgorithm::Rsa2048),
            Self::Rsa3072 => Some(KeyAlgorithm::Rsa3072),
            Self::Rsa4096 => Some(KeyAlgorithm::Rsa4096),
            Self::P256 => Some(KeyAlgorithm::P256),
            Self::P384 => Some(KeyAlgorithm::P384),
            Self::P521 => Some(KeyAlgorithm::P521),
            Self::Rsa1024 => None,
        }
    }

    /// What kind of public key that is.
    pub fn kind(self) -> KeyKind {
        match self {
            Self::Rsa1024 => KeyKind::Rsa(1024),
            Self::Rsa2048 => KeyKind::Rsa(2048),
            Self::Rsa3072 => KeyKind::Rsa(3072),
            Self::Rsa4096 => KeyKind::Rsa(4096),
            Self::P256 => KeyKind::P256,
            Self::P384 => KeyKind::P384,
            Self::P521 => KeyKind::P521,
        }
    }

    /// Whether it is RSA.
    pub fn is_rsa(self) -> bool {
        self.kind().is_rsa()
    }

    /// Reads the public key (SubjectPublicKeyInfo, DER) of who was asked for this type; what came may be another. Only who
    /// was asked for 1024 bits is read with so few, and only with feature `legacy`. Errors: `bad-csr`.
    pub fn read(self, spki: &[u8]) -> Result<PublicKey> {
        match self.present() {
            #[cfg(feature = "legacy")]
            None => super::old::read(spki),
            #[cfg(not(feature = "legacy"))]
            None => PublicKey::from_spki(spki),
            Some(_) => PublicKey::from_spki(spki),
        }
    }
}

impl From<KeyAlgorithm> for DeviceKey {
    fn from(key: KeyAlgorithm) -> Self {
        match key {
            KeyAlgorithm::Rsa2048 => Self::Rsa2048,
            KeyAlgorithm::Rsa3072 => Self::Rsa3072,
            KeyAlgorithm::Rsa4096 => Self::Rsa4096,
            KeyAlgorithm::P256 => Self::P256,
            KeyAlgorithm::P384 => Self::P384,
            KeyAlgorithm::P521 => Self::P521,
        }
    }
}

impl std::fmt::Display for DeviceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for DeviceKey {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == text).ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            Error::invalid("invalid-key-algorithm", format!("key is one of {all}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in records and files is read as it was written before there was a name for old keys.
    #[test]
    fn keys_of_today_are_kept_as_those_that_we_make() {
        for key in KeyAlgorithm::ALL {
            let (kept, written) = (postcard::to_stdvec(&key).unwrap(), serde_json::to_string(&key).unwrap());
            assert_eq!(postcard::from_bytes::<DeviceKey>(&kept).unwrap(), DeviceKey::from(key));
            assert_eq!(serde_json::from_str::<DeviceKey>(&written).unwrap().present(), Some(key));
        }
    }

    #[test]
    fn the_old_key_is_named_and_is_none_that_we_make() {
        assert_eq!("rsa-1024".parse::<DeviceKey>().unwrap(), DeviceKey::Rsa1024);
        assert!(DeviceKey::ALL.iter().all(|key| key.to_string() == key.kind().to_string()));
        assert_eq!(DeviceKey::Rsa1024.present(), None);
        assert!("rsa-1024".parse::<KeyAlgorithm>().is_err());
        assert!("rsa-512".parse::<DeviceKey>().is_err());
    }
}
