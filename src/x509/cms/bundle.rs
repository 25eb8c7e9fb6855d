//! Certificates that came together: what "PKCS#7" files hold (RFC 2315 §9.1, RFC 5652 §5.1).

use super::oid;
use super::signed::content_info;
use super::unreadable;
use crate::error::{Error, Result};
use crate::x509::ber;
use crate::x509::tlv::{self, Reader};

/// So many bytes are read.
const LARGEST: usize = 16 << 20;

/// The certificates in a SignedData (BER or DER), DER, in their order; whether anybody signed it is not asked. Errors: `bad-ber`,
/// `bad-cms`, also for more than `most` certificates.
pub fn certificates(bytes: &[u8], most: usize) -> Result<Vec<Vec<u8>>> {
    let der = ber::to_der(bytes, LARGEST)?;
    let (content_type, content) = content_info(&der).map_err(unreadable("ContentInfo"))?;
    if content_type != oid::SIGNED_DATA {
        return Err(Error::malformed("bad-cms", "outer content must be signedData"));
    }
    let broken = unreadable("SignedData");
    let mut fields = tlv::single(content, tlv::SEQUENCE).map(|s| Reader::new(s.content)).map_err(&broken)?;
    fields.expect(tlv::INTEGER).map_err(&broken)?;
    fields.expect(tlv::SET).map_err(&broken)?;
    fields.expect(tlv::SEQUENCE).map_err(&broken)?;
    let set = fields.optional(0xa0).map_err(&broken)?;
    let (mut set, mut found) = (Reader::new(set.map_or(&[][..], |set| set.content)), Vec::new());
    while !set.is_empty() {
        let element = set.any().map_err(&broken)?;
        if found.len() == most {
            return Err(Error::malformed("bad-cms", format!("more than {most} certificates")));
        }
        // Other choices (attribute certificates) are of no use here.
        if element.tag == tlv::SEQUENCE {
            found.push(element.whole.to_vec());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::pem::pkcs7_certs_only;

    #[test]
    fn a_bundle_is_read_back_at_most_so_far_and_never_cut() {
        let one = tlv::tlv(tlv::SEQUENCE, &[5, 0]);
        let bundle = pkcs7_certs_only(&[&one, &one]).unwrap();
        assert_eq!(certificates(&bundle, 2).unwrap(), [one.clone(), one]);
        assert!(certificates(&bundle, 1).is_err());
        for length in 0..bundle.len() {
            assert!(certificates(&bundle[..length], 2).is_err(), "{length}");
        }
    }
}
