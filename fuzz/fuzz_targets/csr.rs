//! Everything that reads X.509 bytes from outside: requests, certificates, CRLs, names, keys, PEM.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signet::x509::cert::Certificate;
use signet::x509::cms;
use signet::x509::crl::Crl;
use signet::x509::csr::{Csr, Leniency};
use signet::x509::key::PublicKey;
use signet::x509::name::Name;
use signet::x509::pem;
use signet::x509::san::San;

fuzz_target!(|data: &[u8]| {
    for leniency in [Leniency::Strict, Leniency::Device] {
        if let Ok(csr) = Csr::read(data, leniency) {
            let written = (!csr.sans().is_empty()).then(|| San::encode_all(csr.sans()));
            let again = written.map(|der| der.and_then(|der| San::decode_all(&der)));
            assert!(again.is_none_or(|sans| sans.is_ok_and(|sans| sans == csr.sans())));
        }
    }
    if let Ok(name) = Name::from_der(data) {
        let attributes: Vec<_> = name.attributes().cloned().collect();
        let _ = (name.to_string(), name.matches(&name));
        if let Ok(written) = Name::from_attributes(&attributes) {
            assert!(Name::parse(&written.to_string()).is_ok_and(|n| n.matches(&written)));
        }
    }
    if let Ok(cert) = Certificate::read(data) {
        let _ = (cert.is_ca(), cert.path_len(), cert.key_usage(), cert.extended_key_usage(), cert.sans());
        let _ = (cert.subject_key_id(), cert.authority_key_id(), cert.is_self_signed(), cert.pem());
    }
    if let Ok(crl) = Crl::read(data) {
        let _ = (crl.number(), crl.authority_key_id(), format!("{crl:?}"));
    }
    let bundle = cms::certificates(data, 4);
    assert!(bundle.is_err() || bundle.is_ok_and(|found| found.len() <= 4));
    let _ = PublicKey::from_spki(data);
    let _ = pem::decode_all(data, 4);
    let _ = San::decode_all(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = (Name::parse(text), San::parse(text));
    }
});
