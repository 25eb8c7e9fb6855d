//! Signet's own identities, asked of the same desk as everyone else's, and renewed by themselves at
//! two thirds of their life: the TLS listener's and the SCEP registration authorities'.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::admin::AfterReload;
use crate::ca::LoadedCa;
use crate::ca::ocsp::{Responder, ResponderSource};
use crate::ca::profile::RaMode;
use crate::ca::records::Role;
use crate::clock::Timestamp;
use crate::enrol::Desk;
use crate::enrol::scep_ra::{Ra, RaSource};
use crate::error::{Error, Kind, Result};
use crate::id::{CaId, KeyId};
pub use crate::server::identity::keeper::Held;
use crate::server::identity::pause::Pauses;
use crate::server::identity::wanted::{RaPart, Wanted};
use crate::server::tls::Resolver;
use crate::x509::cert::Certificate;
use crate::x509::san::San;

mod keeper;
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
}

impl Identities {
    /// No identity yet: [`Identities::refresh`] makes or loads them.
    pub fn new(desk: Arc<Desk>, tls_names: Vec<San>) -> Self {
        let resolver = Arc::default();
        let (ras, responders, round, pauses) = Default::default();
        Self { desk, tls_names, resolver, ras, responders, round, pauses }
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
        for (ca, mode) in self.wanted_ras() {
            if let Err(e) = self.refresh_ra(&ca, mode).await {
                failures.push((format!("ra-{ca}"), e));
            }
        }
        for ca in self.desk.authority.hierarchy().all().iter().filter(|ca| needs_responder(ca)) {
            if let Err(e) = self.refresh_responder(ca).await {
                failures.push((format!("ocsp-{}", ca.record.id), e));
            }
        }
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

    async fn keep(&self, wanted: &Wanted) -> Result<Held> {
        keeper::keep(&self.desk, wanted, &self.pauses).await
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

    /// The CAs and modes that the enabled SCEP profiles name, each once.
    fn wanted_ras(&self) -> Vec<(CaId, RaMode)> {
        let mut wanted: Vec<(CaId, RaMode)> = Vec::new();
        for profile in self.desk.profiles.current().all().iter().filter(|p| p.is_enabled()) {
            let Some(scep) = profile.scep() else { continue };
            if !wanted.iter().any(|(ca, mode)| ca == profile.ca() && *mode == scep.ra_mode) {
                wanted.push((profile.ca().clone(), scep.ra_mode));
            }
        }
        wanted
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

/// Leaves come from issuing CAs; one without key or certificate issues no responder either.
fn needs_responder(ca: &LoadedCa) -> bool {
    ca.record.role == Role::Issuing && ca.ready().is_ok()
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
