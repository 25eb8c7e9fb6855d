//! Profiles: what may be issued, to whom, by which CA (`policies/profiles/*.toml`).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::id::{CaId, ProfileId};
use crate::x509::key::{Digest, KeyAlgorithm, PublicKey};

/// How a request by this profile comes to be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
}

/// Which digests SCEP may use, in requests and replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScepDigest {
    /// SHA-1 (only to read; we never sign a reply with it).
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// One RA certificate for both usages, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RaMode {
    /// One certificate with digitalSignature and keyEncipherment (what Apple clients look for).
    Single,
    /// One signs, one decrypts.
    Split,
}

/// The SCEP service of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScepOptions {
    /// Digests allowed in requests, strongest first.
    pub digests: Vec<ScepDigest>,
    /// Content ciphers allowed, strongest first.
    pub ciphers: Vec<Cipher>,
    /// One RA certificate or two.
    pub ra_mode: RaMode,
    /// Whether the chain follows the leaf in a reply.
    pub include_chain: bool,
    /// Whether the signer's key must be the request's key on a first enrolment (SCEP-41).
    pub require_same_key: bool,
}

/// A validated profile: what it says can be issued.
#[derive(Debug)]
pub struct Profile {
    pub(super) id: ProfileId,
    pub(super) ca: CaId,
    pub(super) enabled: bool,
}

impl Profile {
    /// Its name.
    pub fn id(&self) -> &ProfileId {
        &self.id
    }
    /// Which CA signs.
    pub fn ca(&self) -> &CaId {
        &self.ca
    }
    /// Whether it may be used at all.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }
    /// A sentence for people.
    pub fn description(&self) -> &str {
        todo!()
    }
    /// How requests are approved.
    pub fn approval(&self) -> Approval {
        todo!()
    }
    /// Allowed key types.
    pub fn keys(&self) -> &[KeyAlgorithm] {
        todo!()
    }
    /// The digest of the signature; none: the CA key's default.
    pub fn digest(&self) -> Option<Digest> {
        todo!()
    }
    /// How long a certificate lives.
    pub fn validity(&self) -> Duration {
        todo!()
    }
    /// How far notBefore lies in the past, for devices with slow clocks.
    pub fn backdate(&self) -> Duration {
        todo!()
    }
    /// KeyUsage bits for this key (an EC leaf has no keyEncipherment); bit 0 = digitalSignature, lowest.
    pub fn key_usage(&self, _key: &PublicKey) -> u16 {
        todo!()
    }
    /// Extended key usages.
    pub fn extended_key_usage(&self) -> &[const_oid::ObjectIdentifier] {
        todo!()
    }
    /// Whether id-pkix-ocsp-nocheck goes in.
    pub fn ocsp_nocheck(&self) -> bool {
        todo!()
    }
    /// Whether a renewal may keep its key.
    pub fn allows_key_reuse(&self) -> bool {
        todo!()
    }
    /// The point of the validity (0.0 to 1.0) from which a certificate may be renewed.
    pub fn renewal_from(&self) -> f64 {
        todo!()
    }
    /// Its SCEP service; none if it has none.
    pub fn scep(&self) -> Option<&ScepOptions> {
        todo!()
    }
    /// Its file as it was read (TOML), for people.
    pub fn source(&self) -> &str {
        todo!()
    }
}

/// A whole, validated set of profiles.
#[derive(Debug, Default)]
pub struct ProfileSet {
    profiles: Vec<Arc<Profile>>,
}

impl ProfileSet {
    /// The set that is compiled in.
    pub fn shipped() -> Result<Self> {
        todo!()
    }
    /// Writes the shipped files below `policies` (a folder), leaving existing files alone.
    pub fn write_shipped(_policies: &Path) -> Result<()> {
        todo!()
    }
    /// Reads and validates `policies/profiles/*.toml` as a whole. Errors: every fault found, each with file, line
    /// and reason.
    pub fn load(_policies: &Path) -> Result<Self, Vec<Error>> {
        todo!()
    }
    /// All profiles by name.
    pub fn all(&self) -> &[Arc<Profile>] {
        &self.profiles
    }
    /// The profile of that name, enabled or not. Errors: `not-found`.
    pub fn require(&self, _id: &ProfileId) -> Result<&Arc<Profile>> {
        todo!()
    }
}
