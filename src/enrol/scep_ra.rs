//! The registration authority's certificates and keys, as the SCEP edge sees them.

use std::sync::Arc;

use crate::ca::profile::RaMode;
use crate::error::Result;
use crate::id::CaId;
use crate::keys::{Decrypter, Signer};
use crate::x509::cert::Certificate;

/// One RA: in `single` mode both certificates and keys are the same.
#[derive(Clone, Debug)]
pub struct Ra {
    /// Signs replies.
    pub signing: Arc<Certificate>,
    /// Its key.
    pub signer: Arc<dyn Signer>,
    /// What requests are encrypted to.
    pub encryption: Arc<Certificate>,
    /// Its key.
    pub decrypter: Arc<dyn Decrypter>,
    /// Decrypters of the RA certificates before, whose requests may still be under way.
    pub former: Vec<(Arc<Certificate>, Arc<dyn Decrypter>)>,
}

/// Who keeps the RAs: one per CA and mode, renewed by the server's worker.
pub trait RaSource: Send + Sync {
    /// The RA of a CA. Errors: `ra-not-ready`.
    fn ra(&self, ca: &CaId, mode: RaMode) -> Result<Arc<Ra>>;
}
