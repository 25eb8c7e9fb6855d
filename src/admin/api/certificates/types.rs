//! What the API says of a certificate.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::api::problem::Problem;

/// A certificate that we issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// Upper-case hexadecimal, as openssl prints it.
    pub serial: String,
    /// Its record.
    pub id: String,
    /// By which profile.
    pub profile: String,
    /// Who signed it.
    pub ca: String,
    /// Subject (RFC 4514).
    pub subject: String,
    /// Alternative names, as `dns:host.example`.
    pub sans: Vec<String>,
    /// The device it belongs to.
    pub device: Option<String>,
    /// `good`, `revoked` or `expired`.
    pub status: String,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// Why it was revoked.
    pub reason: Option<String>,
    /// Since when its key is thought to have been invalid, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalidity_date: Option<String>,
    /// The first moment of its validity (RFC 3339).
    pub not_before: String,
    /// The last moment of its validity.
    pub not_after: String,
    /// When it was issued.
    pub issued_at: String,
    /// Who asked for it.
    pub requester: String,
    /// The serial number of the certificate that it renews.
    pub renews: Option<String>,
    /// How it stands towards its renewal: `due`, `late` or `vanished`; only in a list by `renewal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<String>,
    /// From when on it is due; only in such a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// From when on it is late; only in such a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_at: Option<String>,
    /// SHA-256 of the certificate, upper-case hexadecimal.
    pub fingerprint_sha256: String,
    /// Its key's type, as `p-256`; only when one certificate is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_algorithm: Option<String>,
    /// The certificate; only when one certificate is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
}

/// A certificate to be issued.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewCertificate {
    /// By which profile.
    pub profile: String,
    /// The PKCS#10 request, PEM or base64 of the DER.
    pub csr: String,
    /// Not later than this (RFC 3339), if less than the profile gives is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
}

/// A certificate to be renewed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Renew {
    /// The PKCS#10 request, PEM or base64 of the DER: the same subject and names, with the new key or the old.
    pub csr: String,
    /// Not later than this (RFC 3339), if less than the profile gives is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
}

/// A certificate of ours that is to be known again after a restore.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Reimport {
    /// The certificate, PEM.
    pub certificate: String,
    /// A PKCS#10 request signed by the certificate's key, PEM or base64 of the DER: the proof that its holder asks.
    pub csr: String,
    /// As one of which profile it counts; without it nothing renews it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// A certificate that was just issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedCertificate {
    /// Upper-case hexadecimal, as openssl prints it.
    pub serial: String,
    /// Its record.
    pub id: String,
    /// By which profile.
    pub profile: String,
    /// Who signed it.
    pub ca: String,
    /// Subject (RFC 4514).
    pub subject: String,
    /// Alternative names, as `dns:host.example`.
    pub sans: Vec<String>,
    /// The first moment of its validity (RFC 3339).
    pub not_before: String,
    /// The last moment of its validity.
    pub not_after: String,
    /// SHA-256 of the certificate, upper-case hexadecimal.
    pub fingerprint_sha256: String,
    /// The certificate, then the chain above it.
    pub pem: String,
}

/// A request that waits for an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waiting {
    /// Its record, for `/requests/{id}`.
    pub request: String,
}

/// Certificates to be issued at once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewBatch {
    /// By which profile, for those that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// 1 to 100 requests.
    pub items: Vec<BatchItem>,
}

/// One request of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchItem {
    /// The requester's own name for it, repeated in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// By which profile, if not by the batch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The PKCS#10 request, PEM or base64 of the DER.
    pub csr: String,
    /// Not later than this (RFC 3339), if less than the profile gives is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
}

/// What became of one request of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchOutcome {
    /// The requester's name for it.
    pub name: Option<String>,
    /// `issued`, `pending` (an operator must decide) or `refused`.
    pub outcome: String,
    /// The certificate that was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<IssuedCertificate>,
    /// The record of the request that waits, for `/requests/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// What became of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchReport {
    /// How many were issued.
    pub issued: usize,
    /// How many wait for an operator.
    pub pending: usize,
    /// How many were refused.
    pub refused: usize,
    /// Each, in the order of the request.
    pub items: Vec<BatchOutcome>,
}

/// How many certificates are to be renewed; those that were enrolled anew or revoked in the last ten minutes may still be
/// among them. From 100,000 on they are not counted further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RenewalSummary {
    /// Past the due point of their profile, the late ones among them.
    pub due: usize,
    /// Past its late point.
    pub late: usize,
    /// Expired without being renewed, in the last 90 days.
    pub vanished: usize,
}
