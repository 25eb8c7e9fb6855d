//! What is peculiar about a message: by it, quirks of devices are recognized.

use std::borrow::Cow;

use crate::enrol::refused::keep::Received;
use crate::enrol::refused::record::Protocol;
use crate::enrol::scep::MAX_MESSAGE;
use crate::enrol::scep::attributes::{Echo, MESSAGE_TYPE, SENDER_NONCE};
use crate::x509::ber;
use crate::x509::cert::Certificate;
use crate::x509::cms::{ContentCipher, DigestAlgorithm, EnvelopedData, SignedData, oid};

/// The traits that there are, for `policies/devices`.
pub const KNOWN: [&str; 10] = [
    "get",
    "ber",
    "nonce-8",
    "poll",
    "renewal-17",
    "renewal-19",
    "negative-serial",
    "digest-sha-1",
    "digest-md5",
    "cipher-3des",
];

/// The traits of a message.
#[derive(Debug, Default)]
pub struct Traits {
    /// Of [`KNOWN`].
    pub names: Vec<String>,
    /// The transaction id, if it could be read.
    pub transaction: Option<String>,
}

/// Reads what can be read; nothing is believed and nothing fails.
pub fn of(received: &Received) -> Traits {
    let mut traits = Traits::default();
    match received.protocol {
        Protocol::Api => {}
        Protocol::Scep => {
            traits.add("get", received.by_get);
            if let Ok(der) = ber::to_der(&received.message, MAX_MESSAGE) {
                traits.add("ber", matches!(der, Cow::Owned(_)));
                traits.read_message(&der);
            }
        }
    }
    traits
}

impl Traits {
    fn add(&mut self, name: &str, holds: bool) {
        if holds {
            self.names.push(name.to_owned());
        }
    }

    fn read_message(&mut self, der: &[u8]) {
        let Ok(signed) = SignedData::read(der) else { return };
        self.transaction = Echo::read(&signed.signer).ok().map(|echo| echo.transaction_id);
        let certificates: Vec<Certificate> =
            signed.certificates.iter().filter_map(|c| Certificate::from_der(c).ok()).collect();
        let signer = signed.signer.certificate(&certificates).ok();
        let attribute = |id| {
            let attributes = signed.signer.signed_attributes.as_ref()?;
            attributes.single(id).ok().flatten().map(|value| value.content)
        };
        let message_type = attribute(MESSAGE_TYPE).unwrap_or_default();
        let renews = signer.is_some_and(|certificate| !certificate.is_self_signed());
        self.add("nonce-8", attribute(SENDER_NONCE).is_some_and(|nonce| nonce.len() == 8));
        self.add("poll", message_type == b"20");
        self.add("renewal-17", message_type == b"17");
        self.add("renewal-19", message_type == b"19" && renews);
        let negative = |c: &Certificate| c.serial().content().first().is_some_and(|b| b & 0x80 != 0);
        self.add("negative-serial", signer.is_some_and(negative));
        self.add("digest-md5", signed.signer.digest == oid::MD5);
        self.add("digest-sha-1", DigestAlgorithm::Sha1.oid() == signed.signer.digest);
        let content = signed.content.and_then(|content| ber::to_der(content, MAX_MESSAGE).ok());
        let cipher = content.and_then(|der| EnvelopedData::read(&der).ok().map(|e| e.cipher));
        self.add("cipher-3des", cipher == Some(ContentCipher::TripleDes));
    }
}
