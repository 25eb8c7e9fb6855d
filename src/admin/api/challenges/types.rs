//! What the API says of a challenge: never the secret, but for once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A one-time challenge password as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Challenge {
    /// Its record.
    pub id: String,
    /// By which profile it may be used.
    pub profile: String,
    /// For which subject (RFC 4514).
    pub subject: String,
    /// For which alternative names, as a set.
    pub sans: Vec<String>,
    /// Until when (RFC 3339).
    pub expires: String,
    /// Who made it.
    pub created_by: String,
    /// `unused`, `used` or `expired`.
    pub state: String,
    /// The serial number of the certificate it was used for.
    pub used_for: Option<String>,
}

/// A challenge to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewChallenge {
    /// By which profile it may be used.
    pub profile: String,
    /// For which subject (RFC 4514), as `CN=SEP001122334455`.
    pub subject: String,
    /// For which alternative names, as `dns:host.example`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sans: Vec<String>,
    /// How long it works, as `1h`; an hour if none is given, at most 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

/// A challenge that was just made; it is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedChallenge {
    /// Its record.
    pub id: String,
    /// The challenge password.
    pub challenge: String,
    /// Until when.
    pub expires: String,
    /// By which profile.
    pub profile: String,
    /// For which subject.
    pub subject: String,
    /// For which alternative names.
    pub sans: Vec<String>,
}

/// Challenges to be made, all of them or none.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewChallenges {
    /// At most 100.
    pub items: Vec<NewChallenge>,
    /// Whether they are only checked.
    #[serde(default)]
    pub dry_run: bool,
}

/// Challenges that were just made, in the order they were asked for; they are shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedChallenges {
    /// The challenges.
    pub items: Vec<CreatedChallenge>,
}

/// What a check of challenges found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChallengeFaults {
    /// Every fault; empty if all of them would be made.
    pub faults: Vec<ChallengeFault>,
}

/// Why a challenge would not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChallengeFault {
    /// Which item, from 0.
    pub item: u64,
    /// The JSON pointer of the field that it is about.
    pub pointer: String,
    /// Stable, for programs: `bad-identity`.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}
