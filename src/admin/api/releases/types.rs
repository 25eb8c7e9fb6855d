//! What the API says of releases.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::api::anchors::Anchor;
use crate::admin::api::clusters::Caution;

/// A published list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// The cluster.
    pub cluster: String,
    /// `ctl` or `itl`.
    pub list: String,
    /// 1, 2, 3 … for each list of a cluster.
    pub number: u32,
    /// How many certificates it holds.
    pub certificates: u64,
    /// The size of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub file_sha256: String,
    /// SHA-512 of the file.
    pub file_sha512: String,
    /// SHA-256 of the certificate that signed it.
    pub signer_sha256: String,
    /// When it was published (RFC 3339).
    pub published: String,
    /// Who published it.
    pub published_by: String,
    /// What stands in it, where one release is shown.
    pub members: Option<Vec<ReleaseMember>>,
}

/// A certificate of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseMember {
    /// SHA-256 of the certificate.
    pub sha256: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Last moment of its validity (RFC 3339).
    pub not_after: Option<String>,
}

/// What to publish.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Publishing {
    /// Whether it is only shown.
    #[serde(default)]
    pub dry_run: bool,
}

/// What publishing brought, or would bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Publication {
    /// Whether it was only shown.
    pub dry_run: bool,
    /// Each list of the cluster.
    pub items: Vec<PublishedList>,
}

/// A list that was published, would be, or stands as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedList {
    /// `ctl` or `itl`.
    pub list: String,
    /// The release's number.
    pub number: u32,
    /// Whether it is a new release; the same content is the same release.
    pub is_new: bool,
    /// What differs from the release before, in words.
    pub changes: Vec<String>,
    /// How many entries it has.
    pub entries: u64,
    /// The release; null while it is only shown and would be new.
    pub release: Option<Release>,
    /// What an operator should know of it.
    pub warnings: Vec<Caution>,
}

/// What changed between two releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// `ctl` or `itl`.
    pub list: String,
    /// From this release.
    pub since: u32,
    /// To this one.
    pub number: u32,
    /// What differs, in words.
    pub changes: Vec<String>,
}

/// A list of a running cluster.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewImport {
    /// The file, base64; at most 180 KiB.
    pub file: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportedList {
    /// The list, which is a release of the cluster now.
    pub release: Release,
    /// The anchors that came or got more roles.
    pub anchors: Vec<Anchor>,
    /// What an operator should know.
    pub warnings: Vec<Caution>,
}
