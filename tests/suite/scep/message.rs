//! PKIMessages, part by part, so that each part can be spoilt.

use super::der::{content_info, int, octets, oid, printable, seq, set, t};
use super::device::{Device, Hash};
use super::envelope::{DATA, SIGNED_DATA};

pub const MESSAGE_TYPE: &str = "2.16.840.1.113733.1.9.2";
pub const PKI_STATUS: &str = "2.16.840.1.113733.1.9.3";
pub const FAIL_INFO: &str = "2.16.840.1.113733.1.9.4";
pub const SENDER_NONCE: &str = "2.16.840.1.113733.1.9.5";
pub const RECIPIENT_NONCE: &str = "2.16.840.1.113733.1.9.6";
pub const TRANSACTION_ID: &str = "2.16.840.1.113733.1.9.7";
pub const FAIL_INFO_TEXT: &str = "1.3.6.1.5.5.7.24.1";
pub const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
pub const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
pub const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";

/// Attribute type and values.
type Attribute = (&'static str, Vec<Vec<u8>>);

/// A message before it is signed.
#[derive(Clone)]
pub struct Message {
    pub hash: Hash,
    /// What digestAlgorithms lists.
    pub listed: Hash,
    pub content_type: &'static str,
    pub content: Vec<u8>,
    pub certificates: Vec<Vec<u8>>,
    pub attributes: Vec<Attribute>,
    pub unsigned: Vec<Attribute>,
    pub has_signed_attributes: bool,
    /// In DER order, or as they stand.
    pub sorted: bool,
    /// Over the `[0]` bytes, as no one should.
    pub signs_implicit: bool,
    /// Whether digest identifiers have NULL parameters (RFC 3370) or none (RFC 5754).
    pub null_parameters: bool,
    /// RSASSA-PSS instead of PKCS#1 v1.5: the AlgorithmIdentifier, and the digest that openssl signs with.
    pub pss: Option<(Vec<u8>, &'static str)>,
    /// The signer by its subjectKeyIdentifier, or by issuer and serial.
    pub key_id: Option<Vec<u8>>,
    /// Another signatureAlgorithm than the key's own.
    pub signature_algorithm: Option<Vec<u8>>,
}

impl Message {
    /// A message of this type (`19`) around an envelope, signed with `device`'s certificate.
    pub fn new(device: &Device, message_type: &str, transaction: &str, envelope: &[u8]) -> Self {
        let attributes = vec![
            (CONTENT_TYPE, vec![oid(DATA)]),
            (MESSAGE_DIGEST, vec![]),
            (MESSAGE_TYPE, vec![printable(message_type)]),
            (TRANSACTION_ID, vec![printable(transaction)]),
            (SENDER_NONCE, vec![octets(&[0x5a; 16])]),
        ];
        Self {
            hash: Hash::Sha256,
            listed: Hash::Sha256,
            content_type: DATA,
            content: envelope.to_vec(),
            certificates: vec![device.certificate.clone()],
            attributes,
            unsigned: Vec::new(),
            has_signed_attributes: true,
            sorted: true,
            signs_implicit: false,
            null_parameters: true,
            pss: None,
            key_id: None,
            signature_algorithm: None,
        }
    }

    /// The same with another digest.
    pub fn hash(mut self, hash: Hash) -> Self {
        (self.hash, self.listed) = (hash, hash);
        self
    }

    /// The same with other values of an attribute.
    pub fn attribute(mut self, oid: &'static str, values: Vec<Vec<u8>>) -> Self {
        self.attributes.retain(|(o, _)| *o != oid);
        self.attributes.push((oid, values));
        self
    }

    /// The same without an attribute.
    pub fn without(mut self, oid: &str) -> Self {
        self.attributes.retain(|(o, _)| *o != oid);
        self
    }

    /// Signed, as DER.
    pub fn signed_by(&self, device: &Device) -> Vec<u8> {
        self.assemble(&[self.signer_info(device)])
    }

    /// With these SignerInfos.
    pub fn assemble(&self, signers: &[Vec<u8>]) -> Vec<u8> {
        let content = seq(&[&oid(self.content_type), &t(0xa0, &[&octets(&self.content)])]);
        let signed_data = seq(&[
            &int(&[1]),
            &set(&[&self.digest_algorithm(self.listed)]),
            &content,
            &t(0xa0, &[&self.certificates.concat()]),
            &set(&[&signers.concat()]),
        ]);
        content_info(SIGNED_DATA, &signed_data)
    }

    pub fn signer_info(&self, device: &Device) -> Vec<u8> {
        let certificate = signet::x509::cert::Certificate::from_der(&device.certificate).unwrap();
        let by_issuer = super::envelope::issuer_and_serial(&certificate);
        let id = self.key_id.as_ref().map_or(by_issuer, |id| t(0x80, &[id]));
        let attributes = self.signed_attributes();
        let tag = if self.signs_implicit { 0xa0 } else { 0x31 };
        let (algorithm, signature) = self.signature(device, &t(tag, &[&attributes]));
        let signed = t(0xa0, &[&attributes]);
        let unsigned = t(0xa1, &[&encode(&self.unsigned).concat()]);
        seq(&[
            &int(&[1]),
            &id,
            &self.digest_algorithm(self.hash),
            if self.has_signed_attributes { &signed } else { &[] },
            &algorithm,
            &octets(&signature),
            if self.unsigned.is_empty() { &[] } else { &unsigned },
        ])
    }

    fn digest_algorithm(&self, hash: Hash) -> Vec<u8> {
        seq(&[&oid(hash.oid()), if self.null_parameters { &[5, 0] } else { &[] }])
    }

    /// The AlgorithmIdentifier and the signature; PSS by openssl.
    fn signature(&self, device: &Device, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let Some((algorithm, digest)) = &self.pss else {
            let algorithm = self.signature_algorithm.clone();
            let algorithm = algorithm.unwrap_or_else(|| device.key.signer_algorithm());
            return (algorithm, device.key.sign(self.hash, bytes));
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.der");
        std::fs::write(&path, &*device.key.pkcs8).unwrap();
        let signing = ["dgst", digest, "-keyform", "DER", "-sign", path.to_str().unwrap()];
        let padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1"];
        (algorithm.clone(), crate::openssl::openssl(&[&signing[..], &padding].concat(), bytes))
    }

    fn signed_attributes(&self) -> Vec<u8> {
        let mut attributes = self.attributes.clone();
        for (oid, values) in &mut attributes {
            if *oid == MESSAGE_DIGEST && values.is_empty() {
                values.push(octets(&self.hash.digest(&self.content)));
            }
        }
        let mut encoded = encode(&attributes);
        if self.sorted {
            encoded.sort();
        }
        encoded.concat()
    }
}

fn encode(attributes: &[Attribute]) -> Vec<Vec<u8>> {
    let one = |(o, values): &Attribute| seq(&[&oid(o), &set(&[&values.concat()])]);
    attributes.iter().map(one).collect()
}
