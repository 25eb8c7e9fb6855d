//! Signet's own identities, asked of the same desk as everyone else's, and renewed by themselves at
//! two thirds of their life: the TLS listener's and the SCEP registration authorities'.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use crate::admin::{AfterReload, OwnCertificate, OwnCertificates};
use crate::ca::ocsp::{Responder, ResponderSource};
use crate::ca::profile::RaMode;
use crate::ca::records::Role;
use crate::ca::{Hierarchy, LoadedCa};
use crate::clock::Timestamp;
use crate::enrol::Desk;
use crate::enrol::scep_ra::{Ra, RaSource};
use crate::error::{Error, Kind, Result};
use crate::id::{CaId, KeyId};
use crate::server::files;
pub use crate::server::identity::keeper::Held;
use crate::server::identity::own::Own;
use crate::server::identity::pause::Pauses;
use crate::server::identity::wanted::{RaPart, Wanted};
use crate::server::setup::tls_root;
use crate::server::tls::Resolver;
use crate::x509::cert::Certificate;
use crate::x509::san::San;

mod capf;
mod keeper;
mod listed;
mod own;
mod pause;
mod wanted;

/// All identities of this server.
pub struct Identities {
    desk: Arc<Desk>,
    /// The names that the TLS certificate must have.
    tls_names: Vec<San>,
    /// What the TLS listener shows.
    resolver: Arc<Resolver>,
    ras: RwLock<HashMap<(CaId, bool), Arc<Ra>>>,
    responders: RwLock<HashMap<CaId, Arc<Responder>>>,
    /// One round at a time: two would make two keys of one name.
    round: tokio::sync::Mutex<()>,
    pauses: Pauses,
    own: Own,
    /// Where clients on this machine find the roots of the TLS certificate.
    tls_ca: Option<PathBuf>,
    /// What the CAPF listener shows, if there is one.
    capf: Option<capf::CapfFront>,
}

impl Identities {
    /// No identity yet: [`Identities::refresh`] makes or loads them.
    pub fn new(desk: Arc<Desk>, tls_names: Vec<San>) -> Self {
        let resolver = Arc::default();
        let (ras, responders, round, pauses, own) = Default::default();
        Self { desk, tls_names, resolver, ras, responders, round, pauses, own, tls_ca: None, capf: None }
    }

    /// The same, keeping the roots of the TLS certificate in this file.
    #[must_use]
    pub fn exporting(self, tls_ca: PathBuf) -> Self {
        Self { tls_ca: Some(tls_ca), ..self }
    }

    /// What the TLS listener takes its certificate from.
    pub fn resolver(&self) -> Arc<Resolver> {
        self.resolver.clone()
    }

    /// Loads what is there, makes what is missing and renews what is due; a failure of one does not
    /// keep the others. Returns the failures by name.
    pub async fn refresh(&self) -> Vec<(String, Error)> {
        let _one = self.round.lock().await;
        let mut failures = Vec::new();
        if let Err(e) = self.refresh_tls().await {
            failures.push(("tls".to_owned(), e));
        }
        if let Err(e) = self.refresh_capf().await {
            failures.push(("capf".to_owned(), e));
        }
        for (ca, mode) in self.wanted_ras() {
            if let Err(e) = self.refresh_ra(&ca, mode).await
                && !self.is_revoked(&ca)
            {
                failures.push((format!("ra-{ca}"), e));
            }
        }
        for (ca, mode) in self.former_ras() {
            if let Err(e) = self.hold_ra(&ca, mode).await {
                failures.push((format!("ra-{ca}"), e));
            }
        }
        let hierarchy = self.desk.authority.hierarchy();
        for ca in hierarchy.all().iter().filter(|ca| ca.record.role == Role::Issuing) {
            let refreshed = if ca.retired.is_some() {
                self.forget_responder(&ca.record.id).await
            } else if ca.ready().is_ok() {
                self.refresh_responder(ca).await
            } else {
                // Without key or certificate it issues no responder either.
                Ok(())
            };
            if let Err(e) = refreshed {
                failures.push((format!("ocsp-{}", ca.record.id), e));
            }
        }
        self.own.tell(&hierarchy, self.desk.authority.clock.now());
        failures
    }

