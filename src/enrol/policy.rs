//! What the profile and the estate say of a request, whoever speaks for it.

use std::sync::Arc;

use crate::ca::profile::{Facts, Profile, ProfileSet};
use crate::ca::records::{CertificateRecord, CompromisedKeyRecord};
use crate::enrol::key_history::History;
use crate::enrol::{Application, Desk, Proof};
use crate::error::{Error, Kind, Result};
use crate::id::{CaId, ProfileId};
use crate::x509::key::PublicKey;
use crate::x509::name::Name;
use crate::x509::san::San;

/// What is to be written into the certificate.
#[derive(Debug)]
pub(super) struct Wanted {
    pub profile: Arc<Profile>,
    pub subject: Name,
    pub sans: Vec<San>,
    pub device: Option<String>,
}

impl Wanted {
    /// Whether a certificate or challenge names the same identity: subjects by RFC 5280 §7.1, names as sets.
    pub fn is_identity(&self, subject: &Name, sans: &[San]) -> bool {
        self.subject.matches(subject) && San::same_set(&self.sans, sans)
    }
}

/// The profile, if this requester may use it at all. Errors: `not-found`, `profile-disabled`, `internal-profile`,
/// `issuer-offline`, `issuer-not-allowed`.
pub(super) fn usable_profile(
    desk: &Desk,
    set: &ProfileSet,
    id: &ProfileId,
    proof: &Proof,
    issuer: Option<&CaId>,
) -> Result<Arc<Profile>> {
    let profile = usable(set, id, proof)?;
    if profile.offline().is_some() {
        let text =
            format!("the certificates of the profile {id} are signed by a CA elsewhere, for devices alone");
        return Err(Error::conflict("issuer-offline", text));
    }
    let named_by_profile =
        matches!(proof, Proof::Internal) || issuer.is_none_or(|i| is_of(desk, profile.ca(), i));
    if !named_by_profile {
        return Err(Error::new(Kind::Forbidden, "issuer-not-allowed", "the profile names the issuer"));
    }
    Ok(profile)
}

/// The profile, if this requester may use it, whoever signs. Errors: `not-found`, `profile-disabled`, `internal-profile`.
pub(super) fn usable(set: &ProfileSet, id: &ProfileId, proof: &Proof) -> Result<Arc<Profile>> {
    let profile = set.require(id).map_err(|e| e.at("/profile"))?;
    if !profile.is_enabled() {
        return Err(Error::invalid("profile-disabled", format!("the profile {id} is switched off")));
    }
    if matches!(proof, Proof::Internal) {
        return Ok(Arc::clone(profile));
    }
    if profile.is_internal() {
        let text = format!("the profile {id} is for Signet's own certificates");
        return Err(Error::new(Kind::Forbidden, "internal-profile", text));
    }
    Ok(Arc::clone(profile))
}

/// Whether a CA is the one in force under a name, or its announced successor.
pub(super) fn is_of(desk: &Desk, named: &CaId, issuer: &CaId) -> bool {
    let hierarchy = desk.authority.hierarchy();
    let in_force = hierarchy.in_force(named).ok();
    in_force.into_iter().chain(hierarchy.next_of(named)).any(|ca| ca.record.id == *issuer)
}

/// Holds a request against the profile. Errors: `bad-csr` with the catalogue's text, `policy` with the rule's.
pub(super) async fn hold(
    desk: &Desk,
    set: &ProfileSet,
    profile: Arc<Profile>,
    asked: &Application,
    requester: &Proof,
) -> Result<Wanted> {
    let key = asked.public_key();
    profile.check_key(key)?;
    let fingerprint = key.fingerprint();
    let history = History::read(desk, &fingerprint).await?;
    refuse_reserved_key(desk, set, key, history.newest(), requester)?;
    if is_compromised(desk, &fingerprint).await? {
        return Err(Error::bad_csr("key compromised"));
    }
    if set.is_blocked(&fingerprint) {
        return Err(Error::bad_csr("Debian weak key"));
    }
    let subject = profile.subject_for(asked.subject())?;
    let sans = profile.sans_for(&subject, asked.sans())?;
    if subject.is_empty() && sans.is_empty() {
        return Err(Error::bad_csr("no identity"));
    }
    if history.serves_another(desk, &subject, &sans).await? {
        return Err(Error::bad_csr("key in use"));
    }
    refuse_reserved_name(desk, set, &subject, requester)?;
    if profile.serves_tls() && !matches!(requester, Proof::Internal) {
        desk.profiles.own_names.refuse(desk, set, &subject, &sans).await?;
    }
    let device = profile.device_name(&subject);
    let facts =
        Facts { subject: &subject, sans: &sans, key, requester: kind(requester), device: device.as_deref() };
    profile.check_rules(&facts)?;
    Ok(Wanted { profile, subject, sans, device })
}

fn kind(proof: &Proof) -> &'static str {
    match proof {
        Proof::None => "none",
        Proof::Challenge(_) => "challenge",
        Proof::Renewal { .. } => "renewal",
        Proof::Operator { .. } => "operator",
        Proof::Device(_) => "device",
        Proof::Internal => "internal",
    }
}

/// Whether any certificate of this key was revoked because the key was reported as compromised.
pub(super) async fn is_compromised(desk: &Desk, fingerprint: &[u8; 32]) -> Result<bool> {
    Ok(desk.authority.db.get::<CompromisedKeyRecord>(fingerprint).await?.is_some())
}

/// CSR-16: the keys of our CAs, RAs and listeners.
fn refuse_reserved_key(
    desk: &Desk,
    set: &ProfileSet,
    key: &PublicKey,
    history: &[CertificateRecord],
    requester: &Proof,
) -> Result<()> {
    let hierarchy = desk.authority.hierarchy();
    let of_ca = hierarchy.all().iter().any(|ca| {
        ca.certificate.as_ref().is_some_and(|c| c.spki() == key.spki())
            || ca.signer.as_ref().is_some_and(|s| s.public_key() == key)
    });
    let internal = |record: &CertificateRecord| set.require(&record.profile).is_ok_and(|p| p.is_internal());
    let of_ours = !matches!(requester, Proof::Internal) && history.iter().any(internal);
    if of_ca || of_ours {
        return Err(Error::bad_csr("key reserved"));
    }
    Ok(())
}

/// CSR-54: nobody is named as a CA is, nor as one of our own identities.
fn refuse_reserved_name(desk: &Desk, set: &ProfileSet, subject: &Name, requester: &Proof) -> Result<()> {
    let hierarchy = desk.authority.hierarchy();
    let of_ca = hierarchy.all().iter().map(|ca| &ca.record.subject).any(|name| {
        name.rdns().len() == subject.rdns().len() && !subject.is_empty() && name.matches(subject)
    });
    let internal = matches!(requester, Proof::Internal);
    let reserved = !internal && subject.common_name().is_some_and(|cn| set.reserves(cn));
    if of_ca || reserved {
        return Err(Error::bad_csr("reserved name"));
    }
    Ok(())
}
