//! What the API says of requests to a CA elsewhere.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A request that a CA elsewhere is to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfflineRequest {
    /// The device's operation, which asks for it.
    pub operation: String,
    /// The device.
    pub device: String,
    /// The profile.
    pub profile: String,
    /// The subject to be written (RFC 4514).
    pub subject: String,
    /// The alternative names to be written.
    pub sans: Vec<String>,
    /// When the device sent its key.
    pub asked_at: String,
    /// The key, as `rsa-2048`.
    pub key: String,
    /// The key usage to be written, as RFC 5280 §4.2.1.3 names its bits.
    pub key_usage: Vec<String>,
    /// The extended key usage to be written: OIDs.
    pub extended_key_usage: Vec<String>,
    /// The key itself: SubjectPublicKeyInfo, PEM.
    pub public_key: String,
    /// The request: CertReqMsg (RFC 4211), base64 of DER; its proof of possession is raVerified.
    pub request: String,
}

/// Certificates that a CA elsewhere signed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OfflineCertificates {
    /// Up to 100.
    pub certificates: Vec<OfflineCertificate>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OfflineCertificate {
    /// The certificate, PEM.
    pub pem: String,
}

/// What became of them, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfflineReport {
    /// How many lie ready for their device now.
    pub taken: usize,
    /// How many did before.
    pub unchanged: usize,
    /// How many were refused.
    pub refused: usize,
    /// Each.
    pub items: Vec<OfflineOutcome>,
}

/// What became of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfflineOutcome {
    /// `taken`, `unchanged` or `refused`.
    pub outcome: String,
    /// Whose it is.
    pub device: Option<String>,
    /// Why it was refused.
    pub code: Option<String>,
    /// Why it was refused, for people.
    pub detail: Option<String>,
}
