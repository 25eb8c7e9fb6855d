//! What a SCEP client sends before anything is believed: BER, signed and enveloped data, attributes, queries.
#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use signet::enrol::scep::message::Incoming;
use signet::enrol::scep::query::Query;
use signet::random::Random;
use signet::x509::ber;
use signet::x509::cms::ContentCipher::Aes128;
use signet::x509::cms::write::{To, crl_only, envelop};
use signet::x509::cms::{CertificateId, DigestAlgorithm, EnvelopedData, SignedData};
use signet::x509::csr::{Csr, Leniency};

fuzz_target!(|data: &[u8]| {
    if let Ok(der) = ber::to_der(data, 64 * 1024) {
        assert!(matches!(ber::to_der(&der, 64 * 1024), Ok(Cow::Borrowed(_))), "what was read is DER");
        if let Ok(enveloped) = EnvelopedData::read(&der) {
            let (content, good) = enveloped.open_blindly(&vec![7; enveloped.cipher.key_len()]);
            inside(&content);
            assert_eq!(enveloped.open(&vec![7; enveloped.cipher.key_len()]).is_some(), bool::from(good));
        }
        let _ = SignedData::read(&der);
        inside(&der);
    }
    if let Ok(incoming) = Incoming::read(data) {
        let _ = incoming.enveloped();
        if let (Ok(signer), Ok(signed)) = (&incoming.signer, incoming.signed()) {
            let digest = incoming.digest.unwrap_or(DigestAlgorithm::Sha256);
            let content = signed.content.unwrap_or_default();
            let key = signer.public_key();
            let _ = key.map(|key| signed.signer.verify(&key, digest, signed.content_type, content));
            // Whoever signed, a reply is written for him or refused.
            let _ = envelop(To::Certificate(signer), incoming.cipher.unwrap_or(Aes128), data, &Random::system());
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Query::read(text).and_then(|query| query.message());
    }
});

/// What may stand in an envelope: a request, or the name of a certificate; and what is written around a CRL is DER.
fn inside(content: &[u8]) {
    let Ok(der) = ber::to_der(content, 64 * 1024) else { return };
    if let Ok(csr) = Csr::from_der(&der, Leniency::Device) {
        let _ = Csr::from_envelope(&der, Leniency::Device, csr.public_key());
    }
    let _ = CertificateId::issuer_and_serial(&der);
    // What is nested too deeply around it is refused.
    if let Ok(written) = ber::to_der(&crl_only(&der), 1 << 17) {
        assert!(matches!(written, Cow::Borrowed(_)), "what is written is DER");
    }
}
