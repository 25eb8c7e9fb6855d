//! What the API says of recovery signers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A recovery signer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecoverySigner {
    /// 1, 2, 3 …: the highest is in force.
    pub generation: u32,
    /// SHA-256 of its certificate.
    pub sha256: String,
    /// Its subject.
    pub subject: String,
    /// Its serial number.
    pub serial: String,
    /// `rsa-2048` or `rsa-4096`.
    pub key: String,
    /// First moment of validity (RFC 3339).
    pub not_before: String,
    /// Last moment of validity.
    pub not_after: String,
    /// When it was made.
    pub made: String,
    /// When its key was last exported; null: never, so it is lost with this machine.
    pub exported: Option<String>,
    /// Its certificate.
    pub pem: String,
}

/// A recovery signer to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct NewRecovery {
    /// `rsa-2048` (without it) or `rsa-4096`: lists know no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
}

/// Under what a key is to leave.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ExportRecovery {
    /// The passphrase it is encrypted under, at least 12 characters.
    pub passphrase: String,
    /// `pem` (without it) or `pkcs12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// A recovery signer on its way out.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ExportedRecovery {
    /// Which.
    pub generation: u32,
    /// Its key (encrypted PKCS#8) and its certificate, PEM.
    pub pem: Option<String>,
    /// Both as PKCS#12, base64.
    pub pkcs12: Option<String>,
}
