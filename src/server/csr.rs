//! The certification request of one of our own keys (RFC 2986).

use crate::error::Result;
use crate::keys::Signer;
use crate::x509::cert::assemble;
use crate::x509::csr::{Csr, Leniency};
use crate::x509::key::signature_algorithm;
use crate::x509::name::Name;
use crate::x509::san::San;
use crate::x509::tlv::{join, object_identifier, tlv};

/// pkcs-9-at-extensionRequest (RFC 2985 §5.4.2).
const EXTENSION_REQUEST: const_oid::ObjectIdentifier =
    const_oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
/// id-ce-subjectAltName.
const SUBJECT_ALT_NAME: const_oid::ObjectIdentifier = const_oid::ObjectIdentifier::new_unwrap("2.5.29.17");

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OCTET_STRING: u8 = 0x04;
const ATTRIBUTES: u8 = 0xa0;
const VERSION_0: &[u8] = &[0x02, 0x01, 0x00];

/// A request for `signer`'s key, signed by it. Blocking and CPU-bound. Errors: `internal`.
pub fn request(signer: &dyn Signer, subject: &Name, sans: &[San]) -> Result<Csr> {
    let attributes = if sans.is_empty() { Vec::new() } else { extension_request(sans)? };
    let attributes = tlv(ATTRIBUTES, &attributes);
    let info = join(SEQUENCE, &[VERSION_0, subject.der(), signer.public_key().spki(), &attributes]);
    let digest = signer.default_digest();
    let algorithm = signature_algorithm(signer.public_key().kind(), digest);
    let signature = signer.sign(digest, &info)?;
    Csr::from_der(&assemble(&info, &algorithm, &signature)?, Leniency::Strict)
}

fn extension_request(sans: &[San]) -> Result<Vec<u8>> {
    let value = tlv(OCTET_STRING, &San::encode_all(sans)?);
    let extension = join(SEQUENCE, &[&object_identifier(&SUBJECT_ALT_NAME), &value]);
    let values = tlv(SET, &tlv(SEQUENCE, &extension));
    Ok(join(SEQUENCE, &[&object_identifier(&EXTENSION_REQUEST), &values]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyStore;
    use crate::keys::software::Vault;
    use crate::random::Random;
    use crate::x509::key::KeyAlgorithm;

    #[test]
    fn our_own_request_is_read_like_anyone_elses() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::create(dir.path(), "password", &Random::system()).unwrap();
        let signer = vault.generate(&"tls-1".parse().unwrap(), KeyAlgorithm::P256).unwrap();
        let subject = Name::parse("CN=Signet").unwrap();
        let sans = [San::Dns("pki.example.org".into()), San::Ip("127.0.0.1".parse().unwrap())];
        let csr = request(&*signer, &subject, &sans).unwrap();
        assert_eq!(csr.subject(), &subject);
        assert_eq!(csr.sans(), &sans);
        assert_eq!(csr.public_key(), signer.public_key());
        assert!(request(&*signer, &subject, &[]).unwrap().sans().is_empty());
    }
}
