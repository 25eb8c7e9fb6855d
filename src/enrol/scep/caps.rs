//! GetCACaps (RFC 8894 §3.5.1): what the profile allows, exactly spelled.

use crate::enrol::scep::service::Service;
use crate::x509::cms::{ContentCipher, DigestAlgorithm};

/// The capabilities, one a line. SHA-384 is no keyword of the RFC, but strongSwan 5.9.8 offers AES only when it
/// sees one; GetNextCACert is left out while there is no next CA to give.
pub fn capabilities(service: &Service, has_next_ca: bool) -> String {
    let cipher = |wanted: &[ContentCipher]| service.ciphers().any(|c| wanted.contains(&c));
    let digest = |wanted: DigestAlgorithm| service.digests().any(|d| d == wanted);
    let aes = cipher(&[ContentCipher::Aes128, ContentCipher::Aes192, ContentCipher::Aes256]);
    let keywords = [
        ("AES", aes),
        ("DES3", cipher(&[ContentCipher::TripleDes])),
        ("GetNextCACert", has_next_ca),
        ("POSTPKIOperation", true),
        ("Renewal", true),
        // The RFC's umbrella word: AES, SHA-256 and POST.
        ("SCEPStandard", aes && digest(DigestAlgorithm::Sha256)),
        ("SHA-1", digest(DigestAlgorithm::Sha1)),
        ("SHA-256", digest(DigestAlgorithm::Sha256)),
        ("SHA-384", digest(DigestAlgorithm::Sha384)),
        ("SHA-512", digest(DigestAlgorithm::Sha512)),
    ];
    keywords.iter().filter(|(_, offered)| *offered).map(|(keyword, _)| format!("{keyword}\n")).collect()
}
