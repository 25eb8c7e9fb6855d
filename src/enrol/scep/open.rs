//! From a message to a request that can be decided: every check between the parser and policy, in its order.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::ca::profile::Approval;
use crate::ca::records::CertificateRecord;
use crate::ca::{Hierarchy, LoadedCa};
use crate::clock::Timestamp;
use crate::enrol::scep::attributes::{MessageType, sender_nonce};
use crate::enrol::scep::message::Incoming;
use crate::enrol::scep::refusal::{FailInfo, Refusal};
use crate::enrol::scep::service::Service;
use crate::enrol::scep_ra::Ra;
use crate::enrol::{Proof, Transaction};
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;
use crate::x509::cms::{DigestAlgorithm, EnvelopedData, SignedData, oid};
use crate::x509::csr::Csr;
use crate::x509::key::PublicKey;

pub mod envelope;

pub use envelope::Named;

/// How far signingTime may lie from our time.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 3600);

/// A message that was believed and opened.
pub enum Opened {
    /// A request for a certificate.
    Enrol {
        /// The PKCS#10 request, its proof of possession checked.
        csr: Box<Csr>,
        /// What speaks for it.
        proof: Box<Proof>,
        /// The client's transaction.
        transaction: Transaction,
        /// What the reply is encrypted with if the signer's key cannot decrypt.
        password: Option<Zeroizing<String>>,
    },
    /// A question after a request that waits.
    Poll(Transaction),
    /// A question after a certificate of this signer's key (SHA-256 of its SubjectPublicKeyInfo).
    Certificate(Named, [u8; 32]),
    /// A question after the CRL that this certificate would stand on.
    Crl(Named),
}

/// What the checks need beside the message.
pub struct Opener<'a> {
    /// The profile's service.
    pub service: &'a Service,
    /// Whose keys open the envelope.
    pub ra: &'a Ra,
    /// Our CAs.
    pub hierarchy: &'a Hierarchy,
    /// The signer's certificate as we issued it, if we did: byte for byte the same.
    pub ours: Option<CertificateRecord>,
    /// The present moment.
    pub now: Timestamp,
}

