//! The choices that a profile offers.

use serde::{Deserialize, Serialize};

use crate::ca::profile::pattern::Pattern;

/// How a request by this profile comes to be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// An authenticated caller (operator, node, renewal) suffices. SCEP first enrolments are refused.
    Automatic,
    /// A one-time challenge.
    Challenge,
    /// An operator decides each request.
    Manual,
}

/// Which content ciphers SCEP may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cipher {
    /// AES-128-CBC.
    #[serde(rename = "aes-128-cbc")]
    Aes128,
    /// AES-192-CBC.
    #[serde(rename = "aes-192-cbc")]
    Aes192,
    /// AES-256-CBC.
    #[serde(rename = "aes-256-cbc")]
    Aes256,
    /// Triple DES, CBC.
    #[serde(rename = "des3-cbc")]
    TripleDes,
    /// Single DES, CBC (feature `legacy`; only to read).
    #[serde(rename = "des-cbc")]
    Des,
}

/// Which digests SCEP may use, in requests and replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScepDigest {
    /// MD5 (feature `legacy`; only to read).
    Md5,
    /// SHA-1 (only to read, unless `sha1_replies` says otherwise).
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// One RA certificate for both usages, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RaMode {
    /// One certificate with digitalSignature and keyEncipherment (what Apple clients look for).
    Single,
    /// One signs, one decrypts.
    Split,
}

/// The SCEP service of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScepOptions {
    /// Digests allowed in requests, strongest first.
    pub digests: Vec<ScepDigest>,
    /// Content ciphers allowed, strongest first.
    pub ciphers: Vec<Cipher>,
    /// Whether a client that signs with SHA-1 (or MD5) is answered with SHA-1 (feature `legacy`).
    #[serde(default)]
    pub sha1_replies: bool,
    /// One RA certificate or two.
    #[serde(default = "single")]
    pub ra_mode: RaMode,
    /// Whether the chain follows the leaf in a reply.
    #[serde(default)]
    pub include_chain: bool,
    /// Whether the signer's key must be the request's key on a first enrolment (SCEP-41). Unless switched off, it is:
    /// or whoever sees a device's envelope could send it under a signature of his own (SCEP-42).
    #[serde(default = "yes")]
    pub require_same_key: bool,
}

fn single() -> RaMode {
    RaMode::Single
}

fn yes() -> bool {
    true
}

/// What a profile allows over CAPF beyond what every profile does.
#[derive(Clone, Debug, Default)]
pub struct CapfOptions {
    /// Whether a device may get a certificate without proving anything: authentication by null string.
    pub null_string: bool,
    /// The models that take a RetryLater.
    pub retry_later: Vec<Pattern>,
    /// Whether old phones are let in: keys of 1024 bits are listed and the profile has `[capf]` (feature `legacy`).
    pub rsa_1024: bool,
}
