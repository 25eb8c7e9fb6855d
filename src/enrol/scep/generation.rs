//! Which registration authority a message is for: that of the CA in force, of the one that follows it, or of one before.

use crate::ca::profile::RaMode;
use crate::enrol::Desk;
use crate::enrol::scep::message::Incoming;
use crate::enrol::scep::service::Service;
use crate::enrol::scep_ra::{Ra, RaSource};
use crate::error::Result;
use crate::id::CaId;
use crate::x509::cms::{CertificateId, Recipient};
use std::sync::Arc;

/// Whom a message is addressed to.
pub struct Addressed {
    /// Who opens it and signs the answer: the one that the client knows.
    pub ra: Arc<Ra>,
    /// Who issues, if not the CA in force: the next one, to who asks for it (RFC 8894 §4.7).
    pub issuer: Option<CaId>,
}

/// The RA of the CA in force, which GetCACert gives out. Errors: `not-found`, `ra-not-ready`.
pub fn in_force(desk: &Desk, source: &dyn RaSource, service: &Service) -> Result<Arc<Ra>> {
    let hierarchy = desk.authority.hierarchy();
    source.ra(&hierarchy.in_force(service.profile.ca())?.record.id, service.options.ra_mode)
}

/// The RA that a message is addressed to; that of the CA in force where none of ours is meant, or the message cannot be
/// read. While no CA follows another, the message is not looked at. Errors: `not-found`, `ra-not-ready`.
pub fn addressed(desk: &Desk, source: &dyn RaSource, service: &Service, message: &[u8]) -> Result<Addressed> {
    let hierarchy = desk.authority.hierarchy();
    let (named, mode) = (service.profile.ca(), service.options.ra_mode);
    let in_force = &hierarchy.in_force(named)?.record.id;
    let (next, former) = (hierarchy.next_of(named), hierarchy.former_of(named));
    if next.is_some() || !former.is_empty() {
        let ids = recipients(message);
        let present = source.ra(in_force, mode);
        if !present.as_ref().is_ok_and(|ra| opens(ra, &ids)) {
            let next = next.map(|ca| (&ca.record.id, Some(ca.record.id.clone())));
            let others = next.into_iter().chain(former.iter().map(|ca| (&ca.record.id, None)));
            if let Some(addressed) =
                others.flat_map(|(ca, issuer)| meant(source, (ca, mode), &ids, issuer)).next()
            {
                return Ok(addressed);
            }
        }
        return present.map(|ra| Addressed { ra, issuer: None });
    }
    Ok(Addressed { ra: source.ra(in_force, mode)?, issuer: None })
}

fn meant(
    source: &dyn RaSource,
    (ca, mode): (&CaId, RaMode),
    ids: &Recipients,
    issuer: Option<CaId>,
) -> Option<Addressed> {
    let ra = source.ra(ca, mode).ok().filter(|ra| opens(ra, ids))?;
    Some(Addressed { ra, issuer })
}

/// A message, if it can be read, to ask whom its envelope is for.
type Recipients = Option<Incoming>;

fn recipients(message: &[u8]) -> Recipients {
    Incoming::read(message).ok()
}

fn opens(ra: &Ra, message: &Recipients) -> bool {
    let Some(envelope) = message.as_ref().and_then(|incoming| incoming.enveloped().ok()) else {
        return false;
    };
    let ours = |id: &CertificateId<'_>| {
        id.matches(&ra.encryption) || ra.former.iter().any(|(certificate, _)| id.matches(certificate))
    };
    envelope.recipients.iter().any(|recipient| match recipient {
        Recipient::KeyTransport { id, .. } => ours(id),
        Recipient::Password { .. } | Recipient::Other => false,
    })
}
