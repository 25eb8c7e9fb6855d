//! What is inside an envelope: opened so that neither the answer nor its time tells why one does not open
//! (Bleichenbacher, Marvin, Vaudenay).
//!
//! Whatever fails, all steps are gone through: a content key that RSA does not yield is replaced by another, the padding
//! is looked at in constant time, and in place of a content that is none, a request is read and its signature checked
//! that never holds. `examples/envelope_timing.rs` measures it.

use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::enrol::scep::MAX_MESSAGE;
use crate::enrol::scep::refusal::{FailInfo, Refusal};
use crate::enrol::scep_ra::Ra;
use crate::keys::{Decrypter, KeyTransport};
use crate::x509::ber;
use crate::x509::cms::{CertificateId, EnvelopedData, Recipient, Transport};
use crate::x509::csr::{Csr, Leniency, Unfit};
use crate::x509::key::PublicKey;
use crate::x509::tlv;

/// A PKCS#10 request for an RSA-2048 key that nobody has, with a signature that does not hold.
static DECOY: &[u8] = include_bytes!("decoy.der");

/// A certificate as GetCert and GetCRL name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its issuer's name, DER.
    pub issuer: Vec<u8>,
    /// The content octets of its serial number.
    pub serial: Vec<u8>,
}

/// What is known of the message that a request came in.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whether it was signed with a live certificate of ours.
    pub authenticated: bool,
    /// How the request is read.
    pub leniency: Leniency,
    /// The key that it was signed with.
    pub signer: &'a PublicKey,
}

/// The PKCS#10 request in an envelope for `ra`, its proof of possession checked. CPU-bound. A refusal is for the client.
pub fn request(ra: &Ra, envelope: &EnvelopedData<'_>, asked: Asked<'_>) -> Result<Csr, Refusal> {
    let (content, good) = content(ra, envelope)?;
    // Whoever sends somebody else's envelope signs with a key of their own, so that the request's key is checked as
    // the decoy's is. The times are alike for RSA-2048; for other keys what can be learned is bounded by the count of
    // guesses.
    let read = Csr::from_envelope(&content, asked.leniency, asked.signer);
    // The decoy never holds; but nothing may depend on that.
    if !bool::from(good) {
        return Err(Refusal::cannot_open());
    }
    read.map_err(|unfit| refused(unfit, asked.authenticated))
}

/// The certificate that an envelope for `ra` names. Every failure of what is inside it is told alike.
pub fn named(ra: &Ra, envelope: &EnvelopedData<'_>) -> Result<Named, Refusal> {
    let (content, good) = content(ra, envelope)?;
    let read = CertificateId::issuer_and_serial(&content);
    match (bool::from(good), read) {
        (true, Ok(CertificateId::IssuerAndSerial { issuer, serial })) => {
            Ok(Named { issuer: issuer.to_vec(), serial: serial.to_vec() })
        }
        (true, Ok(CertificateId::KeyId(_)) | Err(_)) | (false, _) => Err(Refusal::not_given()),
    }
}

/// The content as DER, and whether it is one: opened by the right key, padded as it must be, one SEQUENCE; the decoy if not. Only the
/// recipient that names our certificate is tried (SCEP-54). Errors: what stands in the message for all to see.
fn content(ra: &Ra, envelope: &EnvelopedData<'_>) -> Result<(Zeroizing<Vec<u8>>, Choice), Refusal> {
    let Some((transport, encrypted_key, decrypter)) = our_recipient(ra, envelope) else {
        return Err(not_for_us(envelope));
    };
    let transport = match transport {
        Some(Transport::Pkcs1) => KeyTransport::Pkcs1,
        Some(Transport::OaepSha1) => KeyTransport::OaepSha1,
        Some(Transport::OaepSha256) => KeyTransport::OaepSha256,
        None => return Err(Refusal::new(FailInfo::Algorithm, "cms-algorithm", "key transport not allowed")),
    };
    let key = decrypter.open_key(transport, encrypted_key, envelope.cipher.key_len());
    let (content, padded) = envelope.open_blindly(&key);
    // A wrong key can yield a right padding by chance: what comes out must still be an element, or the
    // difference would tell. In its place the decoy goes the same way.
    let first = content.first().copied().unwrap_or_default();
    let candidate = padded & first.ct_eq(&tlv::SEQUENCE);
    let read = if bool::from(candidate) { &content } else { DECOY };
    match ber::to_der(read, MAX_MESSAGE) {
        Ok(der) => Ok((Zeroizing::new(der.into_owned()), candidate)),
        Err(_) => Ok((Zeroizing::new(DECOY.to_vec()), Choice::from(0))),
    }
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

/// Our certificates are RSA, so nobody has a reason to encrypt a request by a password.
fn not_for_us(envelope: &EnvelopedData<'_>) -> Refusal {
    let password = envelope.recipients.iter().find_map(|recipient| match recipient {
        Recipient::Password { encrypted_key } => Some(encrypted_key.len()),
        Recipient::KeyTransport { .. } | Recipient::Other => None,
    });
    match password {
        // Shorter than any wrapped key (RFC 3211 §2.3.2): SCEP-58.
        Some(length) if length < 16 => Refusal::cannot_open(),
        // No trial over all secrets: SCEP-60.
        Some(_) => {
            Refusal::new(FailInfo::Request, "not-addressed", "no challenge is known for this transaction")
        }
        None => Refusal::new(FailInfo::Request, "not-addressed", "not addressed to this CA"),
    }
}

/// Until the request's own signature holds, every failure is told as the envelope's: else whoever sends somebody's
/// envelope again and again, changed, would learn from the answers what is in it. A device with a live certificate of
/// ours is told of a bad signature (SCEP-51).
fn refused(unfit: Unfit, authenticated: bool) -> Refusal {
    match unfit {
        Unfit::NotProven if authenticated => Refusal::not_proven(),
        Unfit::Unreadable | Unfit::NotProven => Refusal::cannot_open(),
        Unfit::Proven(error) => super::told(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decoy_is_read_up_to_its_signature_which_does_not_hold() {
        let other = rcgen::PublicKeyData::subject_public_key_info(&rcgen::KeyPair::generate().unwrap());
        let other = PublicKey::from_spki(&other).unwrap();
        assert!(matches!(Csr::from_envelope(DECOY, Leniency::Device, &other), Err(Unfit::NotProven)));
    }
}