    /// As [`Identities::refresh`]; the failures are logged. Returns whether all are there.
    pub async fn refresh_and_log(&self) -> bool {
        let failures = self.refresh().await;
        for (identity, error) in &failures {
            if error.code() == "identity-paused" {
                tracing::debug!(identity, %error, "an identity of our own is still missing");
            } else {
                tracing::error!(identity, %error, code = error.code(), "an identity of our own is missing");
            }
        }
        failures.is_empty()
    }

    async fn refresh_tls(&self) -> Result<()> {
        // First, so that who trusts what stands in the file knows the root of the next certificate in time.
        self.export_tls_roots()?;
        let held = self.keep(&Wanted::tls(&self.desk, &self.tls_names)?).await?;
        self.resolver.show(&*self.desk.authority.keys, &held)
    }

    async fn refresh_ra(&self, ca: &CaId, mode: RaMode) -> Result<()> {
        let ra = match mode {
            RaMode::Single => {
                let held = self.keep(&Wanted::ra(&self.desk, ca, RaPart::Both)?).await?;
                self.ra_of(&held, &held)?
            }
            RaMode::Split => {
                let signing = self.keep(&Wanted::ra(&self.desk, ca, RaPart::Signing)?).await?;
                let opening = self.keep(&Wanted::ra(&self.desk, ca, RaPart::Encryption)?).await?;
                self.ra_of(&signing, &opening)?
            }
        };
        let mut ras = self.ras.write().unwrap_or_else(PoisonError::into_inner);
        ras.insert(slot(ca, mode), Arc::new(ra));
        Ok(())
    }

    async fn refresh_responder(&self, ca: &LoadedCa) -> Result<()> {
        let is_rsa = ca.record.algorithm.is_rsa();
        let held = self.keep(&Wanted::ocsp(&self.desk, &ca.record.id, is_rsa)?).await?;
        let signer = self.desk.authority.keys.signer(&held.key)?;
        let responder = Responder { certificate: held.certificate, signer };
        let mut responders = self.responders.write().unwrap_or_else(PoisonError::into_inner);
        responders.insert(ca.record.id.clone(), Arc::new(responder));
        Ok(())
    }

    /// A revoked CA certifies no registration authority any more: what is there serves until it expires.
    fn is_revoked(&self, ca: &CaId) -> bool {
        self.desk.authority.hierarchy().require(ca).is_ok_and(|ca| ca.revoked.is_some())
    }

    async fn keep(&self, wanted: &Wanted) -> Result<Held> {
        let held = keeper::keep(&self.desk, wanted, &self.pauses).await?;
        self.own.note(&wanted.name, &held.certificate);
        Ok(held)
    }

    /// A CA that another followed: its RA opens what was sent to it before, as long as its certificate is valid.
    async fn hold_ra(&self, ca: &CaId, mode: RaMode) -> Result<()> {
        let held = async |part: RaPart| keeper::hold(&self.desk, &part.identity(ca)).await;
        let both = match mode {
            RaMode::Single => held(RaPart::Both).await?.map(|held| (held.clone(), held)),
            RaMode::Split => held(RaPart::Signing).await?.zip(held(RaPart::Encryption).await?),
        };
        let ra = both.map(|(signing, opening)| self.ra_of(&signing, &opening)).transpose()?;
        let mut ras = self.ras.write().unwrap_or_else(PoisonError::into_inner);
        match ra {
            Some(ra) => drop(ras.insert(slot(ca, mode), Arc::new(ra))),
            None => drop(ras.remove(&slot(ca, mode))),
        }
        // It is meant to end: nobody is told of it.
        for part in [RaPart::Both, RaPart::Signing, RaPart::Encryption] {
            self.own.forget(&part.identity(ca));
        }
        Ok(())
    }

    async fn forget_responder(&self, ca: &CaId) -> Result<()> {
        self.responders.write().unwrap_or_else(PoisonError::into_inner).remove(ca);
        let name = wanted::responder_name(ca);
        self.own.forget(&name);
        keeper::hold(&self.desk, &name).await.map(drop)
    }

