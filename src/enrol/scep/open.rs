//! From a message to a request that can be decided: every check between the parser and policy, in its order.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::ca::Hierarchy;
use crate::ca::records::CertificateRecord;
use crate::clock::Timestamp;
use crate::enrol::scep::MAX_MESSAGE;
use crate::enrol::scep::attributes::{MessageType, sender_nonce};
use crate::enrol::scep::message::Incoming;
use crate::enrol::scep::refusal::{FailInfo, Refusal};
use crate::enrol::scep::service::Service;
use crate::enrol::scep_ra::Ra;
use crate::enrol::{Proof, Transaction};
use crate::error::{Error, Result};
use crate::keys::{Decrypter, KeyTransport};
use crate::x509::ber;
use crate::x509::cert::Certificate;
use crate::x509::cms::{
    CertificateId, ContentCipher, DigestAlgorithm, EnvelopedData, Recipient, SignedData, Transport, oid,
};
use crate::x509::csr::{Csr, Leniency, Unfit};
use crate::x509::key::{KeyKind, PublicKey};

/// How far signingTime may lie from our time.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 3600);

/// A message that was believed and opened.
#[derive(Debug)]
pub enum Opened {
    /// A request for a certificate.
    Enrol {
        /// The PKCS#10 request, its proof of possession checked.
        csr: Box<Csr>,
        /// What speaks for it.
        proof: Box<Proof>,
        /// The client's transaction.
        transaction: Transaction,
    },
    /// A question after a request that waits.
    Poll(Transaction),
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
            MessageType::GetCert | MessageType::GetCrl => Err(Refusal::new(
                FailInfo::CertificateId,
                "no such certificate or CRL is given out over SCEP",
            )),
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
        let envelope = envelope
            .ok_or_else(|| Refusal::new(FailInfo::Request, "the content must be an EnvelopedData"))?;
        if !matches!(key.kind(), KeyKind::Rsa(_)) {
            let text = "the reply cannot be encrypted to this signer: SCEP needs an RSA key";
            return Err(Refusal::new(FailInfo::Algorithm, text));
        }
        let renewed = self.renewed_certificate(message_type, signer)?;
        let content = open_envelope(self.ra, &envelope)?;
        let authenticated = renewed.as_ref().is_some_and(|ours| ours.is_live(self.now));
        let csr =
            Csr::from_envelope(&content, Leniency::Device, key).map_err(|e| bad_csr(e, authenticated))?;
        let first = renewed.is_none();
        if first
            && self.service.options.require_same_key
            && csr.public_key().fingerprint() != key.fingerprint()
        {
            return Err(Refusal::new(FailInfo::Request, "the signer's key must be the request's key"));
        }
        let proof = Box::new(proof(&csr, renewed));
        Ok(Opened::Enrol { csr: Box::new(csr), proof, transaction })
    }

    /// The certificate of ours that signs a renewal (SCEP-28, SCEP-45): known byte for byte, and signed by one of
    /// our CAs. Whether it is live, of this profile and of the same identity is decided in `approve`.
    fn renewed_certificate(
        &self,
        message_type: MessageType,
        signer: &Certificate,
    ) -> Result<Option<CertificateRecord>, Refusal> {
        let ours = self.ours.clone().filter(|record| record.der == signer.der());
        let ours = ours.filter(|_| self.hierarchy.issuer_of(signer).is_some());
        if ours.is_none() && message_type == MessageType::RenewalReq {
            let text = "renewal signer is not a certificate of this CA";
            return Err(Refusal::new(FailInfo::Request, text));
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

fn proof(csr: &Csr, renewed: Option<CertificateRecord>) -> Proof {
    let challenge = csr.challenge().filter(|c| !c.is_empty()).map(|c| Zeroizing::new(c.to_owned()));
    match (renewed, challenge) {
        (Some(certificate), challenge) => Proof::Renewal { certificate: Box::new(certificate), challenge },
        (None, Some(challenge)) => Proof::Challenge(challenge),
        (None, None) => Proof::None,
    }
}

/// What is inside the envelope: one well-framed element. Only the recipient that names our certificate is tried
/// (SCEP-54), and every failure after that is told alike.
fn open_envelope(ra: &Ra, envelope: &EnvelopedData<'_>) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let Some((transport, encrypted_key, decrypter)) = our_recipient(ra, envelope) else {
        return Err(not_for_us(envelope));
    };
    let transport = match transport {
        Some(Transport::Pkcs1) => KeyTransport::Pkcs1,
        Some(Transport::OaepSha1) => KeyTransport::OaepSha1,
        Some(Transport::OaepSha256) => KeyTransport::OaepSha256,
        None => return Err(Refusal::new(FailInfo::Algorithm, "key transport not allowed")),
    };
    let key = content_key(decrypter, transport, encrypted_key, envelope.cipher);
    let content = envelope.open(&key).ok_or_else(Refusal::cannot_open)?;
    // A wrong key can yield a right padding by chance: what comes out must still be an element, or the
    // difference would tell.
    match ber::to_der(&content, MAX_MESSAGE) {
        Ok(der) if der.first() == Some(&0x30) => Ok(Zeroizing::new(der.into_owned())),
        Ok(_) | Err(_) => Err(Refusal::cannot_open()),
    }
}

fn content_key(
    decrypter: &dyn Decrypter,
    transport: KeyTransport,
    encrypted_key: &[u8],
    cipher: ContentCipher,
) -> Zeroizing<Vec<u8>> {
    decrypter.open_key(transport, encrypted_key, cipher.key_len())
}

type OurRecipient<'a> = (Option<Transport>, &'a [u8], &'a dyn Decrypter);

fn our_recipient<'a>(ra: &'a Ra, envelope: &'a EnvelopedData<'_>) -> Option<OurRecipient<'a>> {
    envelope.recipients.iter().find_map(|recipient| match recipient {
        Recipient::KeyTransport { id, transport, encrypted_key } => {
            decrypter(ra, id).map(|decrypter| (*transport, *encrypted_key, decrypter))
        }
        Recipient::Password { .. } | Recipient::Other => None,
    })
}

