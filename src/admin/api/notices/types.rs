//! What the API says of notices and their channels.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// That a certificate expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    /// Its record.
    pub id: String,
    /// When it was given (RFC 3339).
    pub at: String,
    /// The look that found it: its messages are named after it.
    pub run: String,
    /// `certificate` or `ca`.
    pub about: String,
    /// The subject (RFC 4514).
    pub subject: String,
    /// The serial number.
    pub serial: String,
    /// Who signed the certificate, or the CA itself.
    pub ca: String,
    /// By which profile it was issued; null for a CA.
    pub profile: Option<String>,
    /// The device it belongs to.
    pub device: Option<String>,
    /// When it expires (RFC 3339).
    pub not_after: String,
    /// So many days before the expiry it was to be given.
    pub step: u16,
    /// The whole days that were left then; below 0 if it had expired.
    pub days_left: i64,
}

/// One that notices are sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Channel {
    /// Its name in `policies/notices.toml`.
    pub name: String,
    /// `smtp`, `webhook` or `syslog`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it leads, without secrets.
    pub to: String,
    /// Whether it is used.
    pub enabled: bool,
    /// Why it cannot be used, if it cannot.
    pub fault: Option<String>,
}

/// Nothing needs to be said.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ChannelTest {}
