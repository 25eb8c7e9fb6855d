//! What the API says of a CA.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A certificate authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ca {
    /// Its name.
    pub id: String,
    /// `root` or `issuing`.
    pub role: String,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// Its key's type, as `p-384`.
    pub algorithm: String,
    /// Our CA that signed it.
    pub parent: Option<String>,
    /// Its certificate's serial number.
    pub serial: Option<String>,
    /// The first moment of its validity (RFC 3339).
    pub not_before: Option<String>,
    /// The last moment of its validity.
    pub not_after: Option<String>,
    /// `present`, `removed` (on purpose, after an export) or `missing` (its file is gone: restore it).
    pub key: String,
    /// Where its key is: `software` (the key folder) or `pkcs11` (a token).
    pub key_store: String,
    /// `active`, `awaiting-certificate`, `next` (announced, has yet to take over), `retiring` (another issues in its place;
    /// it signs its CRL and OCSP until its last certificate expired), `retired`, or `revoked` (it, or a CA above it).
    pub state: String,
    /// When it, or the CA above it, was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    /// Why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its place among the CAs that follow each other, if there is something to say of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollover: Option<Rollover>,
    /// Its last CRL, of the first shard.
    pub crl: Option<Crl>,
    /// `current`; `late` if a CRL used three quarters of its time, `out-of-date` if one ran out or is missing; `none` before
    /// it has a certificate.
    pub crl_state: String,
    /// How it makes its CRLs.
    pub crl_settings: CrlSettings,
    /// The CRLs of all shards; only when one CA is shown that has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crls: Option<Vec<Crl>>,
    /// SHA-256 of its certificate, upper-case hexadecimal.
    pub fingerprint_sha256: Option<String>,
    /// Its certificate; only when one CA is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
    /// The request for the external root that has yet to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_pem: Option<String>,
}

/// A CA's place among those that follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rollover {
    /// A line for people.
    pub summary: String,
    /// The CA that it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// The CA that follows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed_by: Option<String>,
    /// When the turn comes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activates_at: Option<String>,
    /// When the turn was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<String>,
    /// How many of its certificates are neither revoked nor expired, of a CA that is `next` or `retiring`; none above
    /// 200,000 in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_certificates: Option<u64>,
    /// When the last certificate of a CA out of service ends: then it retires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_certificate_ends: Option<String>,
    /// When it retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<String>,
    /// Why a successor should be prepared now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// The certificates by which one generation certifies the other's key; only when one CA is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cross_certificates: Vec<Cross>,
}

/// A CA's key, certified by another generation of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cross {
    /// Whose key.
    pub subject: String,
    /// Who certifies it.
    pub issuer: String,
    /// Where it is published.
    pub url: String,
    /// The certificate.
    pub pem: String,
}

/// The CA that is to follow another.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct NextCa {
    /// Its key's type; without it that of the CA before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// Our CA that signs it; without it the parent of the CA before, or who followed that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// How long it lives; 20 years for a root, 10 for an issuing CA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_days: Option<u64>,
    /// The exported key that signs it, when it is not kept here: the parent's, or the root's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_key_pem: Option<String>,
    /// The passphrase of `parent_key_pem`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_key_passphrase: Option<String>,
}

/// When a next CA takes over.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Activation {
    /// The date (RFC 3339); without it: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// A certificate revocation list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Crl {
    /// CRLNumber.
    pub number: u64,
    /// When it was made.
    pub this_update: String,
    /// When the next is there at the latest.
    pub next_update: String,
    /// How many certificates it lists.
    pub entries: u64,
    /// Its length in octets, as DER.
    pub bytes: u64,
    /// Which shard of the CA's certificates it is about; 0 is the first.
    pub shard: u32,
    /// Where it is.
    pub url: String,
    /// Its delta CRL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaCrl>,
}

/// A delta CRL: what changed since a complete one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeltaCrl {
    /// CRLNumber.
    pub number: u64,
    /// The number of the complete CRL that it starts from.
    pub base: u64,
    /// When the next is there at the latest.
    pub next_update: String,
    /// How many entries it has.
    pub entries: u64,
    /// Its length in octets, as DER.
    pub bytes: u64,
    /// Where it is.
    pub url: String,
}

/// How a CA makes its CRLs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CrlSettings {
    /// Over how many CRLs the certificates issued from now on are spread.
    pub shards: u32,
    /// How many hours a complete CRL is good for; the next comes at half of that.
    pub window_hours: u64,
    /// How many hours a delta CRL is good for; 0: there are none.
    pub delta_hours: u64,
}

/// What is to change of a CA; what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct CaSettings {
    /// Over how many CRLs the certificates issued from now on are spread: 1 to 4096.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crl_shards: Option<u32>,
    /// How many hours a complete CRL is good for: 1 to 9600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crl_window_hours: Option<u64>,
    /// How many hours a delta CRL is good for; 0: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crl_delta_hours: Option<u64>,
}

/// A CA to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewCa {
    /// Its name, as `site-issuing`.
    pub id: String,
    /// `root` or `issuing`.
    pub role: String,
    /// Which of our CAs signs it (an issuing CA that is not external).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Its subject (RFC 4514); made of its name if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Its key's type: `rsa-2048` … `p-521`.
    pub algorithm: String,
    /// How long it lives; 20 years for a root, 10 for an issuing CA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_days: Option<u64>,
    /// The parent's exported key, when it is not kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_key_pem: Option<String>,
    /// The passphrase of `parent_key_pem`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_key_passphrase: Option<String>,
    /// Whether an external root signs it: the answer then carries `request_pem`.
    #[serde(default)]
    pub external: bool,
    /// Whether it may present its own certificate in TLS handshakes (digitalSignature), as the CA that phones know by
    /// CAPF does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub serves_tls: bool,
    /// Where its key is made: `software` (without it) or `pkcs11`, the token that the server's settings name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_store: Option<String>,
    /// CKA_ID (hexadecimal) of a key pair that stands in the token already and becomes the CA's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pkcs11_id: Option<String>,
}

/// An external root's answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExternalChain {
    /// The CA's certificate and those above it, PEM.
    pub chain_pem: String,
}

/// A CRL to be published now.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct SignCrl {
    /// The CA's exported key, when it is not kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_pem: Option<String>,
    /// Its passphrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
}

/// A key to be exported.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExportKey {
    /// What the exported file is encrypted under; at least 12 characters.
    pub passphrase: String,
}

/// An exported key.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ExportedKey {
    /// Encrypted PKCS#8.
    pub pem: String,
}
