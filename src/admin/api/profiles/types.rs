//! What the API says of a profile.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A profile in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// Its name.
    pub id: String,
    /// A sentence for people.
    pub description: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// Which CA signs.
    pub ca: String,
    /// `automatic`, `challenge` or `manual`.
    pub approval: String,
    /// Who judges its challenges: `one-time`, `shared-secret`, `webhook` or `radius`; null if it takes none.
    pub challenge_source: Option<String>,
    /// Allowed key types.
    pub keys: Vec<String>,
    /// How long a certificate lives, in whole days.
    pub validity_days: u64,
    /// Whether it is offered by SCEP.
    pub scep: bool,
    /// Its file (TOML); only when one profile is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A reload that took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// How many profiles are in force.
    pub profiles: u64,
}

/// What a check of the policies found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyFaults {
    /// Every fault; empty if the folder may be loaded.
    pub faults: Vec<PolicyFault>,
}

/// Something wrong with a policy file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyFault {
    /// Which file.
    pub file: String,
    /// Which line; 0 if it is the file as a whole.
    pub line: u64,
    /// What.
    pub reason: String,
}
