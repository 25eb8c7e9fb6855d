//! What the API takes and says of an import.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::api::cas::Crl;

/// A CA to be brought in. Its key comes as `key_pem` with `chain_pem`, or in `pkcs12`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewImport {
    /// Its name here.
    pub id: String,
    /// Its key: PKCS#8, PKCS#1 or SEC 1, encrypted or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_pem: Option<String>,
    /// A PKCS#12 file, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pkcs12: Option<String>,
    /// What opens the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
    /// Its certificate and those above it, PEM in any order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_pem: Option<String>,
    /// `root` or `issuing`; without it a self-signed CA is a root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whether the chain may end below its root.
    #[serde(default)]
    pub root_external: bool,
    /// Whether it is only to be checked; nothing is kept then.
    #[serde(default)]
    pub dry_run: bool,
}

/// An import that began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportBegun {
    /// The CA's name here.
    pub id: String,
    /// `checked` (a dry run), `running` or `active`.
    pub state: String,
    /// `root` or `issuing`.
    pub role: String,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// The last moment of its validity (RFC 3339).
    pub not_after: String,
    /// Its certificate.
    pub certificate_pem: String,
}

/// Certificates that the CA issued.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CertificateBatch {
    /// At most 100, PEM.
    pub certificates_pem: String,
    /// The profile that they count as, so that it renews them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// Revocations of the CA.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevocationBatch {
    /// At most 400.
    pub revocations: Vec<RevokedBefore>,
}

/// A certificate that was revoked before its CA was brought in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevokedBefore {
    /// Its serial number, hexadecimal; a minus sign before a negative one.
    pub serial: String,
    /// When it was revoked (RFC 3339).
    pub at: String,
    /// `key-compromise`, `superseded` …; without it unspecified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it expires, if that is known: then its entry leaves the CRL some time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportOutcome {
    /// How many were taken in.
    pub imported: usize,
    /// How many were here already.
    pub known: usize,
    /// How many do not belong here.
    pub skipped: usize,
    /// How many were refused.
    pub refused: usize,
    /// Those that were skipped or refused.
    pub findings: Vec<ImportFinding>,
}

/// One that was skipped or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportFinding {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// `skipped` or `refused`.
    pub outcome: String,
    /// Stable, for programs.
    pub code: String,
    /// A sentence for people.
    pub reason: String,
}

/// The end of an import.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ImportActivation {
    /// The highest CRLNumber that the CA ever published; without it the number jumps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_crl_number: Option<u64>,
}

/// A CA that was brought in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportActivated {
    /// Its name here.
    pub id: String,
    /// Its CRL.
    pub crl: Crl,
    /// Whether the CRLNumber jumped, since nobody named the last one.
    pub jumped: bool,
}
