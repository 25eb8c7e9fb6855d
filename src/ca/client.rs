//! Certificates that TLS clients show: only a leaf of one of our own issuing CAs speaks for anybody (RFC 5280 §6).
//!
//! No path is built: the leaf alone is looked at, and one of our CAs signed it or not. What else a client sends along
//! is never read, so there is nothing to be led astray by.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280 as oids;

use crate::ca::profile::CLIENT_AUTH;
use crate::ca::records::{CertificateRecord, Role, serials};
use crate::ca::{Authority, Hierarchy, LoadedCa};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::x509::cert::Certificate;

/// The extensions that are understood here; a critical one beside them refuses the certificate (RFC 5280 §4.2).
const UNDERSTOOD: [ObjectIdentifier; 9] = [
    oids::ID_CE_BASIC_CONSTRAINTS,
    oids::ID_CE_KEY_USAGE,
    oids::ID_CE_EXT_KEY_USAGE,
    oids::ID_CE_SUBJECT_ALT_NAME,
    oids::ID_CE_SUBJECT_KEY_IDENTIFIER,
    oids::ID_CE_AUTHORITY_KEY_IDENTIFIER,
    oids::ID_CE_CRL_DISTRIBUTION_POINTS,
    oids::ID_CE_CERTIFICATE_POLICIES,
    oids::ID_PE_AUTHORITY_INFO_ACCESS,
];
const DIGITAL_SIGNATURE: u16 = 1;

/// Why a client's certificate speaks for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It cannot be read, or a part of it is not what it must be.
    Malformed(&'static str),
    /// It has a critical extension that is not understood.
    CriticalExtension,
    /// None of our issuing CAs signed it.
    UnknownIssuer,
    /// It is not valid any more.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is not for TLS clients.
    Purpose(&'static str),
}

impl Unfit {
    /// In words, for log and answer.
    pub fn text(self) -> &'static str {
        match self {
            Self::Malformed(what) | Self::Purpose(what) => what,
            Self::CriticalExtension => "it has a critical extension that is not understood",
            Self::UnknownIssuer => "none of our issuing CAs signed it",
            Self::Expired => "it is expired",
            Self::NotYetValid => "it is not valid yet",
        }
    }
}

/// The certificate that a TLS client proved to hold the key of, checked when it was shown.
#[derive(Clone, Debug)]
pub struct ClientCertificate(pub std::sync::Arc<[u8]>);

/// Checks a leaf (DER) that a client shows, with its key's bounds before any signature. Whether it was revoked is not
/// asked here. Blocking, two signature checks at the most for each of our CAs that bears its issuer's name.
pub fn check(hierarchy: &Hierarchy, leaf: &[u8], now: Timestamp) -> Result<Certificate, Unfit> {
    let leaf = Certificate::from_der(leaf).map_err(|_| Unfit::Malformed("it cannot be read"))?;
    leaf.public_key().map_err(|_| Unfit::Malformed("its key is not one that is accepted"))?;
    check_extensions(&leaf)?;
    check_purpose(&leaf)?;
    let issuer = hierarchy.issuer_of(&leaf).ok_or(Unfit::UnknownIssuer)?;
    if issuer.record.role != Role::Issuing || !is_valid(issuer, now) {
        return Err(Unfit::UnknownIssuer);
    }
    if leaf.not_after() < now {
        return Err(Unfit::Expired);
    }
    if now < leaf.not_before() {
        return Err(Unfit::NotYetValid);
    }
    Ok(leaf)
}

/// The record of a certificate that a client showed: the very bytes that we issued. It is checked again, since a
/// connection may be older than its expiry or a change of the CAs; whether it was revoked stands in the record.
/// Errors: `renewal-refused`; `storage` if that cannot be looked up, so that nothing is issued.
pub async fn known(authority: &Authority, shown: &ClientCertificate) -> Result<CertificateRecord> {
    let (hierarchy, now) = (authority.hierarchy(), authority.clock.now());
    let der = std::sync::Arc::clone(&shown.0);
    let checked = authority.pool.run(move || check(&hierarchy, &der, now)).await?;
    let leaf = checked.map_err(|unfit| {
        refused(format!("the certificate of the TLS connection speaks for nobody: {}", unfit.text()))
    })?;
    let found = serials::all(&authority.db, leaf.serial()).await?;
    let ours = found.into_iter().map(|stored| stored.value).find(|record| *record.der == *shown.0);
    ours.ok_or_else(|| refused("renewal signer is not a certificate of this CA".to_owned()))
}

fn refused(detail: String) -> Error {
    Error::new(Kind::Forbidden, "renewal-refused", detail)
}

fn check_extensions(leaf: &Certificate) -> Result<(), Unfit> {
    if leaf.extensions().iter().any(|e| e.critical && !UNDERSTOOD.contains(&e.oid)) {
        return Err(Unfit::CriticalExtension);
    }
    leaf.sans().map_err(|_| Unfit::Malformed("its alternative names are malformed"))?;
    Ok(())
}

/// TLSCLIENT-08, -10, -11, -27: a leaf that signs, for TLS clients, and says so.
fn check_purpose(leaf: &Certificate) -> Result<(), Unfit> {
    /// `SEQUENCE {}`, and `SEQUENCE { cA FALSE }` as some write it.
    const LEAVES: [&[u8]; 2] = [&[0x30, 0], &[0x30, 3, 1, 1, 0]];
    if leaf.extension(oids::ID_CE_BASIC_CONSTRAINTS).is_some_and(|e| !LEAVES.contains(&e.value.as_slice())) {
        return Err(Unfit::Purpose("it is a CA's, not a client's"));
    }
    if leaf.key_usage().is_none_or(|bits| bits & DIGITAL_SIGNATURE == 0) {
        return Err(Unfit::Purpose("its key usage lacks digitalSignature"));
    }
    let purposes = leaf.extended_key_usage();
    let purposes = purposes.map_err(|_| Unfit::Malformed("its extended key usage is empty or malformed"))?;
    if purposes.contains(&CLIENT_AUTH) {
        Ok(())
    } else {
        Err(Unfit::Purpose("its extended key usage lacks clientAuth"))
    }
}

fn is_valid(ca: &LoadedCa, now: Timestamp) -> bool {
    ca.refuse_revoked().is_ok() && ca.chain.iter().all(|certificate| certificate.is_valid_at(now))
}
