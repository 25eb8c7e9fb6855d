//! Which token the settings name, and where its PIN comes from: a file or a systemd credential, never an argument.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::keys::token::TokenSettings;
use crate::server::password::{self, PIN};
use crate::server::settings::Given;

/// The name of the systemd credential (`LoadCredential=signet-pkcs11-pin:…`).
const CREDENTIAL: &str = "signet-pkcs11-pin";

/// The token to be used, if one is named.
/// Errors: `bad-settings` for half of what is needed; `pin-file` if the PIN's file is open to others or cannot be read.
pub fn settings(given: &Given) -> Result<Option<TokenSettings>> {
    let (module, token) = match (&given.pkcs11_module, &given.pkcs11_token) {
        (Some(module), Some(token)) => (module.clone(), token.clone()),
        (None, None) if given.pkcs11_pin_file.is_none() => return Ok(None),
        _ => return Err(Error::invalid("bad-settings", HALF)),
    };
    if !module.is_file() {
        let text = format!(
            "there is no PKCS#11 module {}: name the token's library (pkcs11-module)",
            module.display()
        );
        return Err(Error::invalid("token-module", text));
    }
    let source = source(given)?;
    // Told at the start, not when the token first asks.
    source.read()?;
    Ok(Some(TokenSettings { module, token, pin: Arc::new(move || source.read()) }))
}

const HALF: &str =
    "a token needs both: pkcs11-module (the library) and pkcs11-token (its label or serial number)";

enum Source {
    /// A file whose mode we judge.
    Private(PathBuf),
    /// A credential: systemd keeps its folder to the service.
    Credential(PathBuf),
}

impl Source {
    fn read(&self) -> Result<zeroize::Zeroizing<String>> {
        match self {
            Self::Private(path) => password::read_private(PIN, path),
            Self::Credential(path) => password::read(PIN, path),
        }
    }
}

fn source(given: &Given) -> Result<Source> {
    if let Some(path) = &given.pkcs11_pin_file {
        return Ok(Source::Private(path.clone()));
    }
    let credential = std::env::var_os("CREDENTIALS_DIRECTORY").map(|d| PathBuf::from(d).join(CREDENTIAL));
    credential.filter(|path| path.exists()).map(Source::Credential).ok_or_else(|| {
        Error::invalid(
            "bad-settings",
            "the token's PIN is missing: give --pkcs11-pin-file FILE (mode 0600) or a systemd credential named \
             signet-pkcs11-pin",
        )
    })
}
