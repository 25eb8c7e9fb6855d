//! Profiles: what may be issued, to whom, by which CA (`policies/profiles/*.toml`).

use std::time::Duration;

use const_oid::ObjectIdentifier;

use crate::error::{Error, Misfit, ProfileRule, Result};
use crate::id::{CaId, ProfileId};
use crate::x509::cert::Certificate;
use crate::x509::key::{DeviceKey, Digest, KeyAlgorithm, KeyKind, PublicKey};
use crate::x509::name::Name;
use crate::x509::san::San;

mod alternative;
mod attribute;
mod challenge;
mod check;
pub mod duration;
mod expression;
mod faults;
mod legacy;
mod offline;
mod options;
mod pattern;
mod raw;
mod renewal;
mod set;
mod subject;
mod usage;

pub use challenge::{ChallengeSource, RadiusOptions, SecretFile, WebhookOptions, absolute};
pub use expression::Facts;
pub use options::{Approval, CapfOptions, Cipher, RaMode, ScepDigest, ScepOptions};
pub use pattern::Pattern;
pub use renewal::{RenewalPoints, RenewalRules};
pub use set::ProfileSet;
pub use usage::CLIENT_AUTH;

/// A validated profile: what it says can be issued.
#[derive(Debug)]
pub struct Profile {
    id: ProfileId,
    ca: CaId,
    enabled: bool,
    internal: bool,
    description: String,
    approval: Approval,
    challenge: challenge::ChallengeSource,
    keys: Vec<KeyAlgorithm>,
    rsa_1024: bool,
    digest: Option<Digest>,
    validity: Duration,
    backdate: Duration,
    subject: subject::SubjectRules,
    device: Option<ObjectIdentifier>,
    san: alternative::SanRules,
    key_usage: u16,
    extended: Vec<ObjectIdentifier>,
    ocsp_nocheck: bool,
    renewal: RenewalRules,
    rules: Vec<expression::Rule>,
    reserved_names: Vec<pattern::Pattern>,
    scep: Option<ScepOptions>,
    capf: CapfOptions,
    offline: Option<offline::Issuers>,
    source: String,
}

/// What it says.
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
    /// Whether it is for Signet's own identities alone.
    pub fn is_internal(&self) -> bool {
        self.internal
    }
    /// A sentence for people.
    pub fn description(&self) -> &str {
        &self.description
    }
    /// How requests are approved.
    pub fn approval(&self) -> Approval {
        self.approval
    }
    /// Who judges its challenges, if it takes any.
    pub fn challenge_source(&self) -> &ChallengeSource {
        &self.challenge
    }
    /// Allowed key types, but for what old devices alone have.
    pub fn keys(&self) -> &[KeyAlgorithm] {
        &self.keys
    }
    /// Whether a device's key may be RSA of 1024 bits: only where the file lists that (feature `legacy`).
    pub fn allows_rsa_1024(&self) -> bool {
        self.rsa_1024
    }
    /// Whether a device that speaks CAPF may have a key of this type.
    pub fn allows(&self, key: DeviceKey) -> bool {
        key.present().map_or(self.capf.rsa_1024, |key| self.keys.contains(&key))
    }
    /// All allowed key types, as its file names them.
    pub fn key_names(&self) -> Vec<&'static str> {
        let old = self.rsa_1024.then_some(DeviceKey::Rsa1024.as_str());
        self.keys.iter().map(|key| key.as_str()).chain(old).collect()
    }
    /// The digest of the signature; none: the CA key's default.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }
    /// How long a certificate lives.
    pub fn validity(&self) -> Duration {
        self.validity
    }
    /// How far notBefore lies in the past, for devices with slow clocks.
    pub fn backdate(&self) -> Duration {
        self.backdate
    }
    /// KeyUsage bits for this key (an EC leaf has no keyEncipherment); bit 0 = digitalSignature, lowest.
    pub fn key_usage(&self, key: &PublicKey) -> u16 {
        usage::for_key(self.key_usage, key.kind())
    }
    /// Extended key usages.
    pub fn extended_key_usage(&self) -> &[ObjectIdentifier] {
        &self.extended
    }
    /// Whether its certificates serve as a TLS server's: they say so, or they name no purpose at all.
    pub fn serves_tls(&self) -> bool {
        self.extended.is_empty() || self.extended.contains(&usage::SERVER_AUTH)
    }
    /// Whether id-pkix-ocsp-nocheck goes in.
    pub fn ocsp_nocheck(&self) -> bool {
        self.ocsp_nocheck
    }
    /// When its certificates are renewed, and what becomes of those before.
    pub fn renewal(&self) -> &RenewalRules {
        &self.renewal
    }
    /// Its SCEP service; none if it has none.
    pub fn scep(&self) -> Option<&ScepOptions> {
        self.scep.as_ref()
    }
    /// What it allows over CAPF.
    pub fn capf(&self) -> &CapfOptions {
        &self.capf
    }
    /// The CA elsewhere, offline, that signs its certificates; none if Signet does.
    pub fn offline(&self) -> Option<&Certificate> {
        self.offline.as_ref().map(|issuers| &issuers.signs)
    }
    /// The CAs elsewhere whose certificates prove a device: the one that signs, and those that did before.
    pub fn offline_issuers(&self) -> impl Iterator<Item = &Certificate> {
        self.offline.iter().flat_map(|issuers| std::iter::once(&issuers.signs).chain(&issuers.former))
    }
    /// Its file as it was read (TOML), for people.
    pub fn source(&self) -> &str {
        &self.source
    }
    /// A fault of something that its file names, with `file:line` of the key (a path of names) as its field.
    pub fn fault(&self, key: &[&str], fault: Error) -> Error {
        let file = format!("{}.toml", self.id);
        let mut faults = faults::Faults::new(&file, &self.source);
        faults.note(key, fault);
        faults.into_found().pop().unwrap_or_else(|| Error::internal("a fault of a profile"))
    }
}

