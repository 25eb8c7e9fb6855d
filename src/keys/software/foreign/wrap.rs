//! PKCS#1 (RFC 8017 §A.1.2) and SEC 1 (RFC 5915) keys as PKCS#8 (RFC 5958).

use const_oid::db::rfc5912::{ID_EC_PUBLIC_KEY, RSA_ENCRYPTION};
use zeroize::Zeroizing;

use super::bad_key;
use crate::error::Result;
use crate::x509::tlv::{self, Reader};

/// An RSAPrivateKey as PKCS#8. Errors: `bad-key` if it is not one element.
pub fn pkcs1(der: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    tlv::single(der, tlv::SEQUENCE).map_err(|_| bad_key("it is not PKCS#1"))?;
    Ok(private_key_info(&tlv::object_identifier(&RSA_ENCRYPTION), &[tlv::NULL, 0], der))
}

/// An ECPrivateKey as PKCS#8; its parameters must name the curve. Errors: `bad-key`.
pub fn sec1(der: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let bad = |_| bad_key("it is not an EC key that names its curve");
    let mut fields = Reader::new(tlv::single(der, tlv::SEQUENCE).map_err(bad)?.content);
    fields.expect(tlv::INTEGER).map_err(bad)?;
    fields.expect(tlv::OCTET_STRING).map_err(bad)?;
    let parameters = fields.expect(0xa0).map_err(bad)?;
    let curve = tlv::single(parameters.content, tlv::OID).map_err(bad)?;
    Ok(private_key_info(&tlv::object_identifier(&ID_EC_PUBLIC_KEY), curve.whole, der))
}

fn private_key_info(oid: &[u8], parameters: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let algorithm = tlv::join(tlv::SEQUENCE, &[oid, parameters]);
    let key = Zeroizing::new(tlv::tlv(tlv::OCTET_STRING, key));
    Zeroizing::new(tlv::join(tlv::SEQUENCE, &[&tlv::unsigned(0), &algorithm, &key]))
}
