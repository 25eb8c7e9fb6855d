//! What a client makes of a CertRep.

use signet::x509::cert::Certificate;
use signet::x509::cms::{DigestAlgorithm, EnvelopedData, Recipient, SignedData};
use signet::x509::tlv::{self, Reader};

use super::device::Device;
use super::message::{
    FAIL_INFO, FAIL_INFO_TEXT, MESSAGE_TYPE, PKI_STATUS, RECIPIENT_NONCE, SENDER_NONCE, TRANSACTION_ID,
};

/// A reply whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertRep {
    pub status: String,
    pub fail_info: Option<String>,
    pub text: Option<String>,
    pub transaction: String,
    pub sender_nonce: Vec<u8>,
    pub recipient_nonce: Option<Vec<u8>>,
    pub digest: String,
    /// The envelope, if there is one: an eContent is always there, and empty without it.
    pub content: Option<Vec<u8>>,
}

impl CertRep {
    /// Reads it and checks the signature of the certificate inside.
    pub fn read(der: &[u8]) -> Self {
        let signed = SignedData::read(der).unwrap();
        let certificates: Vec<_> =
            signed.certificates.iter().map(|c| Certificate::from_der(c).unwrap()).collect();
        let signer = signed.signer.certificate(&certificates).unwrap();
        let digest = DigestAlgorithm::from_oid(signed.signer.digest).unwrap();
        let content = signed.content.unwrap_or_default();
        let key = signer.public_key().unwrap();
        signed.signer.verify(&key, digest, signed.content_type, content).unwrap();
        let attributes = signed.signer.signed_attributes.as_ref().unwrap();
        let value = |oid: &str| {
            let value = attributes.single(oid.parse().unwrap()).unwrap();
            value.map(|v| v.content.to_vec())
        };
        let text = |oid: &str| value(oid).map(|v| String::from_utf8(v).unwrap());
        assert_eq!(text(MESSAGE_TYPE).as_deref(), Some("3"));
        Self {
            status: text(PKI_STATUS).unwrap(),
            fail_info: text(FAIL_INFO),
            text: text(FAIL_INFO_TEXT),
            transaction: text(TRANSACTION_ID).unwrap(),
            sender_nonce: value(SENDER_NONCE).unwrap(),
            recipient_nonce: value(RECIPIENT_NONCE),
            digest: digest.to_string(),
            content: Some(signed.content.unwrap().to_vec()).filter(|content| !content.is_empty()),
        }
    }

    /// The certificates of a success, opened with the device's key.
    pub fn certificates(&self, device: &Device) -> Vec<Vec<u8>> {
        certs_only(&self.opened(device))
    }

    fn opened(&self, device: &Device) -> Vec<u8> {
        assert_eq!(self.status, "0", "{self:?}");
        let enveloped = EnvelopedData::read(self.content.as_ref().unwrap()).unwrap();
        let [Recipient::KeyTransport { id, encrypted_key, .. }] = &enveloped.recipients[..] else {
            panic!("one recipient")
        };
        assert!(id.matches(&Certificate::from_der(&device.certificate).unwrap()));
        enveloped.open(&device.key.open(encrypted_key)).unwrap().to_vec()
    }

    /// The certificates of a success for an EC key, opened by openssl with the challenge password.
    pub fn certificates_by(&self, password: &str) -> Vec<Vec<u8>> {
        assert_eq!(self.status, "0", "{self:?}");
        let arguments = ["cms", "-decrypt", "-inform", "DER", "-binary", "-pwri_password", password];
        certs_only(&crate::openssl::openssl(&arguments, self.content.as_ref().unwrap()))
    }

    /// The CRL of a success.
    pub fn crl(&self, device: &Device) -> Vec<u8> {
        let list = self.opened(device);
        let mut content_info = Reader::new(tlv::single(&list, 0x30).unwrap().content);
        content_info.expect(6).unwrap();
        let mut fields = content_info.enter(0xa0).unwrap().enter(0x30).unwrap();
        fields.expect(2).unwrap();
        fields.expect(0x31).unwrap();
        fields.expect(0x30).unwrap();
        let crl = fields.expect(0xa1).unwrap().content.to_vec();
        assert!(fields.expect(0x31).unwrap().content.is_empty());
        crl
    }

    /// The only certificate of a success.
    pub fn certificate(&self, device: &Device) -> Vec<u8> {
        self.certificates(device).remove(0)
    }
}

/// The certificates of a degenerate SignedData, in its order.
pub fn certs_only(der: &[u8]) -> Vec<Vec<u8>> {
    let mut content_info = Reader::new(tlv::single(der, 0x30).unwrap().content);
    content_info.expect(6).unwrap();
    let mut fields = content_info.enter(0xa0).unwrap().enter(0x30).unwrap();
    fields.expect(2).unwrap();
    assert!(fields.expect(0x31).unwrap().content.is_empty());
    fields.expect(0x30).unwrap();
    let mut list = fields.enter(0xa0).unwrap();
    let mut found = Vec::new();
    while !list.is_empty() {
        found.push(list.expect(0x30).unwrap().whole.to_vec());
    }
    found
}