    /// The file follows the profile of the listener's certificate; without a root it stays as it is.
    fn export_tls_roots(&self) -> Result<()> {
        let Some(path) = &self.tls_ca else { return Ok(()) };
        let (hierarchy, profiles) = (self.desk.authority.hierarchy(), self.desk.profiles.current());
        let Ok(roots) = tls_root(&hierarchy, &profiles) else { return Ok(()) };
        if std::fs::read_to_string(path).is_ok_and(|standing| standing == roots) {
            return Ok(());
        }
        files::write(path, roots.as_bytes(), files::PUBLIC)
    }

    fn ra_of(&self, signing: &Held, encryption: &Held) -> Result<Ra> {
        let keys = &self.desk.authority.keys;
        let former = encryption.former.iter().map(|(certificate, key)| {
            let opened: Result<_> = keys.decrypter(key).map(|d| (certificate.clone(), d));
            opened
        });
        Ok(Ra {
            signing: signing.certificate.clone(),
            signer: keys.signer(&signing.key)?,
            encryption: encryption.certificate.clone(),
            decrypter: keys.decrypter(&encryption.key)?,
            former: former.collect::<Result<_>>()?,
        })
    }

    /// The CAs in force and the next ones of the enabled SCEP profiles, with their modes, each once.
    fn wanted_ras(&self) -> Vec<(CaId, RaMode)> {
        self.ras_of(|hierarchy, named| {
            let in_force = hierarchy.in_force(named).map(|ca| ca.record.id.clone());
            let next = hierarchy.next_of(named).map(|ca| ca.record.id.clone());
            // One that there is not is named by the failure.
            [in_force.unwrap_or_else(|_| named.clone())].into_iter().chain(next).collect()
        })
    }

    fn former_ras(&self) -> Vec<(CaId, RaMode)> {
        let ids = |cas: Vec<&Arc<LoadedCa>>| cas.into_iter().map(|ca| ca.record.id.clone()).collect();
        self.ras_of(|hierarchy, named| ids(hierarchy.former_of(named)))
    }

    fn ras_of(&self, cas: impl Fn(&Hierarchy, &CaId) -> Vec<CaId>) -> Vec<(CaId, RaMode)> {
        let (mut wanted, hierarchy): (Vec<(CaId, RaMode)>, _) = (Vec::new(), self.desk.authority.hierarchy());
        for profile in self.desk.profiles.current().all().iter().filter(|p| p.is_enabled()) {
            let Some(scep) = profile.scep() else { continue };
            for ca in cas(&hierarchy, profile.ca()) {
                if !wanted.iter().any(|(known, mode)| *known == ca && *mode == scep.ra_mode) {
                    wanted.push((ca, scep.ra_mode));
                }
            }
        }
        wanted
    }
}

impl OwnCertificates for Identities {
    fn own(&self) -> Vec<OwnCertificate> {
        self.own.all()
    }
}

#[async_trait::async_trait]
impl AfterReload for Identities {
    async fn after_reload(&self) {
        self.desk.authority.keys.try_tokens_again();
        self.refresh_and_log().await;
    }
}

impl RaSource for Identities {
    fn ra(&self, ca: &CaId, mode: RaMode) -> Result<Arc<Ra>> {
        let ras = self.ras.read().unwrap_or_else(PoisonError::into_inner);
        ras.get(&slot(ca, mode)).cloned().ok_or_else(|| {
            Error::new(
                Kind::Busy,
                "ra-not-ready",
                format!("the registration authority of {ca} is not ready yet"),
            )
        })
    }
}

impl ResponderSource for Identities {
    fn responder(&self, ca: &CaId) -> Result<Arc<Responder>> {
        let responders = self.responders.read().unwrap_or_else(PoisonError::into_inner);
        responders.get(ca).cloned().ok_or_else(|| {
            let text = format!("the OCSP responder of {ca} is not ready");
            Error::new(Kind::Busy, "responder-not-ready", text)
        })
    }
}

fn slot(ca: &CaId, mode: RaMode) -> (CaId, bool) {
    (ca.clone(), mode == RaMode::Split)
}

/// Whether two thirds of a certificate's life have passed at `now`.
fn is_due(certificate: &Certificate, now: Timestamp) -> bool {
    let life = certificate.not_after().since(certificate.not_before());
    now >= certificate.not_before().plus(life / 3 * 2)
}

/// The name of an identity's key of a generation.
fn key_name(identity: &str, generation: u32) -> Result<KeyId> {
    format!("{identity}-{generation}").parse()
}
