//! Builders of extension values, each with the criticality of RFC 5280 §4.2.

use const_oid::db::rfc5280 as oids;
use const_oid::db::rfc5912::{ID_AD_CA_ISSUERS, ID_AD_OCSP, ID_PE_AUTHORITY_INFO_ACCESS};

use super::{Extension, ObjectIdentifier};
use crate::error::{Error, Result};
use crate::x509::san::San;
use crate::x509::tlv;

/// id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1).
const OCSP_NOCHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");
/// The longest URL in an extension, in octets.
const MAX_URL: usize = 1024;

/// BasicConstraints, critical. Errors: `internal` for a path length without CA:TRUE.
pub fn basic_constraints(ca: bool, path_len: Option<u8>) -> Result<Extension> {
    if !ca && path_len.is_some() {
        return Err(Error::internal("a path length without CA:TRUE"));
    }
    let flag: &[u8] = if ca { &[tlv::BOOLEAN, 1, 0xff] } else { &[] };
    let path_len = path_len.map(|n| tlv::unsigned(u64::from(n))).unwrap_or_default();
    Ok(critical(oids::ID_CE_BASIC_CONSTRAINTS, tlv::join(tlv::SEQUENCE, &[flag, &path_len])))
}

/// KeyUsage, critical; 9 bits, bit 0 (digitalSignature) lowest. Errors: `internal` for no bit or a tenth.
pub fn key_usage(bits: u16) -> Result<Extension> {
    if bits == 0 || bits >= 1 << 9 {
        return Err(Error::internal("key usage needs one to nine bits"));
    }
    // A named bit list: no trailing zero bits (X.690 §11.2.2).
    let octets = bits.reverse_bits().to_be_bytes();
    let unused = octets[usize::from(bits > 0xff)].trailing_zeros() as u8;
    let used = if bits > 0xff { &octets[..] } else { &octets[..1] };
    Ok(critical(oids::ID_CE_KEY_USAGE, tlv::join(tlv::BIT_STRING, &[&[unused], used])))
}

/// ExtendedKeyUsage, not critical. Errors: `internal` for none.
pub fn extended_key_usage(purposes: &[ObjectIdentifier]) -> Result<Extension> {
    if purposes.is_empty() {
        return Err(Error::internal("extended key usage needs a purpose"));
    }
    let list: Vec<u8> = purposes.iter().flat_map(tlv::object_identifier).collect();
    Ok(plain(oids::ID_CE_EXT_KEY_USAGE, tlv::tlv(tlv::SEQUENCE, &list)))
}

/// SubjectAltName, critical only if the subject is empty.
pub fn subject_alt_name(sans: &[San], is_critical: bool) -> Result<Extension> {
    let value = San::encode_all(sans)?;
    Ok(Extension { oid: oids::ID_CE_SUBJECT_ALT_NAME, critical: is_critical, value })
}

/// SubjectKeyIdentifier.
pub fn subject_key_id(id: &[u8]) -> Result<Extension> {
    Ok(plain(oids::ID_CE_SUBJECT_KEY_IDENTIFIER, tlv::tlv(tlv::OCTET_STRING, id)))
}

/// AuthorityKeyIdentifier with the key identifier alone.
pub fn authority_key_id(id: &[u8]) -> Result<Extension> {
    let value = tlv::tlv(tlv::SEQUENCE, &tlv::tlv(0x80, id));
    Ok(plain(oids::ID_CE_AUTHORITY_KEY_IDENTIFIER, value))
}

/// CRLDistributionPoints with one URL.
pub fn crl_distribution_point(url: &str) -> Result<Extension> {
    Ok(plain(oids::ID_CE_CRL_DISTRIBUTION_POINTS, distribution_points(url)?))
}

/// FreshestCRL of a complete CRL: where its delta CRLs are (RFC 5280 §5.2.6).
pub fn freshest_crl(url: &str) -> Result<Extension> {
    Ok(plain(oids::ID_CE_FRESHEST_CRL, distribution_points(url)?))
}

/// IssuingDistributionPoint of a CRL that is about the certificates which name one of `urls` alone (RFC 5280 §5.2.5).
pub fn issuing_distribution_point(urls: &[String]) -> Result<Extension> {
    let names = urls.iter().map(|url| url_name(url)).collect::<Result<Vec<_>>>()?.concat();
    let point = tlv::tlv(0xa0, &tlv::tlv(0xa0, &names));
    Ok(critical(oids::ID_CE_ISSUING_DISTRIBUTION_POINT, tlv::tlv(tlv::SEQUENCE, &point)))
}

/// CRLDistributionPoints: one point with one full name.
fn distribution_points(url: &str) -> Result<Vec<u8>> {
    let full_name = tlv::tlv(0xa0, &url_name(url)?);
    let point = tlv::tlv(tlv::SEQUENCE, &tlv::tlv(0xa0, &full_name));
    Ok(tlv::tlv(tlv::SEQUENCE, &point))
}

/// AuthorityInfoAccess with the CA issuers URL and, if given, the OCSP URL.
pub fn authority_info_access(ca_issuers: &str, ocsp: Option<&str>) -> Result<Extension> {
    let description = |method: &ObjectIdentifier, url: &str| -> Result<Vec<u8>> {
        Ok(tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(method), &url_name(url)?]))
    };
    let mut list = Vec::with_capacity(128);
    if let Some(url) = ocsp {
        list.extend(description(&ID_AD_OCSP, url)?);
    }
    list.extend(description(&ID_AD_CA_ISSUERS, ca_issuers)?);
    Ok(plain(ID_PE_AUTHORITY_INFO_ACCESS, tlv::tlv(tlv::SEQUENCE, &list)))
}

/// id-pkix-ocsp-nocheck (NULL, not critical).
pub fn ocsp_nocheck() -> Result<Extension> {
    Ok(plain(OCSP_NOCHECK, vec![tlv::NULL, 0]))
}

/// uniformResourceIdentifier, an IA5String.
fn url_name(url: &str) -> Result<Vec<u8>> {
    let fits = (1..=MAX_URL).contains(&url.len()) && url.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        Ok(tlv::tlv(0x86, url.as_bytes()))
    } else {
        Err(Error::internal("a URL that is not plain ASCII"))
    }
}

fn critical(oid: ObjectIdentifier, value: Vec<u8>) -> Extension {
    Extension { oid, critical: true, value }
}

fn plain(oid: ObjectIdentifier, value: Vec<u8>) -> Extension {
    Extension { oid, critical: false, value }
}