impl Opener<'_> {
    /// Runs the checks. CPU-bound. A refusal is for the client.
    pub fn open(self, incoming: &Incoming, signer: &Certificate) -> Result<Opened, Refusal> {
        let signed = incoming.signed().map_err(told)?;
        let digest = self.allowed_digest(&signed).map_err(told)?;
        let envelope = self.allowed_envelope(incoming).map_err(told)?;
        let key = verified_signer(&signed, signer, digest).map_err(told)?;
        let message_type = self.message_type(&signed).map_err(told)?;
        let transaction =
            Transaction { id: incoming.echo.transaction_id.clone(), signer_key: key.fingerprint() };
        match message_type {
            MessageType::CertPoll => Ok(Opened::Poll(transaction)),
            MessageType::GetCert => {
                let named = self.named(envelope, &key)?;
                Ok(Opened::Certificate(named, transaction.signer_key))
            }
            MessageType::GetCrl => self.named(envelope, &key).map(Opened::Crl),
            MessageType::PkcsReq | MessageType::RenewalReq => {
                self.request(message_type, envelope, signer, &key, transaction)
            }
        }
    }

    fn allowed_digest(&self, signed: &SignedData<'_>) -> Result<DigestAlgorithm> {
        let digest = DigestAlgorithm::from_oid(signed.signer.digest)?;
        self.service.allow_digest(digest)?;
        if !signed.digest_algorithms.contains(&signed.signer.digest) {
            return Err(Error::invalid(
                "cms-algorithm",
                "digestAlgorithms does not list the signer's digest",
            ));
        }
        Ok(digest)
    }

    /// The envelope, if there is one; a forbidden cipher is refused before anything is checked by it.
    fn allowed_envelope<'i>(&self, incoming: &'i Incoming) -> Result<Option<EnvelopedData<'i>>> {
        match incoming.enveloped() {
            Ok(envelope) => self.service.allow_cipher(envelope.cipher).map(|()| Some(envelope)),
            Err(e) if e.code() == "cms-algorithm" => Err(e),
            Err(_) => Ok(None),
        }
    }

    fn message_type(&self, signed: &SignedData<'_>) -> Result<MessageType> {
        let Some(attributes) = &signed.signer.signed_attributes else {
            return Err(Error::invalid("cms-signature", "signedAttrs missing"));
        };
        let message_type = MessageType::read(attributes)?;
        sender_nonce(attributes)?;
        let skewed = |at: Timestamp| at.since(self.now).max(self.now.since(at)) > CLOCK_SKEW;
        if signed.signer.signing_time()?.is_some_and(skewed) {
            return Err(Error::invalid(
                "scep-time",
                "signingTime is more than a day off; set the client's clock",
            ));
        }
        Ok(message_type)
    }

    fn request(
        self,
        message_type: MessageType,
        envelope: Option<EnvelopedData<'_>>,
        signer: &Certificate,
        key: &PublicKey,
        transaction: Transaction,
    ) -> Result<Opened, Refusal> {
        let envelope = envelope.ok_or_else(no_envelope)?;
        let renewed = self.renewed_certificate(message_type, signer)?;
        let authenticated = renewed.as_ref().is_some_and(|ours| ours.is_live(self.now));
        let asked = envelope::Asked { authenticated, leniency: self.service.leniency(), signer: key };
        let csr = envelope::request(self.ra, &envelope, asked)?;
        let first = renewed.is_none();
        if first
            && self.service.options.require_same_key
            && csr.public_key().fingerprint() != key.fingerprint()
        {
            let text = "the signer's key must be the request's key";
            return Err(Refusal::new(FailInfo::Request, "scep-signer", text));
        }
        let password = self.reply_password(&csr, key)?;
        let proof = Box::new(self.proof(&csr, renewed, password.is_some()));
        Ok(Opened::Enrol { csr: Box::new(csr), proof, transaction, password })
    }

    /// The certificate that GetCert or GetCRL is about. An EC key is told beforehand that it cannot be answered.
    fn named(&self, envelope: Option<EnvelopedData<'_>>, key: &PublicKey) -> Result<Named, Refusal> {
        let envelope = envelope.ok_or_else(no_envelope)?;
        if !key.kind().is_rsa() {
            return Err(Refusal::no_way_to_reply());
        }
        envelope::named(self.ra, &envelope)
    }

    /// RFC 8894 §3.1: where the signer's key cannot decrypt, the challenge password is what the reply is encrypted with.
    fn reply_password(&self, csr: &Csr, key: &PublicKey) -> Result<Option<Zeroizing<String>>, Refusal> {
        if key.kind().is_rsa() {
            return Ok(None);
        }
        let password = challenge(csr).ok_or_else(Refusal::no_way_to_reply)?;
        Ok(Some(password))
    }

    /// What speaks for a request. Where an operator decides, no challenge does: one that an EC key sends is there for
    /// the reply alone.
    fn proof(&self, csr: &Csr, renewed: Option<CertificateRecord>, for_reply: bool) -> Proof {
        let manual = self.service.profile.approval() == Approval::Manual;
        let challenge = challenge(csr).filter(|_| !(manual && for_reply));
        match (renewed, challenge) {
            (Some(certificate), challenge) => {
                Proof::Renewal { certificate: Box::new(certificate), challenge }
            }
            (None, Some(challenge)) => Proof::Challenge(challenge),
            (None, None) => Proof::None,
        }
    }

    /// The certificate of ours that signs a renewal (SCEP-28, SCEP-45): known byte for byte, and signed by one of
    /// our CAs. Whether it is live, of this profile and of the same identity is decided in `approve`.
    fn renewed_certificate(
        &self,
        message_type: MessageType,
        signer: &Certificate,
    ) -> Result<Option<CertificateRecord>, Refusal> {
        let ours = self.ours.clone().filter(|record| record.der == signer.der());
        // A leaf of a revoked CA proves nothing: whoever took the CA's key can sign as it.
        let vouches = |ca: &Arc<LoadedCa>| ca.refuse_revoked().is_ok();
        let ours = ours.filter(|_| self.hierarchy.issuer_of(signer).is_some_and(vouches));
        if ours.is_none() && message_type == MessageType::RenewalReq {
            let text = "renewal signer is not a certificate of this CA";
            return Err(Refusal::new(FailInfo::Request, "renewal-refused", text));
        }
        Ok(ours)
    }
}

/// The signer's key, after the signature was held against the bytes received.
fn verified_signer(
    signed: &SignedData<'_>,
    signer: &Certificate,
    digest: DigestAlgorithm,
) -> Result<PublicKey> {
    let key = signer.public_key()?;
    if signed.content_type != oid::DATA {
        return Err(Error::invalid("scep-content", "eContentType must be data"));
    }
    let content = signed.content.unwrap_or_default();
    signed.signer.verify(&key, digest, signed.content_type, content)?;
    Ok(key)
}

fn challenge(csr: &Csr) -> Option<Zeroizing<String>> {
    csr.challenge().filter(|c| !c.is_empty()).map(|c| Zeroizing::new(c.to_owned()))
}

fn no_envelope() -> Refusal {
    Refusal::new(FailInfo::Request, "scep-content", "the content must be an EnvelopedData")
}

/// What the client is told; a fault of ours says no more than that.
fn told(error: Error) -> Refusal {
    Refusal::of(error).unwrap_or_else(|error| {
        tracing::error!(%error, "a SCEP message could not be checked");
        Refusal::new(FailInfo::Request, "internal", "the request could not be checked")
    })
}
