//! Extensions: which must be there, their criticality, and what they say (RFC 5280 §4.2).

use const_oid::db::rfc5280::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_BASIC_CONSTRAINTS, ID_CE_CRL_DISTRIBUTION_POINTS,
    ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE, ID_CE_NAME_CONSTRAINTS, ID_CE_SUBJECT_ALT_NAME,
    ID_CE_SUBJECT_KEY_IDENTIFIER, ID_PE_AUTHORITY_INFO_ACCESS,
};
use const_oid::db::rfc6960::ID_PKIX_OCSP_NOCHECK;
use der::{Tag, TagNumber};

use super::read::{Elements, Ext, Parts, single};
use super::{Issuer, broken, general_names, usages};
use crate::error::Result;

pub fn hold(parts: &Parts<'_>, has_subject: bool, issuer: &Issuer) -> Result<()> {
    let is_ca = basic_constraints(parts.extension(ID_CE_BASIC_CONSTRAINTS))?;
    // A self-issued certificate, as of a CA's next key, does not count (RFC 5280 §6.1.4 (l)).
    if is_ca && !issuer.signs_cas && !parts.is_self_issued {
        return Err(broken("basicConstraints", "say CA:TRUE under an issuer with pathLenConstraint 0"));
    }
    if is_ca && !has_subject {
        return Err(broken("subject", "of a CA must not be empty"));
    }
    usages::key_usage(parts.extension(ID_CE_KEY_USAGE), is_ca, parts.has_rsa_key)?;
    let signs_ocsp = usages::extended_key_usage(parts.extension(ID_CE_EXT_KEY_USAGE))?;
    alternative_names(parts.extension(ID_CE_SUBJECT_ALT_NAME), has_subject)?;
    key_identifiers(parts, issuer)?;
    name_constraints(parts.extension(ID_CE_NAME_CONSTRAINTS), is_ca)?;
    nocheck(parts.extension(ID_PKIX_OCSP_NOCHECK), signs_ocsp)?;
    locations(parts)?;
    unknown_critical(&parts.extensions)
}

/// Must be there and critical, in leaves too; returns whether it is a CA.
fn basic_constraints(extension: Option<&Ext<'_>>) -> Result<bool> {
    let field = "basicConstraints";
    let extension = extension.ok_or_else(|| broken(field, "are missing"))?;
    if !extension.critical {
        return Err(broken(field, "must be critical"));
    }
    let mut fields = Elements::new(single(extension.value, Tag::Sequence, field)?, field);
    let is_ca = match fields.optional(Tag::Boolean)?.map(|e| e.content) {
        None => false,
        Some([0xff]) => true,
        Some(_) => return Err(broken(field, "spell out a DEFAULT FALSE, which DER forbids")),
    };
    if fields.optional(Tag::Integer)?.is_some() && !is_ca {
        return Err(broken(field, "hold a pathLenConstraint without CA:TRUE"));
    }
    fields.finish()?;
    Ok(is_ca)
}

/// Critical exactly if the subject is empty, and then it must be there (§4.2.1.6).
fn alternative_names(extension: Option<&Ext<'_>>, has_subject: bool) -> Result<()> {
    let field = "subjectAltName";
    match extension {
        None if has_subject => Ok(()),
        None => Err(broken(field, "is missing where the subject is empty")),
        Some(extension) if extension.critical == has_subject => {
            Err(broken(field, "must be critical exactly if the subject is empty"))
        }
        Some(extension) => general_names::hold(extension.value),
    }
}

fn key_identifiers(parts: &Parts<'_>, issuer: &Issuer) -> Result<()> {
    let subject = uncritical(parts, ID_CE_SUBJECT_KEY_IDENTIFIER, "subjectKeyIdentifier")?;
    if single(subject, Tag::OctetString, "subjectKeyIdentifier")?.is_empty() {
        return Err(broken("subjectKeyIdentifier", "is empty"));
    }
    let field = "authorityKeyIdentifier";
    let authority = uncritical(parts, ID_CE_AUTHORITY_KEY_IDENTIFIER, field)?;
    let mut fields = Elements::new(single(authority, Tag::Sequence, field)?, field);
    let key_id = fields.next(Tag::ContextSpecific { constructed: false, number: TagNumber(0) })?.content;
    if key_id != issuer.key_id {
        return Err(broken(field, "must equal the issuer's subjectKeyIdentifier"));
    }
    Ok(())
}

fn uncritical<'a>(parts: &Parts<'a>, oid: const_oid::ObjectIdentifier, field: &str) -> Result<&'a [u8]> {
    match parts.extension(oid) {
        None => Err(broken(field, "is missing")),
        Some(extension) if extension.critical => Err(broken(field, "must not be critical")),
        Some(extension) => Ok(extension.value),
    }
}

fn name_constraints(extension: Option<&Ext<'_>>, is_ca: bool) -> Result<()> {
    match extension {
        Some(extension) if !is_ca || !extension.critical => {
            Err(broken("nameConstraints", "must be critical and stand in a CA"))
        }
        Some(_) | None => Ok(()),
    }
}

/// RFC 6960 §4.2.2.2.1: NULL, not critical, in a responder's certificate.
fn nocheck(extension: Option<&Ext<'_>>, signs_ocsp: bool) -> Result<()> {
    match extension {
        Some(extension) if !signs_ocsp || extension.critical || extension.value != [0x05, 0x00] => {
            Err(broken("ocsp-nocheck", "must be NULL, not critical, and stand beside OCSPSigning"))
        }
        Some(_) | None => Ok(()),
    }
}

fn locations(parts: &Parts<'_>) -> Result<()> {
    if parts.extension(ID_CE_CRL_DISTRIBUTION_POINTS).is_some() {
        let field = "cRLDistributionPoints";
        general_names::distribution_points(uncritical(parts, ID_CE_CRL_DISTRIBUTION_POINTS, field)?)?;
    }
    if parts.extension(ID_PE_AUTHORITY_INFO_ACCESS).is_some() {
        let field = "authorityInfoAccess";
        general_names::information_access(uncritical(parts, ID_PE_AUTHORITY_INFO_ACCESS, field)?)?;
    }
    Ok(())
}

fn unknown_critical(extensions: &[Ext<'_>]) -> Result<()> {
    let known = [ID_CE_BASIC_CONSTRAINTS, ID_CE_KEY_USAGE, ID_CE_SUBJECT_ALT_NAME, ID_CE_NAME_CONSTRAINTS];
    match extensions.iter().find(|e| e.critical && !known.contains(&e.oid)) {
        None => Ok(()),
        Some(extension) => Err(broken("extensions", format_args!("hold {} as critical", extension.oid))),
    }
}
