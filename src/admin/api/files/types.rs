//! What the API says of signed files.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Files to be signed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewFiles {
    /// One to 100, within 256 KiB.
    pub items: Vec<NewFile>,
    /// The certificate of an SRST gateway (PEM) that is put into `srstInfo` of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srst_certificate: Option<String>,
    /// The element that holds it; `certificate` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srst_element: Option<String>,
}

/// A file to be signed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewFile {
    /// Its name without `.sgn`, as `SEP001122334455.cnf.xml`.
    pub name: String,
    /// Its content, base64.
    pub content: String,
    /// Whether it is encrypted to the certificate that the device named by the file confirmed to hold.
    #[serde(default)]
    pub encrypt: bool,
    /// The certificate (PEM) that it is encrypted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// What became of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedFiles {
    /// SHA-256 of the certificate that signed.
    pub signer_sha256: String,
    /// Each file, in the order in which they were sent.
    pub items: Vec<FileOutcome>,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileOutcome {
    /// Its name without `.sgn`.
    pub name: String,
    /// `signed` or `refused`.
    pub outcome: String,
    /// What phones take: `.sgn`, or `.enc.sgn` with the plain `.sgn` beside it.
    pub files: Vec<FileContent>,
    /// Why it was refused, for programs.
    pub code: Option<String>,
    /// And for people.
    pub detail: Option<String>,
}

/// A signed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileContent {
    /// Its name.
    pub name: String,
    /// Its bytes, base64.
    pub content: String,
}
