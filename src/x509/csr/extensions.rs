//! What a request may ask in its extensions: names; the rest the profile's template decides
//! (CSR-30, -31, -33, -34).

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280 as oids;

use crate::error::{Error, Result};
use crate::x509::cert::{Extension, read_ext};
use crate::x509::san::San;
use crate::x509::tlv::Broken;

/// keyCertSign and cRLSign.
const CA_USAGES: u16 = 1 << 5 | 1 << 6;

/// Purposes that no request may ask: their holder could speak for the CA, for code, or for a person's logon.
const FORBIDDEN_PURPOSES: [ObjectIdentifier; 7] = [
    ObjectIdentifier::new_unwrap("2.5.29.37.0"), // anyExtendedKeyUsage
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9"), // OCSPSigning
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3"), // codeSigning
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8"), // timeStamping
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.2"), // smart card logon
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.1"), // enrolment agent
    ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.5"), // Kerberos KDC
];

/// Extensions that the template writes or leaves out whatever a request asks (CSR-33); known, so
/// that they may be critical.
const IGNORED: [ObjectIdentifier; 21] = [
    ObjectIdentifier::new_unwrap("2.5.29.9"), // subjectDirectoryAttributes
    ObjectIdentifier::new_unwrap("2.5.29.14"), // subjectKeyIdentifier
    ObjectIdentifier::new_unwrap("2.5.29.16"), // privateKeyUsagePeriod
    ObjectIdentifier::new_unwrap("2.5.29.18"), // issuerAltName
    ObjectIdentifier::new_unwrap("2.5.29.30"), // nameConstraints
    ObjectIdentifier::new_unwrap("2.5.29.31"), // cRLDistributionPoints
    ObjectIdentifier::new_unwrap("2.5.29.32"), // certificatePolicies
    ObjectIdentifier::new_unwrap("2.5.29.33"), // policyMappings
    ObjectIdentifier::new_unwrap("2.5.29.35"), // authorityKeyIdentifier
    ObjectIdentifier::new_unwrap("2.5.29.36"), // policyConstraints
    ObjectIdentifier::new_unwrap("2.5.29.46"), // freshestCRL
    ObjectIdentifier::new_unwrap("2.5.29.54"), // inhibitAnyPolicy
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1"), // authorityInfoAccess
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.11"), // subjectInfoAccess
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.24"), // TLS feature
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5"), // ocsp-nocheck
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.3"), // CT poison
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2"), // Microsoft certificate template name
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.21.7"), // Microsoft certificate template
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.21.10"), // Microsoft application policies
    ObjectIdentifier::new_unwrap("2.16.840.1.113730.1.1"), // Netscape certificate type
];

/// Checks the requested extensions; returns the alternative names among them.
pub(super) fn check(extensions: &[Extension]) -> Result<Vec<San>> {
    let mut sans = Vec::new();
    for extension in extensions {
        let value = extension.value.as_slice();
        match extension.oid {
            oids::ID_CE_SUBJECT_ALT_NAME => sans = San::decode_all(value)?,
            oids::ID_CE_KEY_USAGE => check_key_usage(value)?,
            oids::ID_CE_EXT_KEY_USAGE => check_purposes(value)?,
            oids::ID_CE_BASIC_CONSTRAINTS => check_basic_constraints(value)?,
            oid if IGNORED.contains(&oid) => {}
            _ if extension.critical => return Err(Error::bad_csr("unsupported critical extension")),
            _ => {}
        }
    }
    Ok(sans)
}

fn check_key_usage(value: &[u8]) -> Result<()> {
    let usage = read_ext::key_usage(value).map_err(malformed)?;
    if usage & CA_USAGES == 0 { Ok(()) } else { Err(Error::bad_csr("key usage not permitted")) }
}

fn check_purposes(value: &[u8]) -> Result<()> {
    let purposes = read_ext::extended_key_usage(value).map_err(malformed)?;
    if purposes.iter().any(|p| FORBIDDEN_PURPOSES.contains(p)) {
        return Err(Error::bad_csr("EKU not permitted"));
    }
    Ok(())
}

fn check_basic_constraints(value: &[u8]) -> Result<()> {
    let (ca, _) = read_ext::basic_constraints(value).map_err(malformed)?;
    if ca { Err(Error::bad_csr("CA certificate not permitted")) } else { Ok(()) }
}

fn malformed(_: Broken) -> Error {
    Error::bad_csr("malformed extension")
}
