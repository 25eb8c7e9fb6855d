//! What the API says of a token: never the token itself, but for once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its record.
    pub id: String,
    /// Its name, as the audit log says it.
    pub name: String,
    /// Its role.
    pub role: String,
    /// When it was made (RFC 3339).
    pub created: String,
    /// Until when it works.
    pub expires: String,
    /// `active`, `expired` or `revoked`.
    pub state: String,
}

/// A token to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// Its name, unique among the tokens that are not revoked.
    pub name: String,
    /// Its role, of `roles.toml`.
    pub role: String,
    /// How long it works, as `90d`; 90 days if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

/// A token that was just made; it is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// Its record.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Until when it works.
    pub expires: String,
    /// The token.
    pub token: String,
}
