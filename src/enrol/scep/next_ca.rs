//! GetNextCACert (RFC 8894 §4.7): the CA that will take the place of the present one.

use std::sync::Arc;

use crate::ca::LoadedCa;
use crate::enrol::Desk;
use crate::enrol::scep::ca_certificates::certificates_of;
use crate::enrol::scep::service::Service;
use crate::enrol::scep_ra::RaSource;
use crate::error::Result;
use crate::x509::cms::DigestAlgorithm;
use crate::x509::cms::write::Signing;
use crate::x509::key::Digest;

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
) -> Result<Option<Vec<u8>>> {
    let Some(next) = next(desk, service) else { return Ok(None) };
    let ra = source.ra(&next.record.id, service.options.ra_mode)?;
    let content = certificates_of(&next, &ra)?;
    let authority = &desk.authority;
    let hierarchy = authority.hierarchy();
    let (certificate, signer) = hierarchy.in_force(service.profile.ca())?.ready()?;
    let (certificate, signer, now) = (Arc::clone(certificate), Arc::clone(signer), authority.clock.now());
    let sign = move || {
        let digest = signer.default_digest();
        let signing = Signing::new(&certificate, named(digest), Some(&content), now)?;
        signing.finish(&signer.sign(digest, &signing.to_be_signed())?)
    };
    authority.pool.run(sign).await?.map(Some)
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
