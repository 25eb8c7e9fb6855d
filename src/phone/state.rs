//! What a phone keeps over a restart.

use super::list::TrustList;

/// A phone and what it keeps.
#[derive(Clone, Debug, Default)]
pub struct Phone {
    /// Its name, as `SEP0123456789AB`.
    pub name: String,
    /// Its model, as `8845`: part of the name that it gives to TVS.
    pub model: String,
    /// The authentication string that its user types in; none: an empty one is sent.
    pub string: Option<String>,
    /// Whether its EC keys are refused: an old model.
    pub only_rsa: bool,
    /// The lists that it holds.
    pub installed: Installed,
    /// Where it asks TVS: learned at the last complete boot.
    pub tvs: Option<String>,
    /// Its certificate, DER.
    pub lsc: Option<Vec<u8>>,
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
}

/// The lists that a phone holds.
#[derive(Clone, Debug, Default)]
pub struct Installed {
    /// The certificate trust list, in mixed mode.
    pub ctl: Option<TrustList>,
    /// The identity trust list.
    pub itl: Option<TrustList>,
}

impl Installed {
    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.ctl.is_none() && self.itl.is_none()
    }

    /// Both, as far as they are there.
    pub fn lists(&self) -> impl Iterator<Item = &TrustList> {
        self.ctl.iter().chain(&self.itl)
    }

    /// Whether a list has this certificate in this role.
    pub fn trusts(&self, role: u16, der: &[u8]) -> bool {
        self.lists().any(|list| list.lists(role, der))
    }
}
