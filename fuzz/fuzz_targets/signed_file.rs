//! Signed and encrypted files from elsewhere, and phones' configurations: what is put in and taken out of them.
#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use signet::keys::{Decrypter, KeyTransport};
use signet::trust::signed::{SRST_CERTIFICATE, SignedFile, companion, insert_srst};
use signet::trust::tlv::FileName;
use signet::x509::cert::Certificate;
use signet::x509::key::PublicKey;
use zeroize::Zeroizing;

/// Opens every wrapped key into the same content key.
#[derive(Debug)]
struct Zeros(PublicKey);

impl Decrypter for Zeros {
    fn public_key(&self) -> &PublicKey {
        &self.0
    }

    fn open_key(&self, _: KeyTransport, _: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(vec![0; len])
    }
}

fn known() -> &'static (Arc<Certificate>, Zeros) {
    static KNOWN: OnceLock<(Arc<Certificate>, Zeros)> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let certificate = Certificate::from_der(include_bytes!("../corpus/csr/cert.der")).expect("a certificate");
        let key = certificate.public_key().expect("a key");
        (Arc::new(certificate), Zeros(key))
    })
}

fuzz_target!(|data: &[u8]| {
    let (certificate, zeros) = known();
    if let Ok(file) = SignedFile::parse(data) {
        assert!(file.verify(certificate).is_err(), "nobody has its key");
        assert_eq!(file.is_encrypted(), file.content().is_none());
        assert_eq!(file.is_encrypted(), file.content_key(zeros).is_ok());
        if let Ok(content) = file.open(zeros) {
            assert!(content.len() < data.len());
        }
        assert!(file.content_name().is_some_and(|name| FileName::parse(name.as_str()).is_ok()));
    }
    if let Ok(beside) = companion(data, certificate) {
        assert!(companion(&beside, certificate).is_ok_and(|again| again.len() <= beside.len()));
    }
    if let Ok(once) = insert_srst(data, certificate, SRST_CERTIFICATE) {
        assert!(insert_srst(&once, certificate, SRST_CERTIFICATE).is_ok_and(|twice| twice == once));
    }
});
