//! GetNextCACert (RFC 8894 §4.7): the CA that will take the place of the present one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::ca::LoadedCa;
use crate::clock::Timestamp;
use crate::enrol::Desk;
use crate::enrol::scep::ca_certificates::certificates_of;
use crate::enrol::scep::service::Service;
use crate::enrol::scep_ra::RaSource;
use crate::error::Result;
use crate::id::CaId;
use crate::x509::cms::DigestAlgorithm;
use crate::x509::cms::write::Signing;
use crate::x509::key::Digest;

/// Anybody may ask, and the answer is signed by the CA itself: so it is signed once in so long.
const KEPT: Duration = Duration::from_secs(300);
/// How many signed answers are kept: CAs with a successor, times their RA modes, are few.
const MOST: usize = 32;

/// Answers that were signed a short time ago.
#[derive(Default)]
pub struct Announcements(Mutex<Vec<Announcement>>);

struct Announcement {
    by: CaId,
    content: Vec<u8>,
    at: Timestamp,
    signed: Arc<[u8]>,
}

impl Announcements {
    /// What was signed by this CA about this content, if it is fresh; the rest is forgotten.
    fn fresh(&self, by: &CaId, content: &[u8], now: Timestamp) -> Option<Arc<[u8]>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|one| one.at <= now && now < one.at.plus(KEPT));
        kept.iter().find(|one| one.by == *by && one.content == content).map(|one| Arc::clone(&one.signed))
    }

    fn keep(&self, announcement: Announcement) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST {
            kept.push(announcement);
        }
    }
}

/// Whether a successor of the service's CA is appointed, and was not revoked: then GetCACaps offers GetNextCACert.
pub fn has_next_ca(desk: &Desk, service: &Service) -> bool {
    next(desk, service).is_some()
}

/// The RA and CA certificates that will be in force next, certs-only, in a message that the present CA signed, DER; none
/// while no successor is appointed, which HTTP answers with 404. Errors: `ra-not-ready`, `ca-not-ready`, `busy`.
pub async fn next_ca_certificates(
    desk: &Desk,
    source: &dyn RaSource,
    service: &Service,
    announcements: &Announcements,
) -> Result<Option<Arc<[u8]>>> {
    let Some(next) = next(desk, service) else { return Ok(None) };
    let ra = source.ra(&next.record.id, service.options.ra_mode)?;
    let content = certificates_of(&next, &ra)?;
    let authority = &desk.authority;
    let hierarchy = authority.hierarchy();
    let (ca, now) = (hierarchy.in_force(service.profile.ca())?, authority.clock.now());
    let by = ca.record.id.clone();
    if let Some(signed) = announcements.fresh(&by, &content, now) {
        return Ok(Some(signed));
    }
    let (certificate, signer) = ca.ready()?;
    let (certificate, signer) = (Arc::clone(certificate), Arc::clone(signer));
    let sign = move || -> Result<Announcement> {
        let digest = signer.default_digest();
        let signing = Signing::new(&certificate, named(digest), Some(&content), now)?;
        let signed = signing.finish(&signer.sign(digest, &signing.to_be_signed())?)?;
        Ok(Announcement { by, content, at: now, signed: signed.into() })
    };
    let made = authority.run_signing(ca, sign).await??;
    let signed = Arc::clone(&made.signed);
    announcements.keep(made);
    Ok(Some(signed))
}

fn next(desk: &Desk, service: &Service) -> Option<Arc<LoadedCa>> {
    desk.authority.hierarchy().next_of(service.profile.ca()).filter(|next| next.may_issue().is_ok()).cloned()
}

fn named(digest: Digest) -> DigestAlgorithm {
    match digest {
        Digest::Sha256 => DigestAlgorithm::Sha256,
        Digest::Sha384 => DigestAlgorithm::Sha384,
        Digest::Sha512 => DigestAlgorithm::Sha512,
    }
}
