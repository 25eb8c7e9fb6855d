//! What an identity must be: its profile, CA, key type and names.

use std::sync::Arc;

use crate::ca::profile::Profile;
use crate::enrol::Desk;
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::trust::identity::Purpose;
use crate::x509::key::KeyAlgorithm;
use crate::x509::name::Name;
use crate::x509::san::San;

/// What an identity must be.
#[derive(Debug)]
pub struct Wanted {
    /// Its name: `tls`, `ra-rsa-issuing`, `ra-rsa-issuing-signing` …
    pub name: String,
    /// By which profile.
    pub profile: Arc<Profile>,
    /// Under which CA.
    pub ca: CaId,
    /// Its key's type.
    pub algorithm: KeyAlgorithm,
    /// Its subject.
    pub subject: Name,
    /// Its alternative names.
    pub sans: Vec<San>,
    /// Whether envelopes may still come for the certificate before.
    pub keeps_former: bool,
}

impl Wanted {
    /// The TLS listener's. Errors: `not-found` without its profile.
    pub fn tls(desk: &Desk, sans: &[San]) -> Result<Self> {
        let profile = desk.profiles.current().require(&"signet-tls".parse()?)?.clone();
        Ok(Self {
            name: "tls".into(),
            ca: desk.authority.hierarchy().in_force(profile.ca())?.record.id.clone(),
            algorithm: choose(&profile, KeyAlgorithm::P256, |_| true)?,
            subject: Name::parse("CN=Signet")?,
            sans: sans.to_vec(),
            keeps_former: false,
            profile,
        })
    }

    /// An OCSP responder's, of the same sort of key as its CA's, so that who can verify the certificate can verify
    /// the answer. Errors: `not-found` without its profile; `no-key` if that allows none.
    pub fn ocsp(desk: &Desk, ca: &CaId, is_rsa: bool) -> Result<Self> {
        let profile = desk.profiles.current().require(&"ocsp-responder".parse()?)?.clone();
        let best = if is_rsa { KeyAlgorithm::Rsa2048 } else { KeyAlgorithm::P256 };
        Ok(Self {
            name: responder_name(ca),
            ca: ca.clone(),
            algorithm: choose(&profile, best, |key| key.is_rsa() == is_rsa)?,
            subject: Name::parse(&format!("CN=Signet OCSP {ca}"))?,
            sans: Vec::new(),
            keeps_former: false,
            profile,
        })
    }

    /// One that stands in phones' lists: RSA, for the sake of phones, but for the one that is for those that ask for
    /// more. Errors: `not-found` without its profile; `no-rsa` if that allows no such key.
    pub fn listed(desk: &Desk, purpose: Purpose, sans: &[San]) -> Result<Self> {
        let profile = desk.profiles.current().require(&purpose.profile().parse()?)?.clone();
        let (rsa, ec) = (KeyAlgorithm::Rsa2048, KeyAlgorithm::P256);
        let (title, algorithm) = match purpose {
            Purpose::Tvs => ("CN=Signet TVS", rsa_if_any(&profile)),
            Purpose::Tftp => ("CN=Signet TFTP", choose(&profile, rsa, KeyAlgorithm::is_rsa)),
            Purpose::TftpEc => ("CN=Signet TFTP EC", choose(&profile, ec, |key| !key.is_rsa())),
            Purpose::Capf => ("CN=Signet CAPF", rsa_if_any(&profile)),
        };
        let sans = match purpose {
            Purpose::Tvs | Purpose::Tftp | Purpose::TftpEc => sans.to_vec(),
            // Phones find this port by the address of their configuration, and hold no name against it.
            Purpose::Capf => Vec::new(),
        };
        Ok(Self {
            name: purpose.as_str().to_owned(),
            ca: desk.authority.hierarchy().in_force(profile.ca())?.record.id.clone(),
            algorithm: algorithm?,
            subject: Name::parse(title)?,
            sans,
            keeps_former: true,
            profile,
        })
    }

    /// A registration authority's: RSA, because clients encrypt to it and know no other.
    /// Errors: `not-found` without its profile; `no-rsa` if that allows none.
    pub fn ra(desk: &Desk, ca: &CaId, part: RaPart) -> Result<Self> {
        let profiles = desk.profiles.current();
        let own = profiles.require(&part.profile().parse()?);
        // A policies folder of before has no profile for each part yet: then both usages stand in both certificates.
        let profile = own.or_else(|_| profiles.require(&RaPart::Both.profile().parse()?))?.clone();
        let title = match part {
            RaPart::Both => format!("CN=Signet SCEP RA {ca}"),
            RaPart::Signing => format!("CN=Signet SCEP RA {ca} signing"),
            RaPart::Encryption => format!("CN=Signet SCEP RA {ca} encryption"),
        };
        Ok(Self {
            name: part.identity(ca),
            ca: ca.clone(),
            algorithm: choose(&profile, KeyAlgorithm::Rsa2048, KeyAlgorithm::is_rsa)?,
            subject: Name::parse(&title)?,
            sans: Vec::new(),
            keeps_former: part != RaPart::Signing,
            profile,
        })
    }
}

/// The name of a CA's OCSP responder.
pub fn responder_name(ca: &CaId) -> String {
    format!("ocsp-{ca}")
}

/// What an RA certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RaPart {
    /// Signs replies and opens requests.
    Both,
    /// Signs replies.
    Signing,
    /// Opens requests.
    Encryption,
}

impl RaPart {
    /// The name of the identity.
    pub fn identity(self, ca: &CaId) -> String {
        match self {
            Self::Both => format!("ra-{ca}"),
            Self::Signing => format!("ra-{ca}-signing"),
            Self::Encryption => format!("ra-{ca}-encryption"),
        }
    }

    /// The profile that gives it its key usage.
    fn profile(self) -> &'static str {
        match self {
            Self::Both => "scep-ra",
            Self::Signing => "scep-ra-sign",
            Self::Encryption => "scep-ra-decrypt",
        }
    }
}

/// RSA, which every phone knows, as far as the profile has it; else its first.
fn rsa_if_any(profile: &Profile) -> Result<KeyAlgorithm> {
    let is_rsa = |key: KeyAlgorithm| key.is_rsa() || !profile.keys().iter().any(|key| key.is_rsa());
    choose(profile, KeyAlgorithm::Rsa2048, is_rsa)
}

/// The preferred key type if the profile allows it, else its first that will do.
fn choose(
    profile: &Profile,
    best: KeyAlgorithm,
    fits: impl Fn(KeyAlgorithm) -> bool,
) -> Result<KeyAlgorithm> {
    let keys = profile.keys();
    let found = if keys.contains(&best) { Some(best) } else { keys.iter().copied().find(|k| fits(*k)) };
    found.ok_or_else(|| {
        Error::invalid("no-rsa", format!("the profile {} allows no key that can be used", profile.id()))
    })
}
