//! What a phone keeps over a restart.

use std::fmt;
use std::sync::Arc;

use md5::{Digest, Md5};

use super::keys::{KeyPair, Kind};
use super::list::TrustList;
use super::vouched::Vouched;

/// A phone and what it keeps.
#[derive(Clone, Default)]
pub struct Phone {
    /// Its name, as `SEP0123456789AB`.
    pub name: String,
    /// Its model, as `8845`: part of the name that it gives to TVS.
    pub model: String,
    /// The authentication string that its user types in; none: an empty one is sent.
    pub string: Option<String>,
    /// Whether its EC keys are refused: an old model.
    pub only_rsa: bool,
    /// Whether it takes a RetryLater: most phones abort on it.
    pub takes_later: bool,
    /// Whether it proves itself by its MIC although it has an LSC.
    pub shows_mic: bool,
    /// The lists that it holds.
    pub installed: Installed,
    /// Where it asks TVS: learned at the last complete boot.
    pub tvs: Option<String>,
    /// Those that TVS vouched for, and for how long.
    pub vouched: Vouched,
    /// What CAPF gave it.
    pub lsc: Option<Identity>,
    /// What its manufacturer gave it.
    pub mic: Option<Identity>,
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, model) = (&self.name, &self.model);
        f.debug_struct("Phone").field("name", name).field("model", model).finish_non_exhaustive()
    }
}

impl Phone {
    /// A phone fresh from the box.
    pub fn new(name: impl Into<String>, model: impl Into<String>) -> Self {
        Self { name: name.into(), model: model.into(), ..Self::default() }
    }

    /// As TVS and 802.1X know it: `CP-8845-SEP…`, of the 9800 models `DP-9841-SEP…`.
    pub fn identity(&self) -> String {
        let prefix = if self.model.starts_with("98") { "DP" } else { "CP" };
        format!("{prefix}-{}-{}", self.model, self.name)
    }

    /// What it proves itself by to CAPF: its LSC before its MIC, unless it is set otherwise.
    pub fn shown(&self) -> Option<&Identity> {
        match self.shows_mic {
            true => self.mic.as_ref().or(self.lsc.as_ref()),
            false => self.lsc.as_ref().or(self.mic.as_ref()),
        }
    }

    /// What configuration files can be encrypted to: its LSC, or its MIC as long as it has none; RSA alone.
    pub fn opens_files(&self) -> Option<&Identity> {
        self.lsc.as_ref().or(self.mic.as_ref()).filter(|own| matches!(own.key.kind(), Kind::Rsa(_)))
    }

    /// Somebody deletes its lists by hand: it trusts the next ones. Its certificates stay.
    pub fn forget_lists(&mut self) {
        self.installed = Installed::default();
        self.vouched = Vouched::default();
        self.tvs = None;
    }
}

/// A certificate of the phone's own, and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// DER.
    pub certificate: Vec<u8>,
    /// Its key.
    pub key: Arc<KeyPair>,
}

impl Identity {
    /// How a configuration file names it: MD5 of the DER, lower-case hexadecimal.
    pub fn hash(&self) -> String {
        Md5::digest(&self.certificate).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The lists that a phone holds.
#[derive(Clone, Debug, Default)]
pub struct Installed {
    /// The certificate trust list, in mixed mode.
    pub ctl: Option<Arc<TrustList>>,
    /// The identity trust list.
    pub itl: Option<Arc<TrustList>>,
}

impl Installed {
    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.ctl.is_none() && self.itl.is_none()
    }

    /// Both, as far as they are there.
    pub fn lists(&self) -> impl Iterator<Item = &TrustList> {
        self.ctl.iter().chain(&self.itl).map(Arc::as_ref)
    }

    /// Whether a list has this certificate in this role.
    pub fn trusts(&self, role: u16, der: &[u8]) -> bool {
        self.lists().any(|list| list.lists(role, der))
    }
}
