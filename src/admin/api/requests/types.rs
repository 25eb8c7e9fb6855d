//! What the API says of a request that waits, or waited, for an operator.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::api::certificates::Certificate;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Request {
    /// Its record.
    pub id: String,
    /// By which profile.
    pub profile: String,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// The alternative names it asks for; only when one request is shown.
    #[serde(default)]
    pub sans: Vec<String>,
    /// Who asked.
    pub requester: String,
    /// `pending`, `issued` or `denied`.
    pub state: String,
    /// When it came (RFC 3339).
    pub created: String,
    /// The operator's comment.
    pub comment: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// The serial number of the certificate that was issued.
    pub serial: Option<String>,
    /// The PKCS#10 request as it came; only when one request is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr_pem: Option<String>,
}

/// A decision.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Decide {
    /// Why, for those who come later; at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// An approved request and its certificate.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Approved {
    /// The request as it stands now.
    pub request: Request,
    /// The certificate.
    pub certificate: Certificate,
}
