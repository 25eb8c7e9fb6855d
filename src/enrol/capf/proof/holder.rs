//! Whose certificate it is: who signed it, when it is valid, and which device it names.

use super::{Sort, Trust, Unproven};
use crate::ca::LoadedCa;
use crate::ca::records::Role;
use crate::x509::cert::Certificate;

/// Reads a certificate and its key, with the key's bounds before any signature is looked at.
pub(super) fn read(der: &[u8], old_devices: bool) -> Result<Certificate, Unproven> {
    let certificate = Certificate::from_der(der).map_err(|_| Unproven::Certificate)?;
    if old_devices {
        certificate.allow_rsa_1024();
    }
    certificate.public_key().map_err(|_| Unproven::Key)?;
    Ok(certificate)
}

/// Holds a certificate against issuer, dates and name; returns what sort it is.
pub(super) fn check(certificate: &Certificate, device: &str, trust: &Trust) -> Result<Sort, Unproven> {
    let sort = issued_by(certificate, trust)?;
    if certificate.not_after() < trust.now {
        return Err(Unproven::Expired);
    }
    if trust.now < certificate.not_before() {
        return Err(Unproven::NotYetValid);
    }
    if certificate.is_ca() {
        return Err(Unproven::IsCa);
    }
    let common_name = certificate.subject().common_name().unwrap_or_default();
    if names(common_name, device, sort) { Ok(sort) } else { Err(Unproven::OtherDevice) }
}

/// One of our CAs that issue LSCs, or a manufacturer's, by name and signature.
fn issued_by(certificate: &Certificate, trust: &Trust) -> Result<Sort, Unproven> {
    if let Some(ca) = trust.hierarchy.issuer_of(certificate) {
        return check_ours(ca, trust).map(|()| Sort::Lsc);
    }
    let signers = trust.elsewhere.signers_of(certificate);
    if !signers.is_empty() {
        return check_elsewhere(&signers, certificate, trust).map(|()| Sort::Offline);
    }
    let bears_name = |issuer: &Certificate| issuer.subject().matches(certificate.issuer());
    let ours = trust.hierarchy.all().iter().filter_map(|ca| ca.certificate.as_ref());
    let others = trust.elsewhere.issuers.iter().chain(trust.roots.all());
    let mut known = ours.map(|c| &**c).chain(others).filter(|c| bears_name(c)).peekable();
    if known.peek().is_none() {
        return Err(Unproven::UnknownIssuer);
    }
    let mut signers = trust
        .roots
        .all()
        .filter(|c| bears_name(c))
        .filter(|root| signed(root, certificate, trust))
        .peekable();
    if signers.peek().is_none() {
        return Err(Unproven::IssuerSignature);
    }
    // The same key may be listed with several certificates, as after a renewal.
    if signers.any(|root| root.is_valid_at(trust.now)) { Ok(Sort::Mic) } else { Err(Unproven::Issuer) }
}

/// Holds that a CA of ours issues LSCs, or did, and is to be believed.
fn check_ours(ca: &LoadedCa, trust: &Trust) -> Result<(), Unproven> {
    let stands_for = |named| {
        let in_force = trust.hierarchy.in_force(named).ok();
        let mut all = in_force.into_iter().chain(trust.hierarchy.former_of(named));
        all.any(|known| known.record.id == ca.record.id)
    };
    if ca.record.role != Role::Issuing || !trust.issuers.iter().any(stands_for) {
        return Err(Unproven::OtherIssuer);
    }
    let is_valid = ca.chain.iter().all(|certificate| certificate.is_valid_at(trust.now));
    if ca.refuse_revoked().is_ok() && is_valid { Ok(()) } else { Err(Unproven::Issuer) }
}

/// Holds that no list of the CA elsewhere that was brought here has the certificate, and that one of the CA's own
/// certificates is in date.
fn check_elsewhere(cas: &[&Certificate], certificate: &Certificate, trust: &Trust) -> Result<(), Unproven> {
    if cas.iter().any(|ca| trust.elsewhere.lists.is_revoked(ca, certificate.serial())) {
        return Err(Unproven::Revoked);
    }
    if cas.iter().any(|ca| ca.is_valid_at(trust.now)) { Ok(()) } else { Err(Unproven::Issuer) }
}

fn signed(root: &Certificate, certificate: &Certificate, trust: &Trust) -> bool {
    root.public_key().is_ok_and(|key| {
        certificate.verify_signed_by(&key).is_ok()
            || trust.old_devices && certificate.verify_old_signed_by(&key).is_ok()
    })
}

/// An LSC's CN is the device's name; a MIC's or SUDI certificate's ends in `-` and the name. Names differ in more than
/// case: `sep0011…` is the same phone as `SEP0011…`.
fn names(common_name: &str, device: &str, sort: Sort) -> bool {
    if device.is_empty() {
        return false;
    }
    match sort {
        Sort::Lsc | Sort::Offline => common_name.eq_ignore_ascii_case(device),
        Sort::Mic => {
            let split = common_name.len().checked_sub(device.len() + 1);
            let split = split.and_then(|at| common_name.split_at_checked(at));
            let tail = split.and_then(|(_, end)| end.strip_prefix('-'));
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(device))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mic_names_the_device_at_its_end_and_an_lsc_wholly() {
        const NAME: &str = "SEP001122334455";
        for (common_name, sort, good) in [
            ("SEP001122334455", Sort::Lsc, true),
            ("sep001122334455", Sort::Lsc, true),
            ("CP-8841-SEP001122334455", Sort::Lsc, false),
            ("SEP00112233445", Sort::Lsc, false),
            ("", Sort::Lsc, false),
            ("CP-8841-SEP001122334455", Sort::Mic, true),
            ("-SEP001122334455", Sort::Mic, true),
            ("SEP001122334455", Sort::Mic, false),
            ("CP-8841SEP001122334455", Sort::Mic, false),
            ("CP-8841-SEP001122334456", Sort::Mic, false),
            ("CP-8841-SEP001122334455-X", Sort::Mic, false),
            ("é-SEP001122334455", Sort::Mic, true),
            ("é", Sort::Mic, false),
        ] {
            assert_eq!(names(common_name, NAME, sort), good, "{common_name} {sort:?}");
        }
        assert!(!names("CP-", "", Sort::Mic) && !names("", "", Sort::Lsc));
    }
}
