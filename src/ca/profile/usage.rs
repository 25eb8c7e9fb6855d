//! Key usage (RFC 5280 §4.2.1.3) and extended key usage (§4.2.1.12) of a leaf.

use const_oid::ObjectIdentifier;

use crate::ca::profile::attribute;
use crate::error::{Error, Result};
use crate::x509::key::KeyKind;

/// id-kp-serverAuth.
pub const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
/// id-kp-clientAuth.
pub const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// id-kp-OCSPSigning.
pub const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
const ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

const DIGITAL_SIGNATURE: u16 = 1;
const NON_REPUDIATION: u16 = 1 << 1;
const KEY_ENCIPHERMENT: u16 = 1 << 2;
const DATA_ENCIPHERMENT: u16 = 1 << 3;
const KEY_AGREEMENT: u16 = 1 << 4;

/// The bits that only an RSA key can serve.
const RSA_ONLY: u16 = KEY_ENCIPHERMENT | DATA_ENCIPHERMENT;

/// The KeyUsage bits of names. Errors: `key-usage` for a name that no leaf may have.
pub fn key_usage(names: &[String]) -> Result<u16> {
    let mut bits = 0;
    for name in names {
        bits |= match name.as_str() {
            "digitalSignature" => DIGITAL_SIGNATURE,
            "nonRepudiation" | "contentCommitment" => NON_REPUDIATION,
            "keyEncipherment" => KEY_ENCIPHERMENT,
            "dataEncipherment" => DATA_ENCIPHERMENT,
            "keyAgreement" => KEY_AGREEMENT,
            other => {
                let rule = "key usage of a leaf is of digitalSignature, nonRepudiation, keyEncipherment, \
                            dataEncipherment, keyAgreement";
                return Err(Error::invalid("key-usage", format!("{rule}; not {other:.40}")));
            }
        };
    }
    if bits == 0 {
        return Err(Error::invalid("key-usage", "at least one key usage is needed"));
    }
    Ok(bits)
}

/// The bits that a key of `kind` can serve (RFC 3279 §2.3.1, RFC 8813 §3).
pub fn for_key(bits: u16, kind: KeyKind) -> u16 {
    match kind {
        KeyKind::Rsa(_) => bits & !KEY_AGREEMENT,
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => bits & !RSA_ONLY,
    }
}

/// The OIDs of purposes. Errors: `invalid-oid`, `extended-key-usage` (anyExtendedKeyUsage, OCSPSigning
/// beside another, a purpose twice).
pub fn extended_key_usage(names: &[String]) -> Result<Vec<ObjectIdentifier>> {
    let oids = names.iter().map(|n| purpose(n)).collect::<Result<Vec<_>>>()?;
    let bad = |rule| Err(Error::invalid("extended-key-usage", rule));
    if oids.contains(&ANY) {
        return bad("anyExtendedKeyUsage is never issued");
    }
    if oids.contains(&OCSP_SIGNING) && oids.len() > 1 {
        return bad("OCSPSigning stands alone");
    }
    if oids.iter().enumerate().any(|(i, oid)| oids[..i].contains(oid)) {
        return bad("a purpose is named twice");
    }
    Ok(oids)
}

fn purpose(name: &str) -> Result<ObjectIdentifier> {
    match name {
        "serverAuth" => Ok(SERVER_AUTH),
        "clientAuth" => Ok(CLIENT_AUTH),
        "OCSPSigning" => Ok(OCSP_SIGNING),
        "anyExtendedKeyUsage" => Ok(ANY),
        "emailProtection" => attribute::dotted("1.3.6.1.5.5.7.3.4"),
        "ipsecEndSystem" => attribute::dotted("1.3.6.1.5.5.7.3.5"),
        "ipsecTunnel" => attribute::dotted("1.3.6.1.5.5.7.3.6"),
        "ipsecUser" => attribute::dotted("1.3.6.1.5.5.7.3.7"),
        "timeStamping" => attribute::dotted("1.3.6.1.5.5.7.3.8"),
        "eapOverLAN" => attribute::dotted("1.3.6.1.5.5.7.3.14"),
        "ipsecIKE" => attribute::dotted("1.3.6.1.5.5.7.3.17"),
        other => attribute::dotted(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn an_ec_key_has_no_encipherment_and_an_rsa_key_no_agreement() {
        let bits = key_usage(&names(&["digitalSignature", "keyEncipherment", "keyAgreement"])).unwrap();
        assert_eq!(for_key(bits, KeyKind::P256), DIGITAL_SIGNATURE | KEY_AGREEMENT);
        assert_eq!(for_key(bits, KeyKind::Rsa(2048)), DIGITAL_SIGNATURE | KEY_ENCIPHERMENT);
    }

    #[test]
    fn ca_usages_are_refused() {
        for name in ["keyCertSign", "cRLSign", "everything"] {
            assert_eq!(key_usage(&names(&[name])).unwrap_err().code(), "key-usage");
        }
        assert!(key_usage(&[]).is_err());
    }

    #[test]
    fn purposes_keep_to_the_rules() {
        let oids = extended_key_usage(&names(&["clientAuth", "1.3.6.1.5.5.7.3.5"])).unwrap();
        assert_eq!(oids[0], CLIENT_AUTH);
        for bad in [vec!["anyExtendedKeyUsage"], vec!["2.5.29.37.0"], vec!["OCSPSigning", "clientAuth"]] {
            assert_eq!(extended_key_usage(&names(&bad)).unwrap_err().code(), "extended-key-usage");
        }
        assert!(extended_key_usage(&names(&["clientAuth", "1.3.6.1.5.5.7.3.2"])).is_err());
        assert_eq!(extended_key_usage(&names(&["clientauth"])).unwrap_err().code(), "invalid-oid");
    }
}
