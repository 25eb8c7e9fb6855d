//! Keys that OpenSSL signs with, as a phone does.

use crate::openssl::openssl;

/// A private key in a file.
pub struct Key {
    file: tempfile::NamedTempFile,
    is_rsa: bool,
}

impl Key {
    /// As `openssl genpkey` makes it: `RSA` with `rsa_keygen_bits:2048`, `EC` with `ec_paramgen_curve:P-256` …
    pub fn new(algorithm: &str, option: &str) -> Self {
        let pem = openssl(&["genpkey", "-algorithm", algorithm, "-pkeyopt", option], b"");
        Self::of(&pem, algorithm == "RSA")
    }

    pub fn rsa(bits: u32) -> Self {
        Self::new("RSA", &format!("rsa_keygen_bits:{bits}"))
    }

    pub fn ec(curve: &str) -> Self {
        Self::new("EC", &format!("ec_paramgen_curve:{curve}"))
    }

    fn of(pem: &[u8], is_rsa: bool) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        Self { file, is_rsa }
    }

    pub fn path(&self) -> &str {
        self.file.path().to_str().unwrap()
    }

    /// A PKCS#10 request for this common name, DER.
    pub fn request(&self, common_name: &str) -> Vec<u8> {
        let subject = format!("/CN={common_name}");
        openssl(&["req", "-new", "-key", self.path(), "-subj", &subject, "-outform", "DER"], b"")
    }

    /// The signature of a proof: PKCS#1 type 1 around the bare hash, or ECDSA.
    pub fn prove(&self, digest: &str, message: &[u8]) -> Vec<u8> {
        if !self.is_rsa {
            return self.sign(digest, message);
        }
        let hash = openssl(&["dgst", &format!("-{digest}"), "-binary"], message);
        let padding = ["-pkeyopt", "rsa_padding_mode:pkcs1"];
        openssl(&[&["pkeyutl", "-sign", "-inkey", self.path()], &padding[..]].concat(), &hash)
    }

    /// An everyday signature: with a DigestInfo, if it is RSA.
    pub fn sign(&self, digest: &str, message: &[u8]) -> Vec<u8> {
        openssl(&["dgst", &format!("-{digest}"), "-sign", self.path()], message)
    }
}
