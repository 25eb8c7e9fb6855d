//! What is out of date in a message: counted, and written to the audit log together with what was issued by it.

use crate::audit::{Actor, Event, Outcome};
use crate::clock::Timestamp;
use crate::enrol::scep::message::Incoming;
use crate::enrol::scep::open::Opened;
use crate::enrol::scep::service::Service;
use crate::store::Unit;
use crate::x509::cert::Certificate;
use crate::x509::cms::{ContentCipher, DigestAlgorithm};
use crate::x509::key::KeyKind;
use crate::x509::name::Name;

/// The old algorithms of one message and its reply, as metrics and audit name them.
#[derive(Clone, Debug, Default)]
pub struct OldAlgorithms(Vec<&'static str>);

impl OldAlgorithms {
    /// Of a message that was allowed and believed.
    pub fn of(incoming: &Incoming, service: &Service) -> Self {
        let cipher = incoming.cipher.and_then(|cipher| match cipher {
            ContentCipher::Des => Some("des-cbc"),
            ContentCipher::TripleDes => Some("3des-cbc"),
            ContentCipher::Aes128 | ContentCipher::Aes192 | ContentCipher::Aes256 => None,
        });
        let digest = incoming.digest.and_then(|digest| match digest {
            DigestAlgorithm::Md5 => Some("md5"),
            DigestAlgorithm::Sha1 => Some("sha-1"),
            DigestAlgorithm::Sha256 | DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512 => None,
        });
        let reply = service.reply_digest(incoming.digest) == DigestAlgorithm::Sha1;
        Self(cipher.into_iter().chain(digest).chain(reply.then_some("sha-1-reply")).collect())
    }

    /// With the keys: the signer's, and the one in the request that came out of the envelope.
    pub fn and_keys(mut self, signer: &Certificate, opened: &Opened) -> Self {
        let asked = match opened {
            Opened::Enrol { csr, .. } => Some(csr.public_key().kind()),
            Opened::Poll(_) | Opened::Certificate(..) | Opened::Crl(_) => None,
        };
        let signs = signer.public_key().ok().map(|key| key.kind());
        if [asked, signs].contains(&Some(KeyKind::Rsa(1024))) {
            self.0.push("rsa-1024");
        }
        self
    }

    /// Counts each.
    pub fn count(&self) {
        for what in &self.0 {
            metrics::counter!("signet_legacy_uses_total", "what" => *what).increment(1);
        }
    }

    /// Adds a warning to what is written together with the answer; nothing if all of it is of today.
    pub fn warn(&self, unit: &mut Unit, at: Timestamp, actor: &Actor, service: &Service, subject: &Name) {
        if self.0.is_empty() {
            return;
        }
        let profile = service.profile.id();
        unit.event(
            Event::new(at, actor.clone(), "scep.legacy", format!("profile:{profile}"))
                .outcome(Outcome::Warning)
                .with("algorithms", self.0.join(", "))
                .with("subject", subject),
        );
    }
}