/// What it makes of a request.
impl Profile {
    /// Holds a key against the allowed types. Errors: `bad-csr` with the catalogue's text (CSR-08, -20, -23).
    pub fn check_key(&self, key: &PublicKey) -> Result<()> {
        let old = self.rsa_1024 && key.kind() == KeyKind::Rsa(1024);
        if old || key.algorithm().is_some_and(|a| self.keys.contains(&a)) {
            return Ok(());
        }
        let broken = match key.kind() {
            KeyKind::Rsa(bits) => self.rsa_refusal(bits),
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 if self.keys.iter().all(|k| k.is_rsa()) => {
                "key type not allowed".to_owned()
            }
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => "curve not allowed".to_owned(),
        };
        let (asked, allowed) = (key.kind().to_string(), self.key_names().join(", "));
        let refused = Error::bad_csr(format!("{broken}: it is {asked}; allowed: {allowed}"));
        Err(self.named(refused.misfit(Misfit::new(ProfileRule::Key, "key", asked, allowed))))
    }

    /// The subject to be written for the one asked for. Errors: `bad-csr` naming attribute and rule.
    pub fn subject_for(&self, asked: &Name) -> Result<Name> {
        self.subject.apply(asked).map_err(|e| self.named(e))
    }

    /// The alternative names to be written for those asked for. Errors: `bad-csr` (CSR-36, -38, -40, -48).
    pub fn sans_for(&self, subject: &Name, asked: &[San]) -> Result<Vec<San>> {
        self.san.apply(subject.common_name(), asked).map_err(|e| self.named(e))
    }

    /// The device's name, if the profile says where it stands in the subject.
    pub fn device_name(&self, subject: &Name) -> Option<String> {
        let oid = self.device?;
        subject.attributes().filter(|a| a.oid == oid).last().map(|a| a.value.clone())
    }

    /// Holds the profile's rules (CEL) against the facts. Errors: `policy` with the rule's message.
    pub fn check_rules(&self, facts: &Facts<'_>) -> Result<()> {
        if self.rules.is_empty() {
            return Ok(());
        }
        let inputs = expression::Inputs::new(self.id.as_str(), facts)?;
        self.rules.iter().try_for_each(|rule| rule.hold(&inputs)).map_err(|e| self.named(e))
    }

    /// The same refusal, naming the profile, if it is one of its rules that refused.
    fn named(&self, error: Error) -> Error {
        if error.unfit().is_none() {
            return error;
        }
        error.saying(&format!(" (profile {})", self.id))
    }

    fn rsa_refusal(&self, bits: u32) -> String {
        let sizes = self.keys.iter().filter_map(|k| match k {
            KeyAlgorithm::Rsa2048 => Some(2048),
            KeyAlgorithm::Rsa3072 => Some(3072),
            KeyAlgorithm::Rsa4096 => Some(4096),
            KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::P521 => None,
        });
        match sizes.chain(self.rsa_1024.then_some(1024)).min() {
            None => "key type not allowed".to_owned(),
            Some(least) if bits < least => format!("RSA key below {least} bits"),
            Some(_) => "RSA key size not allowed".to_owned(),
        }
    }
}
