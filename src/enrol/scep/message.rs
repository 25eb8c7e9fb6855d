//! A PKIMessage as it came in: read, not yet believed.

use crate::enrol::scep::MAX_MESSAGE;
use crate::enrol::scep::attributes::Echo;
use crate::enrol::scep::service::Service;
use crate::error::Result;
use crate::x509::ber;
use crate::x509::cert::Certificate;
use crate::x509::cms::{ContentCipher, DigestAlgorithm, EnvelopedData, SignedData};

/// A message whose outer structure and transaction id could be read: it can be answered.
#[derive(Debug)]
pub struct Incoming {
    der: Vec<u8>,
    envelope: Vec<u8>,
    /// What the reply repeats.
    pub echo: Echo,
    /// The certificate that the signer names; an error if it is not there or not the only one.
    pub signer: Result<Certificate>,
    /// The request's digest, if it is one that we know.
    pub digest: Option<DigestAlgorithm>,
    /// The request's content cipher, if it is one that we know.
    pub cipher: Option<ContentCipher>,
}

impl Incoming {
    /// Reads it. Errors: `bad-ber`, `bad-cms`, `scep-unreadable`: there is nothing to answer to.
    pub fn read(body: &[u8]) -> Result<Self> {
        let der = ber::to_der(body, MAX_MESSAGE)?.into_owned();
        let signed = SignedData::read(&der)?;
        let echo = Echo::read(&signed.signer)?;
        // A certificate of the chain that cannot be read is not the signer's, or the signer is not found.
        let certificates: Vec<Certificate> =
            signed.certificates.iter().filter_map(|c| Certificate::from_der(c).ok()).collect();
        let signer = signed.signer.certificate(&certificates).cloned();
        let digest = DigestAlgorithm::from_oid(signed.signer.digest).ok();
        let envelope = envelope_der(signed.content);
        let cipher = EnvelopedData::read(&envelope).ok().map(|e| e.cipher);
        Ok(Self { envelope, echo, signer, digest, cipher, der })
    }

    /// The same, read for a service whose profile may have signers with RSA keys of 1024 bits.
    pub fn for_service(self, service: &Service) -> Self {
        if let Ok(signer) = &self.signer
            && service.profile.allows_rsa_1024()
        {
            signer.allow_rsa_1024();
        }
        self
    }

    /// The signed message.
    pub fn signed(&self) -> Result<SignedData<'_>> {
        SignedData::read(&self.der)
    }

    /// The envelope inside it. Errors: `bad-cms`, `cms-algorithm`.
    pub fn enveloped(&self) -> Result<EnvelopedData<'_>> {
        EnvelopedData::read(&self.envelope)
    }
}

/// The content as DER; what is not BER at all stays as it is and is refused when it is read.
fn envelope_der(content: Option<&[u8]>) -> Vec<u8> {
    let content = content.unwrap_or_default();
    ber::to_der(content, MAX_MESSAGE).map(|der| der.into_owned()).unwrap_or_else(|_| content.to_vec())
}
