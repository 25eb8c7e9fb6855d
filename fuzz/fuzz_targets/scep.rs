//! What a SCEP client sends before anything is believed: BER, signed and enveloped data, attributes, queries.
#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use signet::enrol::scep::message::Incoming;
use signet::enrol::scep::query::Query;
use signet::x509::ber;
use signet::x509::cms::{DigestAlgorithm, EnvelopedData, SignedData};

fuzz_target!(|data: &[u8]| {
    if let Ok(der) = ber::to_der(data, 64 * 1024) {
        assert!(matches!(ber::to_der(&der, 64 * 1024), Ok(Cow::Borrowed(_))), "what was read is DER");
        if let Ok(enveloped) = EnvelopedData::read(&der) {
            let _ = enveloped.open(&vec![7; enveloped.cipher.key_len()]);
        }
        let _ = SignedData::read(&der);
    }
    if let Ok(incoming) = Incoming::read(data) {
        let _ = incoming.enveloped();
        if let (Ok(signer), Ok(signed)) = (&incoming.signer, incoming.signed()) {
            let digest = incoming.digest.unwrap_or(DigestAlgorithm::Sha256);
            let content = signed.content.unwrap_or_default();
            let key = signer.public_key();
            let _ = key.map(|key| signed.signer.verify(&key, digest, signed.content_type, content));
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Query::read(text).and_then(|query| query.message());
    }
});
