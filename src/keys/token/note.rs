//! What the key folder knows of a key in a token: `<id>.token`, so that its name says where it is, and so that its public
//! half is known while the token is away. It holds no secret.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::super::software::{damaged, files};
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::x509::key::PublicKey;

/// How the names of such files end.
const SUFFIX: &str = ".token";

/// A key in a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The token as the settings named it when the key was made.
    pub token: String,
    /// CKA_ID of the key pair.
    pub object: Vec<u8>,
    /// Its public half.
    pub public: PublicKey,
    /// Whether it was made by others: then it is not for us to destroy.
    pub adopted: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Text {
    token: String,
    object: String,
    public_key: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    adopted: bool,
}

impl Note {
    /// The note of a key, if it lies in a token. Errors: `damaged-file`, `storage`.
    pub fn read(folder: &Path, id: &KeyId) -> Result<Option<Self>> {
        let name = name(id);
        let Some(bytes) = files::read(&folder.join(&name))? else { return Ok(None) };
        let text = std::str::from_utf8(&bytes).ok().and_then(|text| toml::from_str(text).ok());
        let text: Text = text.ok_or_else(|| damaged(&name, "it is no note of a key in a token"))?;
        let spki = STANDARD.decode(&text.public_key).ok();
        let public = spki.and_then(|spki| PublicKey::from_spki(&spki).ok());
        let object = unhex(&text.object).filter(|object| !object.is_empty());
        match (public, object) {
            (Some(public), Some(object)) => {
                let (token, adopted) = (text.token, text.adopted);
                Ok(Some(Self { token, object, public, adopted }))
            }
            (None, _) => Err(damaged(&name, "its public-key is none")),
            (Some(_), None) => Err(damaged(&name, "its object is not hexadecimal")),
        }
    }

    /// Writes it durably. Errors: `storage`.
    #[cfg(feature = "pkcs11")]
    pub fn write(&self, folder: &Path, id: &KeyId) -> Result<()> {
        let text = Text {
            token: self.token.clone(),
            object: hex(&self.object),
            public_key: STANDARD.encode(self.public.spki()),
            adopted: self.adopted,
        };
        let body = toml::to_string(&text).map_err(|e| Error::internal("a note of a key").because(e))?;
        let text = format!("# The private key lies in this token, as the objects with this CKA_ID.\n{body}");
        files::write(folder, &name(id), text.as_bytes())
    }

    /// Removes it. Errors: `storage`.
    #[cfg(feature = "pkcs11")]
    pub fn remove(folder: &Path, id: &KeyId) -> Result<()> {
        files::erase(folder, &name(id))
    }

    /// The keys that lie in tokens. Errors: `storage`.
    #[cfg(feature = "pkcs11")]
    pub fn names(folder: &Path) -> Result<Vec<KeyId>> {
        let names = files::names(folder, SUFFIX)?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// The key is wanted, and the settings name no token.
    pub fn needs_settings(&self, id: &KeyId) -> Error {
        let (token, build) = (&self.token, NEEDS_BUILD);
        Error::conflict(
            "token-not-configured",
            format!(
                "the key {id} lies in the token {token}: give --pkcs11-module FILE --pkcs11-token '{token}'{build}"
            ),
        )
    }
}

#[cfg(feature = "pkcs11")]
const NEEDS_BUILD: &str = "";
#[cfg(not(feature = "pkcs11"))]
const NEEDS_BUILD: &str = " to a signet that was built with --features pkcs11; this one was not";

fn name(id: &KeyId) -> String {
    format!("{id}{SUFFIX}")
}

/// Lower-case hexadecimal.
#[cfg(feature = "pkcs11")]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Reads hexadecimal of whole octets; none if it is not.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() % 2 == 1 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}
