//! What the API says of an anchor.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::api::clusters::Caution;

/// A certificate that a cluster trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Anchor {
    /// SHA-256 of the certificate: its name here.
    pub sha256: String,
    /// The cluster.
    pub cluster: String,
    /// What it may do: `sast`, `ccm`, `ccm+tftp`, `tftp`, `capf`, `app-server`, `tvs`.
    pub roles: Vec<String>,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number.
    pub serial: String,
    /// First moment of validity (RFC 3339).
    pub not_before: String,
    /// Last moment of validity.
    pub not_after: String,
    /// Its key, as `rsa-2048`.
    pub key: String,
    /// `valid` or `expired`.
    pub state: String,
    /// `recovery`, `ca`, `identity` (ours) or `imported`.
    pub source: String,
    /// Which CA or identity, or from where.
    pub source_name: Option<String>,
    /// Whether its key is here, so that it can sign.
    pub has_key: bool,
    /// Whether it signs the lists of the cluster.
    pub signs: bool,
    /// The name of its server, as it stands in lists.
    pub dns_name: Option<String>,
    /// The address of its server, as it stands in lists.
    pub address: Option<String>,
    /// When it was added.
    pub added: String,
    /// Who added it.
    pub added_by: String,
    /// The certificate, where one anchor is shown.
    pub pem: Option<String>,
}

/// A certificate to be trusted: exactly one of `ca`, `identity` and `certificate` is given.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct NewAnchor {
    /// A CA of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// An identity of our own: `tvs`, `tftp`, `tftp-ec` or `capf-tls`, made if there is none yet; with those of its
    /// certificates before it that are valid and that other clusters trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// With `identity`: whether its next certificate is made and added, beside the one before.
    #[serde(default)]
    pub renew: bool,
    /// A certificate, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// For what; an identity of our own has its usual role without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The name of its server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
    /// The IPv4 address of its server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// What an anchor is to do.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AnchorRoles {
    /// One at least.
    pub roles: Vec<String>,
}

/// Anchors that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedAnchors {
    /// Those that came, changed or went.
    pub items: Vec<Anchor>,
    /// What the next lists would bring about.
    pub warnings: Vec<Caution>,
}