fn decrypter<'a>(ra: &'a Ra, id: &CertificateId<'_>) -> Option<&'a dyn Decrypter> {
    let present = std::iter::once((&ra.encryption, &ra.decrypter));
    let mut all = present.chain(ra.former.iter().map(|(certificate, decrypter)| (certificate, decrypter)));
    all.find(|(certificate, _)| id.matches(certificate)).map(|(_, decrypter)| &**decrypter)
}

fn not_for_us(envelope: &EnvelopedData<'_>) -> Refusal {
    let password = envelope.recipients.iter().find_map(|recipient| match recipient {
        Recipient::Password { encrypted_key } => Some(encrypted_key.len()),
        Recipient::KeyTransport { .. } | Recipient::Other => None,
    });
    match password {
        // Shorter than any wrapped key (RFC 3211 §2.3.2): SCEP-58.
        Some(length) if length < 16 => Refusal::cannot_open(),
        // No trial over all secrets: SCEP-60.
        Some(_) => Refusal::new(FailInfo::Request, "no challenge is known for this transaction"),
        None => Refusal::new(FailInfo::Request, "not addressed to this CA"),
    }
}

/// Until the request's own signature holds, every failure is told as the envelope's: else whoever sends somebody's
/// envelope again and again, changed, would learn from the answers what is in it. A device with a live certificate of
/// ours is told of a bad signature (SCEP-51).
fn bad_csr(unfit: Unfit, authenticated: bool) -> Refusal {
    match unfit {
        Unfit::NotProven if authenticated => Refusal::not_proven(),
        Unfit::Unreadable | Unfit::NotProven => Refusal::cannot_open(),
        Unfit::Proven(error) => told(error),
    }
}

/// What the client is told; a fault of ours says no more than that.
fn told(error: Error) -> Refusal {
    Refusal::of(error).unwrap_or_else(|error| {
        tracing::error!(%error, "a SCEP message could not be checked");
        Refusal::new(FailInfo::Request, "the request could not be checked")
    })
}
