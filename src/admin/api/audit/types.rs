//! What the API says of the audit log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its place: 1, 2, 3 …
    pub seq: u64,
    /// When it happened (RFC 3339).
    pub at: String,
    /// Who did it.
    pub actor: String,
    /// What was done, as `certificate.issue`.
    pub action: String,
    /// What it was done to, as `certificate:0A1B`.
    pub subject: String,
    /// `done`, `refused` or `warning`.
    pub outcome: String,
    /// More, by name.
    pub details: BTreeMap<String, String>,
    /// Its link of the chain, hexadecimal.
    pub hash: String,
}

/// A signed head, as it stands in `head.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedHead {
    /// The newest entry's place.
    pub seq: u64,
    /// Its link, hexadecimal.
    pub hash: String,
    /// When it was signed.
    pub at: String,
    /// Which key signed.
    pub key_id: String,
    /// The signature, base64.
    pub signature: String,
}

/// What to verify the log against.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Verify {
    /// A head that was kept elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<SignedHead>,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verified {
    /// How many entries there are.
    pub entries: u64,
    /// Whether nothing was found.
    pub intact: bool,
    /// What is wrong.
    pub findings: Vec<AuditFinding>,
}

/// Something wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditFinding {
    /// At which entry, if at one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What.
    pub problem: String,
}
