//! Keys and certificates of an estate that is none: made once, named by what they are for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use der::Decode;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256,
    RsaKeySize, SerialNumber,
};
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pkcs8::DecodePrivateKey;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// What a certificate's key is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
}

/// A self-signed certificate with its key.
pub struct Key {
    pub der: Vec<u8>,
    pub serial: Vec<u8>,
    pub name: String,
    pub pkcs8: Vec<u8>,
    /// PKCS#1, as a record has it; the point of an EC key.
    pub public: Vec<u8>,
    /// The one on its certificate.
    pub signature: Vec<u8>,
    rsa: Option<RsaPrivateKey>,
}

/// The one of this name, RSA-2048.
pub fn key(name: &str) -> Arc<Key> {
    of(name, Sort::Rsa2048)
}

/// The one of this name.
pub fn of(name: &str, sort: Sort) -> Arc<Key> {
    static MADE: OnceLock<Mutex<HashMap<String, Arc<Key>>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().unwrap();
    let key = made.entry(name.to_owned()).or_insert_with(|| Arc::new(Key::new(name, name, sort)));
    Arc::clone(key)
}

impl Key {
    /// The serial number is made of `number`.
    pub fn new(name: &str, number: &str, sort: Sort) -> Self {
        let pair = match sort {
            Sort::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
            Sort::Rsa3072 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072),
            Sort::Rsa4096 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096),
            Sort::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        }
        .unwrap();
        let serial = [&[1], &Sha256::digest(number)[..8]].concat();
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, name);
        (params.distinguished_name, params.serial_number) =
            (subject, Some(SerialNumber::from_slice(&serial)));
        let der = params.self_signed(&pair).unwrap().der().to_vec();
        let pkcs8 = pair.serialize_der();
        let signature = x509_cert::Certificate::from_der(&der).unwrap().signature().raw_bytes().to_vec();
        let rsa = (sort != Sort::P256).then(|| RsaPrivateKey::from_pkcs8_der(&pkcs8).unwrap());
        let (name, public) = (format!("CN={name}"), pair.public_key_raw().to_vec());
        Self { der, serial, name, pkcs8, public, signature, rsa }
    }

    /// A PKCS#1 v1.5 signature by the digest of this number: 1 SHA-1, 2 SHA-256, 3 SHA-512. An EC key gives noise.
    pub fn sign(&self, digest: u8, message: &[u8]) -> Vec<u8> {
        let Some(rsa) = &self.rsa else { return vec![7; 256] };
        let (hash, prefix) = match digest {
            1 => (Sha1::digest(message).to_vec(), "3021300906052b0e03021a05000414"),
            2 => (Sha256::digest(message).to_vec(), "3031300d060960864801650304020105000420"),
            _ => (Sha512::digest(message).to_vec(), "3051300d060960864801650304020305000440"),
        };
        let prefix =
            (0..prefix.len()).step_by(2).map(|at| u8::from_str_radix(&prefix[at..at + 2], 16).unwrap());
        let scheme = Pkcs1v15Sign { hash_len: Some(hash.len()), prefix: prefix.collect() };
        rsa.sign(scheme, &hash).unwrap()
    }

    /// How a header numbers its modulus.
    pub fn modulus(&self) -> u8 {
        match self.sign_len() {
            512 => 3,
            _ => 2,
        }
    }

    /// How long its signatures are.
    pub fn sign_len(&self) -> usize {
        use rsa::traits::PublicKeyParts;
        self.rsa.as_ref().map_or(256, PublicKeyParts::size)
    }
}
