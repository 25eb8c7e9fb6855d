//! What the API says of a cluster.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A cluster of call control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cluster {
    /// Its name.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// `non-secure` (phones have an ITL) or `mixed` (a CTL too).
    pub mode: String,
    /// `sha512` or `sha1`: how its lists are signed.
    pub digest: String,
    /// SHA-256 of the certificate that signs its lists.
    pub signer_sha256: String,
    /// That certificate's subject; null if it is no anchor any more.
    pub signer: Option<String>,
    /// `1.0` or `1.1`, if its lists say one.
    pub signer_version: Option<String>,
    /// Where its phones find TVS.
    pub tvs: Vec<String>,
    /// Where they find files.
    pub tftp: Vec<String>,
    /// How many certificates it trusts.
    pub anchors: u64,
    /// The number of its newest CTL.
    pub ctl_release: Option<u32>,
    /// The number of its newest ITL.
    pub itl_release: Option<u32>,
    /// When it was made (RFC 3339).
    pub created: String,
    /// Who made it.
    pub created_by: String,
    /// When it or one of its anchors last changed.
    pub changed: String,
    /// What the next lists would bring about, after a change.
    pub warnings: Vec<Caution>,
}

/// Something that is allowed and seldom wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Caution {
    /// Stable, for programs: `phones-locked-out`.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

/// A cluster to be made, with the recovery signer, and the CA `capf` if there is one, as its first anchors.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewCluster {
    /// Its name, as `hq`.
    pub id: String,
    /// What people call it; without it: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `non-secure` (without it) or `mixed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// `sha512` (without it) or `sha1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where its phones find TVS, as `tvs.example.org:2445`; at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tvs: Vec<String>,
    /// Where they find files; at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tftp: Vec<String>,
    /// Identities of our own that serve it: `tvs`, `tftp`, `tftp-ec`, `capf-tls`; made if there is none yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
}

/// What of a cluster is to change; what is not given stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ClusterSettings {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `non-secure` or `mixed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// `sha512` or `sha1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Who signs: `recovery` (the one in force), or the SHA-256 of an anchor whose key is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// `1.0`, `1.1` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer_version: Option<String>,
    /// Where its phones find TVS: the whole list, or a single empty text for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tvs: Vec<String>,
    /// Where they find files: as `tvs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tftp: Vec<String>,
}
