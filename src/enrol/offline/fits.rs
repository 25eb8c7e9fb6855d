//! A certificate that came from a CA elsewhere, held against its request and the profile.

use std::time::Duration;

use crate::ca::profile::Profile;
use crate::clock::Timestamp;
use crate::enrol::offline::lists::OfflineLists;
use crate::enrol::offline::records::OfflineRequestRecord;
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;
use crate::x509::san::San;

/// How far a validity may exceed the profile's: clocks differ, and CAs round to days.
const LEEWAY: Duration = Duration::from_hours(48);

/// Holds issuer, names, usages and validity; that the key is the one asked for was seen when the request was found.
/// Errors: `offline-misfit` naming the rule.
pub(super) fn hold(
    profile: &Profile,
    asked: &OfflineRequestRecord,
    certificate: &Certificate,
    (lists, now): (&OfflineLists, Timestamp),
) -> Result<()> {
    let Some(issuer) = profile.offline() else {
        return Err(misfit(format!("the profile {} names no CA elsewhere any more", profile.id())));
    };
    signed_by(issuer, certificate)?;
    if lists.is_revoked(issuer, certificate.serial()) {
        return Err(misfit(format!("{} revoked it", issuer.subject())));
    }
    if !certificate.subject().matches(&asked.subject) {
        return Err(misfit(format!(
            "its subject is {}, and {} was asked for",
            certificate.subject(),
            asked.subject
        )));
    }
    if !San::same_set(&certificate.sans()?, &asked.sans) {
        return Err(misfit("its alternative names are not those that were asked for"));
    }
    usages(profile, certificate)?;
    validity(profile, certificate, now)
}

fn signed_by(issuer: &Certificate, certificate: &Certificate) -> Result<()> {
    let by_name = certificate.issuer().der() == issuer.subject().der();
    let signed = issuer.public_key().is_ok_and(|key| certificate.verify_signed_by(&key).is_ok());
    if by_name && signed {
        return Ok(());
    }
    Err(misfit(format!("it is not signed by {}, which the profile names", issuer.subject())))
}

fn usages(profile: &Profile, certificate: &Certificate) -> Result<()> {
    if certificate.is_ca() {
        return Err(misfit("it is a CA's certificate"));
    }
    let wanted = profile.key_usage(&certificate.public_key()?);
    if certificate.key_usage() != Some(wanted) {
        return Err(misfit("its key usage is not the profile's"));
    }
    let (found, wanted) = (certificate.extended_key_usage()?, profile.extended_key_usage());
    if found.len() != wanted.len() || !wanted.iter().all(|purpose| found.contains(purpose)) {
        return Err(misfit("its extended key usage is not the profile's"));
    }
    Ok(())
}

fn validity(profile: &Profile, certificate: &Certificate, now: Timestamp) -> Result<()> {
    if certificate.not_after() <= now {
        return Err(misfit(format!("it expired at {}", certificate.not_after())));
    }
    if certificate.not_before() > now.plus(LEEWAY) {
        return Err(misfit(format!("it is not valid before {}", certificate.not_before())));
    }
    let most = profile.validity().saturating_add(profile.backdate()).saturating_add(LEEWAY);
    if certificate.not_after().since(certificate.not_before()) > most {
        return Err(misfit(format!("it lives longer than the profile {} allows", profile.id())));
    }
    Ok(())
}

fn misfit(rule: impl Into<String>) -> Error {
    Error::invalid("offline-misfit", rule)
}
