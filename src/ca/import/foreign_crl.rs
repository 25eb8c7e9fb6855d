//! The last CRL of a CA that moves in: whose it is, and whether all that was revoked can be read from it.

use const_oid::db::rfc5280 as oids;

use super::old_signature;
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;
use crate::x509::crl::Crl;
use crate::x509::tlv::{self, Reader};

/// `[0] DistributionPointName` of an IssuingDistributionPoint (RFC 5280 §5.2.5).
const PLACE: u8 = 0xa0;
/// `[4] IMPLICIT BOOLEAN` indirectCRL of an IssuingDistributionPoint (RFC 5280 §5.2.5).
const INDIRECT: u8 = 0x84;
/// onlyContainsCACerts.
const CA_CERTIFICATES: u8 = 0x82;
/// onlySomeReasons.
const SOME_REASONS: u8 = 0x83;
/// onlyContainsAttributeCerts.
const ATTRIBUTE_CERTIFICATES: u8 = 0x85;

/// Reads the last CRL of a CA that moves in: as [`whole`], and a higher number can be given here.
/// Errors: those of [`whole`]; `bad-crl` for a number over 64 bits.
pub fn read(bytes: &[u8], ca: &Certificate) -> Result<Crl> {
    let crl = whole(bytes, ca)?;
    if crl.number().is_none() && crl.extensions().iter().any(|e| e.oid == oids::ID_CE_CRL_NUMBER) {
        return Err(Error::invalid(
            "bad-crl",
            "its CRL number is over 64 bits: no higher one can be given here",
        ));
    }
    Ok(crl)
}

/// Reads a CRL (PEM or DER, at most 64 MiB) and holds it against the CA's certificate.
/// Errors: `bad-crl`, `foreign-crl` of another issuer or key, `partial-crl` for a delta or an indirect CRL.
pub fn whole(bytes: &[u8], ca: &Certificate) -> Result<Crl> {
    let crl = Crl::read(bytes)?;
    if !crl.issuer().matches(ca.subject()) {
        return Err(foreign(format!("it was issued by {}, not by this CA", crl.issuer())));
    }
    if !old_signature::is_crl_of(&crl, ca) {
        return Err(foreign("its signature is not by this CA's key".to_owned()));
    }
    if crl.extensions().iter().any(|e| e.oid == oids::ID_CE_DELTA_CRL_INDICATOR) {
        return Err(partial("a delta CRL tells only what changed: give the full one"));
    }
    if crl
        .extensions()
        .iter()
        .any(|e| e.oid == oids::ID_CE_ISSUING_DISTRIBUTION_POINT && is_partial(&e.value))
    {
        return Err(partial(
            "its issuing distribution point says that it is indirect or has a part of the entries alone: give this CA's \
             own, full CRL",
        ));
    }
    Ok(crl)
}

/// Whether its issuing distribution point names a place (distributionPoint, RFC 5280 §5.2.5): then it lists the
/// certificates alone that name the same place, and nothing in it says whether those are all of the CA's.
pub fn names_a_place(crl: &Crl) -> bool {
    let mut points = crl.extensions().iter().filter(|e| e.oid == oids::ID_CE_ISSUING_DISTRIBUTION_POINT);
    points.any(|point| {
        let Ok(point) = tlv::single(&point.value, tlv::SEQUENCE) else { return true };
        let mut fields = Reader::new(point.content);
        std::iter::from_fn(|| fields.any().ok()).any(|field| field.tag == PLACE)
    })
}

/// Whether the point limits the list to some certificates or reasons, or takes in those of other CAs (RFC 5280 §5.2.5).
/// A list of user certificates alone is whole for us: a CA's own are no records. One that cannot be read counts.
fn is_partial(value: &[u8]) -> bool {
    let Ok(point) = tlv::single(value, tlv::SEQUENCE) else { return true };
    let mut fields = Reader::new(point.content);
    while !fields.is_empty() {
        match fields.any() {
            Ok(field) if field.tag == SOME_REASONS => return true,
            Ok(field) if [CA_CERTIFICATES, INDIRECT, ATTRIBUTE_CERTIFICATES].contains(&field.tag) => {
                if field.content != [0] {
                    return true;
                }
            }
            Ok(_) => {}
            Err(_) => return true,
        }
    }
    false
}

fn foreign(detail: String) -> Error {
    Error::invalid("foreign-crl", detail)
}

fn partial(detail: &str) -> Error {
    Error::invalid("partial-crl", detail)
}
