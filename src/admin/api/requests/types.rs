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

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedRequest {
    /// Its record.
    pub id: String,
    /// When it was refused (RFC 3339).
    pub at: String,
    /// `scep` or `api`.
    pub protocol: String,
    /// By which profile it was to be issued.
    pub profile: String,
    /// The stable code of the refusal.
    pub code: String,
    /// The rule, as the requester was told it.
    pub rule: String,
    /// Who asked.
    pub requester: String,
    /// What the client called itself.
    pub user_agent: Option<String>,
    /// What is peculiar about its message.
    pub traits: Vec<String>,
    /// What it asked for, as far as it could be read.
    pub asked: Asked,
    /// Whether its message is kept.
    pub can_be_replayed: bool,
}

/// What a refused request asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Asked {
    /// The subject (RFC 4514); before the envelope was opened, that of the signer.
    pub subject: Option<String>,
    /// The alternative names.
    pub sans: Vec<String>,
    /// The key, as `rsa-2048`.
    pub key: Option<String>,
    /// What spoke for it: `none`, `challenge`, `renewal`, `operator`.
    pub proof: Option<String>,
    /// The client's transaction id.
    pub transaction: Option<String>,
}

/// A refusal in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The request.
    pub id: String,
    /// The stable code; `pending` or `issued` for a request that is not refused.
    pub code: String,
    /// How far it had come: `message`, `signature`, `envelope`, `request`, `authorization`, `policy`, `issue`, `service`.
    pub stage: String,
    /// The rule, as the requester was told it.
    pub rule: String,
    /// What it means.
    pub means: String,
    /// What to change, the likeliest first.
    pub changes: Vec<Change>,
    /// Devices that the request looks like.
    pub devices: Vec<LikelyDevice>,
    /// The request; null for one that waits or waited for an operator.
    pub request: Option<RefusedRequest>,
}

/// Something to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// `device`, `operator`, `ca` or `network`.
    pub side: String,
    /// What.
    pub text: String,
}

/// A device that a request looks like (`policies/devices`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LikelyDevice {
    /// Its name.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// What it cannot do.
    pub cannot: Vec<String>,
    /// What helps.
    pub hints: Vec<String>,
}

/// What would become of a refused request now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// `would-be-issued`, `would-be-given-again`, `would-wait`, `would-be-answered` (by a CRL) or `refused`.
    pub outcome: String,
    /// The code of today's refusal.
    pub code: Option<String>,
    /// Its rule.
    pub rule: Option<String>,
    /// The certificate that would be given out again.
    pub serial: Option<String>,
    /// What would be issued.
    pub would_issue: Option<WouldIssue>,
    /// What differs from then, a sentence each.
    pub differences: Vec<String>,
    /// The request as it was refused.
    pub then: Option<RefusedRequest>,
}

/// A certificate that would be issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WouldIssue {
    /// By this CA.
    pub ca: String,
    /// For this subject.
    pub subject: String,
    /// For these names.
    pub sans: Vec<String>,
    /// Until then (RFC 3339).
    pub not_after: String,
}
