//! Builds requests from bytes, so that any part of one can be wrong.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
    RsaKeyPair,
};
use signet::x509::csr::{Csr, Leniency};
use signet::x509::key::{Digest, KeyKind, signature_algorithm};
use signet::x509::tlv::{self, join, push, tlv};

pub const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";
pub const MS_EXTENSIONS: &str = "1.3.6.1.4.1.311.2.1.14";

pub fn ec_key() -> &'static EcdsaKeyPair {
    static KEY: OnceLock<EcdsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
}

pub fn rsa_key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
}

pub fn ec_spki() -> Vec<u8> {
    ec_key().public_key().as_der().unwrap().as_ref().to_vec()
}

pub fn rsa_spki() -> Vec<u8> {
    let rsa = join(tlv::SEQUENCE, &[&oid("1.2.840.113549.1.1.1"), &[tlv::NULL, 0]]);
    join(tlv::SEQUENCE, &[&rsa, &tlv::bits(rsa_key().public_key().as_ref())])
}

pub fn oid(text: &str) -> Vec<u8> {
    tlv::object_identifier(&const_oid::ObjectIdentifier::new(text).unwrap())
}

/// One attribute with these values.
pub fn attribute(kind: &str, values: &[&[u8]]) -> Vec<u8> {
    join(tlv::SEQUENCE, &[&oid(kind), &join(tlv::SET, values)])
}

/// One extension.
pub fn extension(kind: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[tlv::BOOLEAN, 1, 0xff] } else { &[] };
    join(tlv::SEQUENCE, &[&oid(kind), critical, &tlv(tlv::OCTET_STRING, value)])
}

/// A SAN extension that holds these GeneralNames.
pub fn san(names: &[Vec<u8>]) -> Vec<u8> {
    extension("2.5.29.17", false, &tlv(tlv::SEQUENCE, &names.concat()))
}

pub fn dns(name: &str) -> Vec<u8> {
    tlv(0x82, name.as_bytes())
}

/// A subject with one common name of the given string type.
pub fn common_name(tag: u8, content: &[u8]) -> Vec<u8> {
    let attribute = join(tlv::SEQUENCE, &[&oid("2.5.4.3"), &tlv(tag, content)]);
    tlv(tlv::SEQUENCE, &tlv(tlv::SET, &attribute))
}

/// A request in parts.
pub struct Request {
    pub version: Vec<u8>,
    pub subject: Vec<u8>,
    pub spki: Vec<u8>,
    pub attributes: Vec<Vec<u8>>,
}

impl Request {
    /// A good one: P-256, a common name, nothing else.
    pub fn new() -> Self {
        Self {
            version: vec![0],
            subject: common_name(tlv::UTF8_STRING, b"device-1"),
            spki: ec_spki(),
            attributes: Vec::new(),
        }
    }

    pub fn subject(mut self, der: Vec<u8>) -> Self {
        self.subject = der;
        self
    }

    pub fn spki(mut self, der: Vec<u8>) -> Self {
        self.spki = der;
        self
    }

    pub fn attribute(mut self, der: Vec<u8>) -> Self {
        self.attributes.push(der);
        self
    }

    pub fn extensions(self, list: &[Vec<u8>]) -> Self {
        let value = tlv(tlv::SEQUENCE, &list.concat());
        self.attribute(attribute(EXTENSION_REQUEST, &[&value]))
    }

    /// CertificationRequestInfo.
    pub fn info(&self) -> Vec<u8> {
        let attributes = tlv(0xa0, &self.attributes.concat());
        join(tlv::SEQUENCE, &[&tlv(tlv::INTEGER, &self.version), &self.subject, &self.spki, &attributes])
    }

    /// The request, signed with the P-256 key.
    pub fn sign(&self) -> Vec<u8> {
        let info = self.info();
        let signature = ec_key().sign(&SystemRandom::new(), &info).unwrap();
        assemble(&info, &signature_algorithm(KeyKind::P256, Digest::Sha256), signature.as_ref())
    }

    /// The request, signed with the RSA key under any AlgorithmIdentifier.
    pub fn sign_rsa(&self, algorithm: &[u8], padding: &'static dyn RsaEncoding) -> Vec<u8> {
        let info = self.info();
        let mut signature = vec![0; rsa_key().public_modulus_len()];
        rsa_key().sign(padding, &SystemRandom::new(), &info, &mut signature).unwrap();
        assemble(&info, algorithm, &signature)
    }

    /// What reading it says.
    pub fn refusal(&self) -> String {
        refusal(&self.sign())
    }
}

/// A good RSA request.
pub fn rsa_request() -> Vec<u8> {
    let request = Request::new().spki(rsa_spki());
    request.sign_rsa(&signature_algorithm(KeyKind::Rsa(2048), Digest::Sha256), &RSA_PKCS1_SHA256)
}

/// An RSA-PSS request under these parameters; the signature itself is a good one.
pub fn pss_request(parameters: &[u8]) -> Vec<u8> {
    let algorithm = join(tlv::SEQUENCE, &[&oid("1.2.840.113549.1.1.10"), parameters]);
    Request::new().spki(rsa_spki()).sign_rsa(&algorithm, &RSA_PSS_SHA256)
}

pub fn assemble(info: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut content = [info, algorithm].concat();
    push(&mut content, tlv::BIT_STRING, &[&[0], signature].concat());
    tlv(tlv::SEQUENCE, &content)
}

/// Why a request from a device is refused.
pub fn refusal(bytes: &[u8]) -> String {
    match Csr::read(bytes, Leniency::Device) {
        Ok(csr) => panic!("{csr:?} was accepted"),
        Err(e) => {
            assert_eq!(e.code(), "bad-csr", "{e}");
            e.detail().to_owned()
        }
    }
}

pub fn read(bytes: &[u8]) -> Csr {
    Csr::read(bytes, Leniency::Device).unwrap()
}
