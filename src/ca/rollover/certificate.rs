//! The certificates of a rollover: the next CA's own, and those by which one generation certifies the other's key.
//!
//! They bear the current CA's name byte for byte, so they are written by our own builder: a name that another program
//! encoded would come out of rcgen in other string types.

use std::sync::Arc;
use std::time::Duration;

use crate::ca::create::{Rights, ca_extensions, serves_tls};
use crate::ca::lint::{Issuer, lint_under};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CaId, Serial};
use crate::keys::Signer;
use crate::random::Random;
use crate::x509::cert::{Certificate, Tbs, assemble};
use crate::x509::key::signature_algorithm;
use crate::x509::name::Name;

/// How far notBefore lies in the past, for devices with slow clocks.
const BACKDATE: Duration = Duration::from_hours(24);

/// A CA with its key, as far as one certificate needs it.
#[derive(Clone)]
pub(super) struct Party {
    pub id: CaId,
    pub certificate: Arc<Certificate>,
    pub signer: Arc<dyn Signer>,
}

/// What all certificates of one rollover are made with.
pub(super) struct Maker {
    pub random: Random,
    pub public_url: String,
    pub now: Timestamp,
}

/// What a certificate says besides its extensions.
struct Content<'a> {
    subject: &'a Name,
    key: &'a dyn Signer,
    not_before: Timestamp,
    not_after: Timestamp,
    rights: Rights,
}

impl Maker {
    /// The own certificate (DER) of the CA that follows `current`: under `parent`, or without one signed by itself.
    /// Errors: `ca-lifetime`, `lint`.
    pub fn own(
        &self,
        current: &Certificate,
        key: &dyn Signer,
        parent: Option<&Party>,
        lifetime: Duration,
    ) -> Result<Vec<u8>> {
        let not_before = self.now.minus(BACKDATE).whole_secs();
        let not_after = self.now.plus(lifetime).whole_secs();
        let rights = Rights { path_len: parent.map(|_| 0), serves_tls: serves_tls(current) };
        let subject = current.subject();
        self.write(Content { subject, key, not_before, not_after, rights }, parent)
    }

    /// The key of `subject`, certified by `issuer` (DER): as long as both live. Errors: `ca-lifetime`, `lint`.
    pub fn cross(&self, subject: &Party, issuer: &Party) -> Result<Vec<u8>> {
        let own = &subject.certificate;
        let content = Content {
            subject: own.subject(),
            key: &*subject.signer,
            not_before: own.not_before(),
            not_after: own.not_after(),
            rights: Rights { path_len: own.path_len(), serves_tls: serves_tls(own) },
        };
        self.write(content, Some(issuer))
    }

    fn write(&self, content: Content<'_>, issuer: Option<&Party>) -> Result<Vec<u8>> {
        let Content { subject, key, not_before, not_after, rights } = content;
        let key_id = key.public_key().key_id();
        let under = match issuer {
            Some(issuer) => Issuer::of(&issuer.certificate)?,
            None => Issuer {
                subject: subject.der().to_vec(),
                key_id: key_id.to_vec(),
                not_before,
                not_after,
                signs_cas: true,
            },
        };
        let (not_before, not_after) = (not_before.max(under.not_before), not_after.min(under.not_after));
        if not_after <= self.now || not_after <= not_before {
            return Err(Error::invalid("ca-lifetime", "the CA would have expired already").at("/lifetime"));
        }
        let signer = issuer.map_or(key, |issuer| &*issuer.signer);
        let digest = signer.default_digest();
        let algorithm = signature_algorithm(signer.public_key().kind(), digest);
        let tbs = Tbs {
            serial: Serial::new(self.now, &self.random)?,
            signature_algorithm: algorithm.clone(),
            issuer: issuer.map_or(subject, |issuer| issuer.certificate.subject()).clone(),
            not_before,
            not_after,
            subject: subject.clone(),
            spki: key.public_key().spki().to_vec(),
            extensions: ca_extensions(
                &key_id,
                rights,
                issuer.map(|issuer| (&issuer.id, &*issuer.certificate)),
                &self.public_url,
            )?,
        }
        .to_der()?;
        lint_under(&tbs, &under)?;
        assemble(&tbs, &algorithm, &signer.sign(digest, &tbs)?)
    }
}
