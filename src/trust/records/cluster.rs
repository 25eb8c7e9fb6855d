//! A cluster of call control: whose lists are signed by whom, and how.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::store::{IndexKey, Kind, Record};

/// Whether its phones talk encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Phones have an ITL alone.
    #[default]
    NonSecure,
    /// Phones have a CTL too.
    Mixed,
}

/// With which digest its lists are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListDigest {
    /// What phones of today take.
    #[default]
    Sha512,
    /// For phones that know no other (feature `legacy`).
    Sha1,
}

/// A cluster. Every change to its anchors writes it anew: who read it at a revision knows whether they still hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// Its name: the record's key.
    pub id: ClusterId,
    /// What people call it.
    pub title: String,
    /// Whether its phones talk encrypted.
    pub mode: Mode,
    /// With which digest its lists are signed.
    pub digest: ListDigest,
    /// Who signs them: the SHA-256 of the certificate of an anchor whose key is here, the recovery signer's at first.
    pub signer: [u8; 32],
    /// Element 28 of its lists (major, minor): 1.0 or 1.1; none: it is left out.
    pub signer_version: Option<(u8, u8)>,
    /// Where its phones find TVS, as `tvs.example.org:2445`.
    pub tvs: Vec<String>,
    /// Where they find files, as `tftp.example.org`.
    pub tftp: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it, for people.
    pub created_by: String,
    /// When it or one of its anchors last changed.
    pub changed: Timestamp,
}

impl ClusterRecord {
    /// The key of a cluster.
    pub fn key_of(id: &ClusterId) -> Vec<u8> {
        id.as_str().as_bytes().to_vec()
    }
}

impl Record for ClusterRecord {
    const KIND: Kind = Kind { id: 81, name: "cluster" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.id)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

impl Mode {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NonSecure => "non-secure",
            Self::Mixed => "mixed",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let found = [Self::NonSecure, Self::Mixed].into_iter().find(|mode| mode.as_str() == text);
        found.ok_or_else(|| Error::invalid("invalid-mode", "a cluster is mixed or non-secure"))
    }
}

impl ListDigest {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha512 => "sha512",
            Self::Sha1 => "sha1",
        }
    }
}

impl fmt::Display for ListDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ListDigest {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let found = [Self::Sha512, Self::Sha1].into_iter().find(|digest| digest.as_str() == text);
        found.ok_or_else(|| Error::invalid("invalid-digest", "a list is signed with sha512 or sha1"))
    }
}
