//! Keys in a PKCS#11 token: what the settings say, and the notes in the key folder. What talks to the token is
//! built with feature `pkcs11` alone.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::KeyStore;
use super::software::Vault;
use crate::error::{Error, Result};
use crate::random::Random;

mod note;

pub(super) use note::Note;
#[cfg(feature = "pkcs11")]
pub(super) use note::hex;

/// Reads the PIN anew each time the token asks for it, so that it lies in no memory meanwhile.
pub type PinSource = Arc<dyn Fn() -> Result<Zeroizing<String>> + Send + Sync>;

/// The token that holds keys.
#[derive(Clone)]
pub struct TokenSettings {
    /// The PKCS#11 module, a shared library.
    pub module: PathBuf,
    /// The token's label, or its serial number.
    pub token: String,
    /// Where its PIN comes from.
    pub pin: PinSource,
}

impl fmt::Debug for TokenSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSettings")
            .field("module", &self.module)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// The keys of a data folder: those of the vault, and those in the token if one is named. A token that cannot be
/// used now is told by [`KeyStore::tokens`] and tried again, not refused. Errors: `token-module` if the module
/// cannot be loaded; `no-pkcs11` if a token is named in a build without feature `pkcs11`.
pub fn with_token(vault: Vault, token: Option<TokenSettings>, random: &Random) -> Result<Arc<dyn KeyStore>> {
    match token {
        None => Ok(Arc::new(vault)),
        Some(settings) => opened(vault, settings, random),
    }
}

#[cfg(feature = "pkcs11")]
fn opened(vault: Vault, settings: TokenSettings, random: &Random) -> Result<Arc<dyn KeyStore>> {
    Ok(Arc::new(super::pkcs11::TokenStore::open(vault, settings, random)?))
}

#[cfg(not(feature = "pkcs11"))]
fn opened(_: Vault, _: TokenSettings, _: &Random) -> Result<Arc<dyn KeyStore>> {
    Err(Error::invalid(
        "no-pkcs11",
        "this build has no PKCS#11: build signet with --features pkcs11, or remove pkcs11-module from the settings",
    ))
}

/// Reads a CKA_ID: 1 to 64 octets in hexadecimal, as pkcs11-tool shows it. Errors: `invalid-pkcs11-id`.
pub fn parse_object(text: &str) -> Result<Vec<u8>> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    note::unhex(&digits).filter(|object| (1..=64).contains(&object.len())).ok_or_else(|| {
        Error::invalid(
            "invalid-pkcs11-id",
            "a CKA_ID is hexadecimal, 1 to 64 octets, as pkcs11-tool shows it",
        )
    })
}

/// A key was to be made in a token, and no token is named.
pub(super) fn not_configured() -> Error {
    Error::conflict(
        "token-not-configured",
        "no token is named: start the server with --pkcs11-module and --pkcs11-token (docs/manual/tokens.md)",
    )
}
