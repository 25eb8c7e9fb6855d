//! A published list: numbered, and never changed.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::ClusterId;
use crate::store::{IndexKey, KeyBuilder, Kind, PRIMARY, Record, Scan};
use crate::trust::role::Role;

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ListKind {
    /// Certificate Trust List: of mixed-mode clusters, without TVS.
    Ctl,
    /// Identity Trust List: of every cluster.
    Itl,
}

impl ListKind {
    /// Both, in the order in which a phone takes them.
    pub const ALL: [Self; 2] = [Self::Ctl, Self::Itl];

    /// As it is written: `ctl`, `itl`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ctl => "ctl",
            Self::Itl => "itl",
        }
    }

    /// The name of its file, as it stands in it.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Ctl => "CTLFile.tlv",
            Self::Itl => "ITLFile.tlv",
        }
    }

    /// Whether an entry with this role stands in it.
    pub fn lists(self, role: Role) -> bool {
        match self {
            Self::Ctl => role != Role::Tvs,
            Self::Itl => true,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Ctl => 0,
            Self::Itl => 1,
        }
    }
}

impl fmt::Display for ListKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ListKind {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Error::invalid("invalid-list", "a list is ctl or itl"))
    }
}

/// A certificate of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    /// Its roles in the list.
    pub roles: BTreeSet<Role>,
}

/// A published list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRecord {
    /// Whose.
    pub cluster: ClusterId,
    /// Which list.
    pub kind: ListKind,
    /// 1, 2, 3 … for each cluster and list; a cluster that is made anew under its name goes on.
    pub number: u32,
    /// SHA-256 of all that is signed, with a timestamp of zero.
    pub content: [u8; 32],
    /// SHA-256 of the certificate that signed.
    pub signer: [u8; 32],
    /// What stands in it.
    pub members: Vec<Member>,
    /// The file, as phones fetch it.
    pub file: Vec<u8>,
    /// SHA-256 of the file, by which a phone's list is known.
    pub file_hash: [u8; 32],
    /// When it was published.
    pub at: Timestamp,
    /// Who published it, for people.
    pub by: String,
}

impl ReleaseRecord {
    /// The key of a release.
    pub fn key_of(cluster: &ClusterId, kind: ListKind, number: u32) -> Vec<u8> {
        [Self::prefix(cluster, Some(kind)).as_slice(), &number.to_be_bytes()].concat()
    }

    /// A scan of a cluster's releases, of one list or of both, oldest first.
    pub fn scan(cluster: &ClusterId, kind: Option<ListKind>) -> Scan {
        Scan::all::<Self>(PRIMARY).prefix(Self::prefix(cluster, kind))
    }

    /// The members with this role.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.roles.contains(&role))
    }

    fn prefix(cluster: &ClusterId, kind: Option<ListKind>) -> Vec<u8> {
        let key = KeyBuilder::new().text(cluster.as_str());
        match kind {
            None => key.build(),
            Some(kind) => key.bytes(&[kind.code()]).build(),
        }
    }
}

impl Record for ReleaseRecord {
    const KIND: Kind = Kind { id: 82, name: "trust-release" };
    const VERSION: u8 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.cluster, self.kind, self.number)
    }

    fn indexes(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
