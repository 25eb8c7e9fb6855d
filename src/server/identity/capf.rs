//! What phones meet at the CAPF listener: the CA of their profile itself, or a certificate of our own in front of it.

use std::sync::Arc;

use super::Identities;
use super::wanted::{self, Wanted};
use crate::ca::LoadedCa;
use crate::ca::create::serves_tls;
use crate::error::Result;
use crate::id::ProfileId;
use crate::server::tls::Resolver;

/// The listener's certificate.
#[derive(Debug)]
pub(super) struct CapfFront {
    /// By which its phones get their certificates.
    pub profile: ProfileId,
    /// What the listener shows.
    pub resolver: Arc<Resolver>,
}

impl Identities {
    /// The same, with what phones by this profile meet at the CAPF listener.
    #[must_use]
    pub fn with_capf(self, profile: ProfileId) -> Self {
        Self { capf: Some(CapfFront { profile, resolver: Arc::default() }), ..self }
    }

    /// What the CAPF listener takes its certificate from; none without one.
    pub fn capf_resolver(&self) -> Option<Arc<Resolver>> {
        self.capf.as_ref().map(|front| Arc::clone(&front.resolver))
    }

    /// A CA whose certificate says so and whose key is kept here presents itself; for others, and for keys in a token, whose
    /// signatures have to be waited for, it is an identity of our own.
    pub(super) async fn refresh_capf(&self) -> Result<()> {
        let Some(front) = &self.capf else { return Ok(()) };
        let hierarchy = self.desk.authority.hierarchy();
        let profile = self.desk.profiles.current().require(&front.profile)?.clone();
        let ca = hierarchy.in_force(profile.ca())?;
        if presents_itself(ca)? {
            self.own.forget(wanted::CAPF);
            return front.resolver.show_ca(ca);
        }
        let held = self.keep(&Wanted::capf(&self.desk)?).await?;
        front.resolver.show(&*self.desk.authority.keys, &held)
    }
}

fn presents_itself(ca: &LoadedCa) -> Result<bool> {
    let (certificate, signer) = ca.ready()?;
    Ok(serves_tls(certificate) && !signer.is_remote())
}
