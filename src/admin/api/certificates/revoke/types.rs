//! What is said of many revocations.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Certificates to be revoked at once: those that are named, or those that a filter finds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BulkRevocation {
    /// `key-compromise`, `superseded` … (RFC 5280 §5.3.1).
    pub reason: String,
    /// When, in whole seconds (RFC 3339); now without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Since when the keys are thought to have been invalid, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalidity_date: Option<String>,
    /// Only say what would be revoked.
    #[serde(default)]
    pub dry_run: bool,
    /// Up to 1,000 serial numbers (`CA.SERIAL` where several CAs gave it) or SHA-256 fingerprints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
    /// Whether certificates of Signet's own may be among `certificates`; needs `cas:manage` too.
    #[serde(default)]
    pub own: bool,
    /// What to look for, as in `GET /certificates`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Selected>,
    /// How many the filter is to find at most: 1 to 1,000 (1,000).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where to go on: `next` of the answer before, with the same filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Which certificates: those for which all of it holds. Without a status: good ones.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Selected {
    /// Words of subject and alternative names, each by its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// The device that they belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// By which profile they were issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Which CA signed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// `good`, `revoked` (those on hold can be revoked for another reason) or `expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Those that expire at or after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<String>,
    /// Those that expire before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_before: Option<String>,
    /// Those that expire within this time, as `30d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_within: Option<String>,
}

/// What became of one certificate.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct RevocationOutcome {
    /// As the request named it; null for one that a filter found.
    pub name: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Who signed it.
    pub ca: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// The device that presents it.
    pub device: Option<String>,
    /// By which profile it was issued.
    pub profile: Option<String>,
    /// When it expires.
    pub not_after: Option<String>,
    /// `revoked` (of a dry run: `would-be-revoked`), `known` (revoked before, with the same reason) or `refused`.
    pub outcome: String,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why it was refused, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What became of many.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevocationReport {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// How many were revoked, or would be.
    pub revoked: usize,
    /// How many were revoked before, with the same reason.
    pub known: usize,
    /// How many were refused.
    pub refused: usize,
    /// Each: in the order of the request, or as the filter found them.
    pub items: Vec<RevocationOutcome>,
    /// Where the filter goes on; null at the end.
    pub next: Option<String>,
}
