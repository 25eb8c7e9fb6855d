//! What phones meet at the CAPF listener: the CA of their profile itself, or a certificate of our own in front of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::listed::{standing, usable};
use super::wanted::Wanted;
use super::{Held, Identities};
use crate::ca::LoadedCa;
use crate::ca::create::serves_tls;
use crate::error::Result;
use crate::id::ProfileId;
use crate::server::tls::Resolver;
use crate::trust::identity::{OwnIdentity, Purpose};

/// The listener's certificate.
#[derive(Debug)]
pub(super) struct CapfFront {
    /// By which its phones get their certificates.
    profile: ProfileId,
    /// What the listener shows.
    resolver: Arc<Resolver>,
    /// Whether that is a certificate of our own; else the CA presents itself.
    is_own: AtomicBool,
}

impl Identities {
    /// The same, with what phones by this profile meet at the CAPF listener.
    #[must_use]
    pub fn with_capf(self, profile: ProfileId) -> Self {
        let front = CapfFront { profile, resolver: Arc::default(), is_own: AtomicBool::new(false) };
        Self { capf: Some(front), ..self }
    }

    /// What the CAPF listener takes its certificate from; none without one.
    pub fn capf_resolver(&self) -> Option<Arc<Resolver>> {
        self.capf.as_ref().map(|front| Arc::clone(&front.resolver))
    }

    /// The same where that certificate is one of our own: which of them is shown, phones' lists decide.
    pub fn listed_capf_resolver(&self) -> Option<Arc<Resolver>> {
        let own = self.capf.as_ref().filter(|front| front.is_own.load(Ordering::Acquire));
        own.map(|front| Arc::clone(&front.resolver))
    }

    /// A CA whose certificate says so and whose key is kept here presents itself; for others, and for keys in a token, whose
    /// signatures have to be waited for, it is an identity of our own.
    pub(super) async fn refresh_capf(&self) -> Result<()> {
        let Some(front) = &self.capf else { return Ok(()) };
        let hierarchy = self.desk.authority.hierarchy();
        let profile = self.desk.profiles.current().require(&front.profile)?.clone();
        let ca = hierarchy.in_force(profile.ca())?;
        let is_own = !presents_itself(ca)?;
        front.is_own.store(is_own, Ordering::Release);
        if is_own {
            return self.show_any(&front.resolver).await;
        }
        self.own.forget(Purpose::Capf.as_str());
        front.resolver.show_ca(ca)
    }

    /// Shows a certificate of our own if none of those that can be shown is: the oldest, which most lists hold.
    async fn show_any(&self, resolver: &Resolver) -> Result<()> {
        let held = self.held_for_capf().await?;
        if held.iter().any(|identity| resolver.shows(identity.certificate.der())) {
            return Ok(());
        }
        let Some(OwnIdentity { key, certificate, chain, .. }) = held.into_iter().next_back() else {
            return Ok(());
        };
        self.own.note(Purpose::Capf.as_str(), &certificate);
        resolver.show(&*self.desk.authority.keys, &Held { key, certificate, chain, former: Vec::new() })
    }

    /// Those that can be shown, newest first; one is made if there is none. An attempt that brought nothing is not
    /// repeated at once.
    async fn held_for_capf(&self) -> Result<Vec<OwnIdentity>> {
        let standing = standing(&self.desk, Purpose::Capf).await?;
        if let Some(stored) = &standing {
            let usable = usable(&self.desk, &stored.value, Purpose::Capf).await?;
            if !usable.is_empty() {
                return Ok(usable);
            }
        }
        let (name, now) = (Purpose::Capf.as_str(), self.desk.authority.clock.now());
        let profile = Wanted::listed(&self.desk, Purpose::Capf, &self.tls_names)?.profile;
        self.pauses.check(name, &profile, now)?;
        match self.make(Purpose::Capf, standing).await {
            Ok(made) => {
                self.pauses.clear(name);
                Ok(vec![made])
            }
            Err(error) => {
                self.pauses.failed(name, &profile, now, error.detail());
                Err(error)
            }
        }
    }
}

fn presents_itself(ca: &LoadedCa) -> Result<bool> {
    let (certificate, signer) = ca.ready()?;
    Ok(serves_tls(certificate) && !signer.is_remote())
}
